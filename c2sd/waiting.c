/* See waiting.h. An element and all its strings are one allocation. */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct kept {
	struct xml_element element; /* first: the caller frees it as the whole */
	struct list link;
	size_t size;
	struct xml_attr attrs[];
};

void
waiting_init(struct waiting *w)
{
	list_init(&w->elements);
	w->bytes = 0;
}

static size_t
kept_size(const struct xml_element *e)
{
	size_t n = sizeof(struct kept) + e->n_attrs * sizeof(struct xml_attr);

	n += e->ns.n + e->name.n + e->payload.n + e->child_ns.n + e->child_name.n;
	for (size_t i = 0; i < e->n_attrs; i++)
		n += e->attrs[i].ns.n + e->attrs[i].name.n + e->attrs[i].value.n;
	return n;
}

bool
waiting_add(struct waiting *w, const struct xml_element *e)
{
	size_t size = kept_size(e);
	struct kept *k;
	char *at;

	if (w->bytes + size > WAITING_BYTES)
		return false;
	k = mem_new(size);
	at = (char *)&k->attrs[e->n_attrs];
	k->size = size;
	k->element = *e;
	k->element.ns = str_put(&at, e->ns);
	k->element.name = str_put(&at, e->name);
	k->element.payload = str_put(&at, e->payload);
	k->element.child_ns = str_put(&at, e->child_ns);
	k->element.child_name = str_put(&at, e->child_name);
	k->element.attrs = k->attrs;
	for (size_t i = 0; i < e->n_attrs; i++) {
		k->attrs[i].ns = str_put(&at, e->attrs[i].ns);
		k->attrs[i].name = str_put(&at, e->attrs[i].name);
		k->attrs[i].value = str_put(&at, e->attrs[i].value);
	}
	list_add(&w->elements, &k->link);
	w->bytes += size;
	return true;
}

struct xml_element *
waiting_take(struct waiting *w)
{
	struct kept *k;

	if (list_empty(&w->elements))
		return NULL;
	k = CONTAINER_OF(w->elements.next, struct kept, link);
	list_remove(&k->link);
	w->bytes -= k->size;
	return &k->element;
}

void
waiting_clear(struct waiting *w)
{
	LIST_FOREACH_SAFE(&w->elements, it, nx)
		free(CONTAINER_OF(it, struct kept, link));
	waiting_init(w);
}
