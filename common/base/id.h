/* Unguessable ids, tokens and constant-time comparison (libsodium). INV-16, INV-17. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define ID_BYTES 16

/* 128 random bits: session ids, origins, tickets. All zero = none. */
struct id128 {
	uint8_t b[ID_BYTES];
};

/* Must be called once before anything else here; aborts when libsodium cannot start. Idempotent. */
void id_init(void);
struct id128 id_random(void);
uint64_t id_random_u64(void); /* never 0 */
void id_random_bytes(void *p, size_t n);

static inline bool
id_is_zero(const struct id128 *id)
{
	static const struct id128 zero;

	return memcmp(id, &zero, sizeof(zero)) == 0;
}

/* Of names. What proves something by being known, as a token does, is compared by secret_eq. */
static inline bool
id_eq(const struct id128 *a, const struct id128 *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* 32 hex digits and a NUL. */
void id_hex(const struct id128 *id, char out[2 * ID_BYTES + 1]);
bool id_from_hex(struct id128 *id_r, struct str hex);

/* Constant time in the content; unequal lengths are unequal at once. */
bool secret_eq(struct str a, struct str b);
void secret_wipe(void *p, size_t n);
