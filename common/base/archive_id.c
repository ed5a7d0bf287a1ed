/* See archive_id.h: tag = H(origin, n), proof = H(origin, n, owner), 64 bits each. */
#include "base/archive_id.h"

#include <sodium.h>
#include <string.h>

#define HALF (ID_BYTES / 2)

static void
half(uint8_t *out, const struct id128 *origin, uint64_t n, struct str owner)
{
	crypto_generichash_state h;
	uint8_t digest[crypto_generichash_BYTES_MIN], number[sizeof(n)];

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(n >> (8 * i));
	crypto_generichash_init(&h, origin->b, sizeof(origin->b), sizeof(digest));
	crypto_generichash_update(&h, number, sizeof(number));
	crypto_generichash_update(&h, (const uint8_t *)owner.p, owner.n);
	crypto_generichash_final(&h, digest, sizeof(digest));
	memcpy(out, digest, HALF);
}

struct id128
archive_id(const struct id128 *origin, uint64_t n, struct str owner)
{
	struct id128 id;

	half(id.b, origin, n, (struct str){0});
	half(id.b + HALF, origin, n, owner);
	return id;
}

uint64_t
archive_id_tag(const struct id128 *id)
{
	uint64_t tag = 0;

	for (size_t i = 0; i < HALF; i++)
		tag = tag << 8 | id->b[i];
	return tag;
}
