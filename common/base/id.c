/* Random ids and secrets: a thin layer over libsodium. */
#include "base/id.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"

void
id_init(void)
{
	if (sodium_init() < 0)
		bug("libsodium cannot start");
}

void
id_random_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}

struct id128
id_random(void)
{
	struct id128 id;
	do
		id_random_bytes(id.b, sizeof(id.b));
	while (id_is_zero(&id));
	return id;
}

uint64_t
id_random_u64(void)
{
	uint64_t v;
	do
		id_random_bytes(&v, sizeof(v));
	while (v == 0);
	return v;
}

void
id_hex(const struct id128 *id, char out[2 * ID_BYTES + 1])
{
	sodium_bin2hex(out, 2 * ID_BYTES + 1, id->b, sizeof(id->b));
}

bool
id_from_hex(struct id128 *id_r, struct str hex)
{
	struct id128 id;
	size_t n;
	if (hex.n != 2 * ID_BYTES ||
	    sodium_hex2bin(id.b, sizeof(id.b), hex.p, hex.n, NULL, &n, NULL) != 0 || n != ID_BYTES)
		return false;
	*id_r = id;
	return true;
}

bool
secret_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

void
secret_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}
