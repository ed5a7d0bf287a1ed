/* The keyed hash behind uthash. */
#include "base/map.h"

#include <pthread.h>
#include <sodium.h>

#include "base/id.h"

_Static_assert(crypto_shorthash_BYTES == 8, "SipHash gives 64 bits");

static unsigned char map_key[crypto_shorthash_KEYBYTES];

static void
map_make_key(void)
{
	id_init();
	id_random_bytes(map_key, sizeof(map_key));
}

unsigned
map_hash(const void *key, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, map_make_key);
	uint64_t h;
	crypto_shorthash((unsigned char *)&h, key, n, map_key);
	return (unsigned)h;
}
