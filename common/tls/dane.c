/* See dane.h. Pure: what is done with a match is decided in peer.c. */
#include "tls/dane.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#define DIGEST_MAX 64
#define HEADER_BYTES 3

static size_t
digest_bytes(enum tlsa_matching m)
{
	return m == TLSA_SHA256 ? 32 : m == TLSA_SHA512 ? 64 : 0;
}

bool
tlsa_parse(struct tlsa *t_r, struct str rdata)
{
	const uint8_t *p = (const uint8_t *)rdata.p;

	if (rdata.n <= HEADER_BYTES || rdata.n > HEADER_BYTES + TLSA_DATA_MAX)
		return false;
	if (p[0] > TLSA_DANE_EE || p[1] > TLSA_KEY || p[2] > TLSA_SHA512)
		return false;
	struct tlsa t = {.usage = (enum tlsa_usage)p[0],
	    .selector = (enum tlsa_selector)p[1],
	    .matching = (enum tlsa_matching)p[2],
	    .data = str_from(rdata, HEADER_BYTES)};
	if (t.matching != TLSA_EXACT && t.data.n != digest_bytes(t.matching))
		return false;
	*t_r = t;
	return true;
}

static bool
data_matches(const struct tlsa *t, struct str what)
{
	uint8_t digest[DIGEST_MAX];
	gnutls_digest_algorithm_t hash =
	    t->matching == TLSA_SHA256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512;

	if (t->matching == TLSA_EXACT)
		return str_eq(t->data, what);
	return gnutls_hash_fast(hash, what.p, what.n, digest) == 0 &&
	    str_eq(t->data, str_of(digest, digest_bytes(t->matching)));
}

/* The SubjectPublicKeyInfo in DER; to be freed. */
static bool
key_of(struct str cert_der, gnutls_datum_t *spki_r)
{
	gnutls_datum_t der = {.data = (unsigned char *)cert_der.p, .size = (unsigned)cert_der.n};
	gnutls_x509_crt_t crt;
	gnutls_pubkey_t key;
	bool ok = false;

	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_pubkey_init(&key) == 0) {
		ok = gnutls_pubkey_import_x509(key, crt, 0) == 0 &&
		    gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, spki_r) == 0;
		gnutls_pubkey_deinit(key);
	}
	gnutls_x509_crt_deinit(crt);
	return ok;
}

bool
tlsa_matches(const struct tlsa *t, struct str cert_der)
{
	gnutls_datum_t spki;

	if (t->selector == TLSA_CERT)
		return data_matches(t, cert_der);
	if (!key_of(cert_der, &spki))
		return false;
	bool same = data_matches(t, str_of(spki.data, spki.size));
	gnutls_free(spki.data);
	return same;
}
