/* Reads a private key and a certificate chain from PEM and makes sure that the one belongs to the other and that
 * both are of a kind that we sign with. Whatever else stood in the .crt file (a key, comments) stays here: the chain
 * is written anew from the parsed certificates. Used when files are read at the start and when they come over the
 * control socket. */

#include "pair.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tls/keywire.h"
#include "tls/names.h"

struct cert_list {
	gnutls_x509_crt_t *v;
	unsigned n;
};

static void
cert_list_deinit(struct cert_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		gnutls_x509_crt_deinit(l->v[i]);
	gnutls_free(l->v);
	*l = (struct cert_list){0};
}

static int
parse_certs(struct cert_list *l, struct str pem, const char *name, struct err *err)
{
	gnutls_datum_t data = {.data = (unsigned char *)pem.p, .size = (unsigned)pem.n};

	int rc = gnutls_x509_crt_list_import2(
	    &l->v, &l->n, &data, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (rc < 0 || l->v == NULL) {
		*l = (struct cert_list){0};
		err_set(err,
		    "%s: no certificate chain in PEM (%s); put the server's certificate "
		    "there, followed by those of its issuers",
		    name, gnutls_strerror(rc));
		return -1;
	}
	if (l->n > PAIR_CHAIN_MAX)
		return err_set(err,
		    "%s: %u certificates; a chain has at most %d: leave only the server's "
		    "and its issuers'",
		    name, l->n, PAIR_CHAIN_MAX);
	return 0;
}

static int
key_error(int rc, const char *name, struct err *err)
{
	if (rc == GNUTLS_E_DECRYPTION_FAILED)
		return err_set(err,
		    "%s: the key is encrypted and nobody is here to ask for the "
		    "passphrase; store it in the clear, readable by keyd only",
		    name);
	return err_set(err, "%s: no private key in PEM (%s)", name, gnutls_strerror(rc));
}

static int
parse_key(struct pair *p, struct str pem, const char *name, struct err *err)
{
	gnutls_datum_t data = {.data = (unsigned char *)pem.p, .size = (unsigned)pem.n};
	gnutls_x509_privkey_t x;

	if (gnutls_x509_privkey_init(&x) < 0 || gnutls_privkey_init(&p->key) < 0)
		bug("gnutls: out of memory");
	int rc = gnutls_x509_privkey_import2(x, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == 0)
		rc = gnutls_privkey_import_x509(p->key, x, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (rc < 0) {
		gnutls_x509_privkey_deinit(x);
		return key_error(rc, name, err);
	}
	p->pk = (unsigned)gnutls_privkey_get_pk_algorithm(p->key, &p->bits);
	return 0;
}

static int
check_kind(const struct pair *p, const char *name, struct err *err)
{
	bool ok = (p->pk == GNUTLS_PK_ECDSA && p->bits >= 256) || p->pk == GNUTLS_PK_EDDSA_ED25519 ||
	    (p->pk == GNUTLS_PK_RSA && p->bits >= 2048 && p->bits <= 8 * KEYWIRE_SIGNATURE_MAX);
	char kind[32];

	if (ok)
		return 0;
	pair_describe(p, kind);
	return err_set(err,
	    "%s: a key of the kind %s is not used; take ECDSA (P-256 or more), RSA (2048 to "
	    "4096 bits) or Ed25519",
	    name, kind);
}

static int
check_match(struct pair *p, const struct cert_list *certs, const char *crt_name,
    const char *key_name, struct err *err)
{
	uint8_t of_key[PAIR_KEY_HASH];
	size_t n = sizeof of_key, m = sizeof p->key_hash;
	gnutls_pubkey_t pub;

	if (gnutls_pubkey_init(&pub) < 0)
		bug("gnutls: out of memory");
	int rc = gnutls_pubkey_import_privkey(pub, p->key, 0, 0);
	if (rc == 0)
		rc = gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, of_key, &n);
	gnutls_pubkey_deinit(pub);
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(
		    certs->v[0], GNUTLS_KEYID_USE_SHA256, p->key_hash, &m);
	if (rc < 0)
		return err_set(err, "%s: %s", crt_name, gnutls_strerror(rc));
	if (memcmp(of_key, p->key_hash, sizeof of_key) != 0)
		return err_set(err,
		    "%s: the certificate does not belong to the key in %s; put the matching "
		    "two there, or move both away and keyd makes new ones when it starts",
		    crt_name, key_name);
	return 0;
}

static int
write_chain(struct pair *p, const struct cert_list *certs, const char *name, struct err *err)
{
	for (unsigned i = 0; i < certs->n; i++) {
		gnutls_datum_t pem;
		int rc = gnutls_x509_crt_export2(certs->v[i], GNUTLS_X509_FMT_PEM, &pem);
		if (rc < 0)
			return err_set(err, "%s: %s", name, gnutls_strerror(rc));
		buf_add(&p->chain_pem, pem.data, pem.size);
		gnutls_free(pem.data);
	}
	if (buf_len(&p->chain_pem) > KEYWIRE_CHAIN_MAX)
		return err_set(
		    err, "%s: the chain is larger than %d bytes", name, KEYWIRE_CHAIN_MAX);
	return 0;
}

int
pair_parse(struct pair *p_r, struct str crt_pem, struct str key_pem, const char *crt_name,
    const char *key_name, struct err *err)
{
	struct cert_list certs = {0};
	struct pair p = {0};

	bool ok = parse_certs(&certs, crt_pem, crt_name, err) == 0 &&
	    parse_key(&p, key_pem, key_name, err) == 0 && check_kind(&p, key_name, err) == 0 &&
	    check_match(&p, &certs, crt_name, key_name, err) == 0 &&
	    write_chain(&p, &certs, crt_name, err) == 0;
	if (ok) {
		p.expires = (int64_t)gnutls_x509_crt_get_expiration_time(certs.v[0]);
		p.self_signed = gnutls_x509_crt_check_issuer(certs.v[0], certs.v[0]) != 0;
		*p_r = p;
	} else {
		pair_deinit(&p);
	}
	cert_list_deinit(&certs);
	return ok ? 0 : -1;
}

void
pair_deinit(struct pair *p)
{
	if (p->key != NULL)
		gnutls_privkey_deinit(p->key);
	buf_deinit(&p->chain_pem);
	*p = (struct pair){0};
}

bool
pair_pem_names(struct str chain_pem, const char *domain)
{
	gnutls_datum_t data = {.data = (unsigned char *)chain_pem.p, .size = (unsigned)chain_pem.n};
	gnutls_datum_t der;
	struct cert_names names;
	bool have = false;

	if (gnutls_pem_base64_decode2("CERTIFICATE", &data, &der) < 0)
		return false;
	if (cert_names_read(&names, str_of(der.data, der.size), NULL) == 0) {
		have = cert_names_have(&names, str_z(domain));
		cert_names_deinit(&names);
	}
	gnutls_free(der.data);
	return have;
}

void
pair_describe(const struct pair *p, char out[32])
{
	const char *kind = p->pk == GNUTLS_PK_ECDSA ? "ECDSA"
	    : p->pk == GNUTLS_PK_EDDSA_ED25519      ? "Ed25519"
						    : gnutls_pk_get_name(p->pk);

	snprintf(out, 32, "%s-%u", kind != NULL ? kind : "?", p->bits);
}
