/* Base64 and hex by libsodium, whose codecs take the same time for every content: what passes here is
 * often a password. */
#include "base/enc.h"

#include <sodium.h>

#include "base/id.h"
#include "base/mem.h"

void
enc_base64(struct buf *out, struct str in)
{
	if (in.n > SIZE_MAX / 4)
		bug("base64 of %zu bytes", in.n);
	size_t cap = sodium_base64_ENCODED_LEN(in.n, sodium_base64_VARIANT_ORIGINAL);
	char *p = (char *)buf_reserve(out, cap);
	sodium_bin2base64(p, cap, (const unsigned char *)in.p, in.n, sodium_base64_VARIANT_ORIGINAL);
	buf_commit(out, cap - 1);
}

bool
dec_base64(struct buf *out, struct str in)
{
	if (in.n % 4 != 0)
		return false;
	if (in.n == 0)
		return true;
	size_t cap = in.n / 4 * 3, n;
	uint8_t *p = buf_reserve(out, cap);
	if (sodium_base642bin(p, cap, in.p, in.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) !=
	    0) {
		secret_wipe(p, cap);
		return false;
	}
	buf_commit(out, n);
	return true;
}

void
enc_hex(struct buf *out, struct str in)
{
	if (in.n > SIZE_MAX / 4)
		bug("hex of %zu bytes", in.n);
	size_t cap = 2 * in.n + 1;
	sodium_bin2hex((char *)buf_reserve(out, cap), cap, (const unsigned char *)in.p, in.n);
	buf_commit(out, cap - 1);
}
