/* Hash, HMAC and PBKDF2 by the number we store. GnuTLS can refuse them only when the machine's
 * policy forbids the hash; nobody could log in then, so that is the end of the process, with a
 * text. */
#include "digest.h"

#include <gnutls/crypto.h>

#include "base/mem.h"

static const struct {
	gnutls_digest_algorithm_t hash;
	gnutls_mac_algorithm_t mac;
	size_t size;
} digests[DIGEST_COUNT] = {
    [DIGEST_SHA1] = {GNUTLS_DIG_SHA1, GNUTLS_MAC_SHA1, 20},
    [DIGEST_SHA256] = {GNUTLS_DIG_SHA256, GNUTLS_MAC_SHA256, 32},
    [DIGEST_SHA512] = {GNUTLS_DIG_SHA512, GNUTLS_MAC_SHA512, 64},
};

static void
digest_check(int rc, const char *what)
{
	if (rc < 0)
		bug("GnuTLS refuses %s (%d); see its system-wide configuration", what, rc);
}

size_t
digest_size(enum digest d)
{
	return digests[d].size;
}

void
digest_hash(enum digest d, struct str data, uint8_t *out)
{
	digest_check(gnutls_hash_fast(digests[d].hash, data.p, data.n, out), "a hash");
}

void
digest_hmac(enum digest d, struct str key, struct str data, uint8_t *out)
{
	digest_check(gnutls_hmac_fast(digests[d].mac, key.p, key.n, data.p, data.n, out), "an HMAC");
}

void
digest_pbkdf2(enum digest d, struct str password, struct str salt, uint32_t iterations, uint8_t *out)
{
	const gnutls_datum_t key = {
	    .data = (unsigned char *)(uintptr_t)password.p, .size = (unsigned)password.n};
	const gnutls_datum_t with = {
	    .data = (unsigned char *)(uintptr_t)salt.p, .size = (unsigned)salt.n};

	digest_check(
	    gnutls_pbkdf2(digests[d].mac, &key, &with, iterations, out, digests[d].size), "PBKDF2");
}
