/* Blocks of memory by size class, kept for the next time. Larger ones come from malloc each time. */
#pragma once

#include <stddef.h>

#define POOL_CLASSES 6
#define POOL_SMALLEST 256
/* Free blocks kept per class: at most 2 MiB in the largest class. */
#define POOL_KEPT_BYTES (2 * 1024 * 1024)

struct pool_block;

struct pool {
	struct pool_block *free[POOL_CLASSES];
	size_t n_free[POOL_CLASSES];
};

/* Not zeroed. */
void *pool_get(struct pool *p, size_t size);
void pool_put(struct pool *p, void *block);
void pool_deinit(struct pool *p);
