/* See digest.h. */
#include "tls/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/mem.h"

void
digest_sha1(struct str in, uint8_t out[DIGEST_SHA1_BYTES])
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, in.p, in.n, out) < 0)
		bug("GnuTLS has no SHA-1");
}
