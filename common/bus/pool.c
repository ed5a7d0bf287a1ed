/* Free lists for kept and queued frames, whose number changes all the time and whose sizes are much alike. */
#include "bus/pool.h"

#include <stdlib.h>

#include "base/mem.h"

struct pool_block {
	size_t class; /* POOL_CLASSES: none, larger than all */
	union {
		struct pool_block *next;
		max_align_t data;
	};
};

static size_t
class_size(size_t class)
{
	return (size_t)POOL_SMALLEST << class;
}

void *
bus_pool_get(struct bus_pool *p, size_t size)
{
	size_t class = 0;
	while (class < POOL_CLASSES && size > class_size(class))
		class ++;
	struct pool_block *b = class < POOL_CLASSES ? p->free[class] : NULL;
	if (b) {
		p->free[class] = b->next;
		p->n_free[class]--;
		return &b->data;
	}
	size_t data = class < POOL_CLASSES ? class_size(class) : size;
	b = mem_grow(NULL, offsetof(struct pool_block, data) + data);
	b->class = class;
	return &b->data;
}

void
bus_pool_put(struct bus_pool *p, void *data)
{
	struct pool_block *b = CONTAINER_OF(data, struct pool_block, data);
	size_t class = b->class;
	if (class == POOL_CLASSES || p->n_free[class] * class_size(class) >= POOL_KEPT_BYTES) {
		free(b);
		return;
	}
	b->next = p->free[class];
	p->free[class] = b;
	p->n_free[class]++;
}

void
bus_pool_deinit(struct bus_pool *p)
{
	for (size_t class = 0; class < POOL_CLASSES; class ++) {
		for (struct pool_block *b = p->free[class], *next; b; b = next) {
			next = b->next;
			free(b);
		}
		p->free[class] = NULL;
		p->n_free[class] = 0;
	}
}
