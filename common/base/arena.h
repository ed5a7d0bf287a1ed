/* An arena: many small allocations, freed together. Used for parsed trees and decoded messages.
 * Zeroed memory is a valid empty arena. */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* Zeroed, aligned for any type. Valid until arena_deinit/arena_clear. */
void *arena_alloc(struct arena *a, size_t n);
struct str arena_str(struct arena *a, struct str s);
/* A copy with a NUL behind it. */
char *arena_z(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Frees all but the first block. */
void arena_clear(struct arena *a);
void arena_deinit(struct arena *a);
/* Wipes too: for arenas that held secrets. */
void arena_deinit_secret(struct arena *a);
