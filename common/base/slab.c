/* See slab.h. */
#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The sanitizer is told what is spare, or it would not see that one is used after it was put. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define PER_PAGE 64

struct slab_spare {
	struct slab_spare *next;
};

struct slab_page {
	struct slab_page *next;
	uint64_t objects[];
};

void
slab_init(struct slab *s, size_t size)
{
	size_t unit = sizeof(uint64_t);

	*s = (struct slab){.size = (size + unit - 1) / unit * unit};
}

void
slab_deinit(struct slab *s)
{
	for (struct slab_page *p = s->pages, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	slab_init(s, s->size);
}

static void
slab_grow(struct slab *s)
{
	struct slab_page *p = mem_new(sizeof(*p) + PER_PAGE * s->size);

	p->next = s->pages;
	s->pages = p;
	for (size_t i = PER_PAGE; i-- > 0;)
		slab_put(s, (uint8_t *)p->objects + i * s->size);
}

void *
slab_get(struct slab *s)
{
	struct slab_spare *o;

	if (!s->spares)
		slab_grow(s);
	o = s->spares;
	ASAN_UNPOISON_MEMORY_REGION(o, s->size);
	s->spares = o->next;
	return memset(o, 0, s->size);
}

void
slab_put(struct slab *s, void *object)
{
	struct slab_spare *o = object;

	o->next = s->spares;
	s->spares = o;
	ASAN_POISON_MEMORY_REGION(o, s->size);
}
