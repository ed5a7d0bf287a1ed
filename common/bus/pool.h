/* Blocks of memory by size class, kept for the next time. Larger ones come from malloc each time. */
#pragma once

#include <stddef.h>

#define POOL_CLASSES 6
#define POOL_SMALLEST 256
/* Free blocks kept per class: at most 2 MiB in the largest class. */
#define POOL_KEPT_BYTES (2 * 1024 * 1024)

struct pool_block;

struct bus_pool {
	struct pool_block *free[POOL_CLASSES];
	size_t n_free[POOL_CLASSES];
};

/* Not zeroed. */
void *bus_pool_get(struct bus_pool *p, size_t size);
void bus_pool_put(struct bus_pool *p, void *block);
void bus_pool_deinit(struct bus_pool *p);
