/* Objects of one size that come and go with every stanza. The one put last is the next to be taken: it is still in the
 * processor's cache. Memory grows with the most that were out at the same time, and is given back at the end. */
#pragma once

#include <stddef.h>

struct slab_page;
struct slab_spare;

struct slab {
	size_t size; /* of an object */
	struct slab_page *pages;
	struct slab_spare *spares;
};

/* size: of an object; aligned as for 64-bit numbers and pointers. */
void slab_init(struct slab *s, size_t size);
/* Frees everything, also what was not put back. */
void slab_deinit(struct slab *s);
/* Zeroed. */
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *object);
