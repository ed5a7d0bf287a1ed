/* What keyd signs, and what it does not. An edge that was taken over can ask for anything, so each kind of request is
 * held to the form that TLS gives it:
 *
 *   ECDSA, RSA-PSS      a digest, exactly as long as the algorithm's hash
 *   RSA (TLS 1.2)       a DigestInfo of SHA-256, -384 or -512; it is taken apart and made again, so that no raw RSA
 *                       operation is ever done
 *   Ed25519             the whole text of a TLS 1.3 server CertificateVerify (RFC 8446 §4.4.3)
 *
 * Static RSA key exchange would need a decryption, and there is none. */

#include "sign.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "base/mem.h"

#define PADDING 64
#define CONTEXT "TLS 1.3, server CertificateVerify"

/* DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
static const struct {
	uint8_t prefix[19];
	size_t digest;
	gnutls_sign_algorithm_t algorithm;
} digest_infos[] = {
    {{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	 0x05, 0x00, 0x04, 0x20},
	32, GNUTLS_SIGN_RSA_SHA256},
    {{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
	 0x05, 0x00, 0x04, 0x30},
	48, GNUTLS_SIGN_RSA_SHA384},
    {{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
	 0x05, 0x00, 0x04, 0x40},
	64, GNUTLS_SIGN_RSA_SHA512},
};

static bool
open_digest_info(struct str data, struct str *digest_r, gnutls_sign_algorithm_t *algorithm_r)
{
	for (size_t i = 0; i < COUNT(digest_infos); i++) {
		struct str prefix = str_of(digest_infos[i].prefix, sizeof digest_infos[i].prefix);
		if (str_starts(data, prefix) && data.n == prefix.n + digest_infos[i].digest) {
			*digest_r = str_from(data, prefix.n);
			*algorithm_r = digest_infos[i].algorithm;
			return true;
		}
	}
	return false;
}

/* 64 spaces, the context, a NUL, and the hash of the handshake. */
static bool
is_certificate_verify(struct str data)
{
	size_t head = PADDING + sizeof CONTEXT;

	for (size_t i = 0; i < PADDING && i < data.n; i++)
		if (data.p[i] != ' ')
			return false;
	return (data.n == head + 32 || data.n == head + 48) &&
	    memcmp(data.p + PADDING, CONTEXT, sizeof CONTEXT) == 0;
}

static enum keywire_status
finish(int rc, gnutls_datum_t *signature, struct buf *out)
{
	enum keywire_status status = KEYWIRE_BROKEN;

	if (rc >= 0 && signature->size > 0 && signature->size <= KEYWIRE_SIGNATURE_MAX) {
		buf_add(out, signature->data, signature->size);
		status = KEYWIRE_OK;
	}
	gnutls_free(signature->data);
	return status;
}

static enum keywire_status
sign_digest(
    gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, struct str digest, struct buf *out)
{
	gnutls_datum_t data = {.data = (unsigned char *)digest.p, .size = (unsigned)digest.n};
	gnutls_datum_t signature = {0};

	if (digest.n != gnutls_hash_get_len(gnutls_sign_get_hash_algorithm(algorithm)))
		return KEYWIRE_BAD_DATA;
	int rc = gnutls_privkey_sign_hash2(key, algorithm, 0, &data, &signature);
	return finish(rc, &signature, out);
}

static enum keywire_status
sign_text(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, struct str text, struct buf *out)
{
	gnutls_datum_t data = {.data = (unsigned char *)text.p, .size = (unsigned)text.n};
	gnutls_datum_t signature = {0};

	if (!is_certificate_verify(text))
		return KEYWIRE_BAD_DATA;
	int rc = gnutls_privkey_sign_data2(key, algorithm, 0, &data, &signature);
	return finish(rc, &signature, out);
}

enum keywire_status
sign_request(
    gnutls_privkey_t key, unsigned pk, const struct keywire_request *r, struct buf *signature)
{
	gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)r->algorithm;
	struct str digest = r->data;

	if (!keywire_may_sign(pk, r->algorithm))
		return KEYWIRE_BAD_ALGORITHM;
	if (algorithm == GNUTLS_SIGN_EDDSA_ED25519)
		return sign_text(key, algorithm, r->data, signature);
	if (algorithm == GNUTLS_SIGN_RSA_RAW && !open_digest_info(r->data, &digest, &algorithm))
		return KEYWIRE_BAD_DATA;
	return sign_digest(key, algorithm, digest, signature);
}
