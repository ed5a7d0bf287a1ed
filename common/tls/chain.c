/* A certificate chain as GnuTLS wants it, with a private key that is only a name: its sign callbacks ask keyd
 * through signer.c. GnuTLS 3.7.9 needs both callbacks (RSA and ECDSA come as a hash, Ed25519 as data; a missing
 * one is a call of NULL), and an answer at once: GNUTLS_E_AGAIN would skip the CertificateVerify. The info
 * callback answers from the certificate, so nothing is asked of keyd when a chain is loaded, and an edge starts
 * without it. Used by context.c. */

#include "tls/chain.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tls/keywire.h"
#include "tls/signer.h"

_Thread_local struct err *tls_sign_reason;

/* Serves as sign_data and as sign_hash: keyd knows by the algorithm which of the two it is. */
static int
on_sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *userdata, unsigned flags,
    const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	const struct tls_chain *c = userdata;
	struct buf out = {0};

	(void)key;
	(void)flags;
	if (signer_sign(
		c->key_id, algorithm, str_of(data->data, data->size), &out, tls_sign_reason) < 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	assert(out.data != NULL); /* an answer without a signature is refused by signer.c */
	signature->size = (unsigned)buf_len(&out);
	signature->data = gnutls_malloc(signature->size);
	if (signature->data != NULL)
		memcpy(signature->data, buf_str(&out).p, signature->size);
	buf_deinit(&out);
	return signature->data != NULL ? 0 : GNUTLS_E_MEMORY_ERROR;
}

static int
on_info(gnutls_privkey_t key, unsigned flags, void *userdata)
{
	const struct tls_chain *c = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)c->pk;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)c->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return keywire_may_sign(c->pk, GNUTLS_FLAGS_TO_SIGN_ALGO(flags));
	return -1;
}

static int
import_certs(struct tls_chain *c, struct str pem, struct err *err)
{
	gnutls_datum_t data = {.data = (unsigned char *)pem.p, .size = (unsigned)pem.n};
	unsigned n = TLS_CHAIN_MAX;
	int bits = 0;

	int rc = gnutls_pcert_list_import_x509_raw(
	    c->certs, &n, &data, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (rc < 0)
		return err_set(err, "certificate chain: %s", gnutls_strerror(rc));
	c->n_certs = n;
	c->pk = (unsigned)gnutls_pubkey_get_pk_algorithm(c->certs[0].pubkey, (unsigned *)&bits);
	c->bits = (unsigned)bits;
	return 0;
}

static int
import_key(struct tls_chain *c, struct err *err)
{
	gnutls_privkey_init(&c->key);
	int rc = gnutls_privkey_import_ext4(c->key, c, on_sign, on_sign, NULL, NULL, on_info, 0);
	if (rc < 0)
		return err_set(err, "private key: %s", gnutls_strerror(rc));
	return 0;
}

/* RFC 5929 §4.1: the hash of the certificate's signature, but never less than SHA-256. */
static gnutls_digest_algorithm_t
end_point_hash(gnutls_x509_crt_t crt)
{
	int algorithm = gnutls_x509_crt_get_signature_algorithm(crt);
	gnutls_digest_algorithm_t hash =
	    algorithm < 0 ? GNUTLS_DIG_UNKNOWN : gnutls_sign_get_hash_algorithm(algorithm);

	if (hash == GNUTLS_DIG_UNKNOWN || hash == GNUTLS_DIG_NULL || hash == GNUTLS_DIG_MD5 ||
	    hash == GNUTLS_DIG_SHA1)
		return GNUTLS_DIG_SHA256;
	return hash;
}

static int
compute_end_point(struct tls_chain *c, struct err *err)
{
	gnutls_x509_crt_t crt;
	size_t size = sizeof c->end_point;

	int rc = gnutls_x509_crt_init(&crt);
	if (rc < 0)
		return err_set(err, "certificate: %s", gnutls_strerror(rc));
	rc = gnutls_x509_crt_import(crt, &c->certs[0].cert, GNUTLS_X509_FMT_DER);
	if (rc == 0)
		rc = gnutls_x509_crt_get_fingerprint(crt, end_point_hash(crt), c->end_point, &size);
	gnutls_x509_crt_deinit(crt);
	if (rc < 0)
		return err_set(err, "certificate: %s", gnutls_strerror(rc));
	c->end_point_len = size;
	return 0;
}

struct tls_chain *
tls_chain_new(const char *name, struct str pem, uint32_t key_id, struct err *err)
{
	struct tls_chain *c = NEW(struct tls_chain);

	list_init(&c->link);
	c->refs = 1;
	c->name = str_dup(str_z(name));
	c->key_id = key_id;
	if (import_certs(c, pem, err) < 0 || import_key(c, err) < 0 || compute_end_point(c, err) < 0)
		tls_chain_unref(&c);
	return c;
}

struct tls_chain *
tls_chain_ref(struct tls_chain *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
tls_chain_unref(struct tls_chain **cp)
{
	struct tls_chain *c = *cp;

	*cp = NULL;
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	for (unsigned i = 0; i < c->n_certs; i++)
		gnutls_pcert_deinit(&c->certs[i]);
	if (c->key != NULL)
		gnutls_privkey_deinit(c->key);
	free(c->name);
	free(c);
}
