/* See queue.h. An element and its strings lie in one arena. */
#include "queue.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"

struct queued {
	struct xml_element element; /* first */
	struct list link;
	struct arena arena;
};

void
queue_add(struct list *q, const struct xml_element *e)
{
	struct queued *n = NEW(struct queued);
	struct xml_attr *attrs = arena_alloc(&n->arena, e->n_attrs * sizeof(*attrs) + 1);

	n->element = *e;
	n->element.ns = arena_str(&n->arena, e->ns);
	n->element.name = arena_str(&n->arena, e->name);
	n->element.payload = arena_str(&n->arena, e->payload);
	n->element.child_ns = arena_str(&n->arena, e->child_ns);
	n->element.child_name = arena_str(&n->arena, e->child_name);
	for (size_t i = 0; i < e->n_attrs; i++) {
		attrs[i].ns = arena_str(&n->arena, e->attrs[i].ns);
		attrs[i].name = arena_str(&n->arena, e->attrs[i].name);
		attrs[i].value = arena_str(&n->arena, e->attrs[i].value);
	}
	n->element.attrs = attrs;
	list_add(q, &n->link);
}

struct xml_element *
queue_take(struct list *q)
{
	struct queued *n;

	if (list_empty(q))
		return NULL;
	n = CONTAINER_OF(q->next, struct queued, link);
	list_remove(&n->link);
	return &n->element;
}

void
queue_free_element(struct xml_element *e)
{
	struct queued *n = CONTAINER_OF(e, struct queued, element);

	arena_deinit(&n->arena);
	free(n);
}

void
queue_clear(struct list *q)
{
	struct xml_element *e;

	while ((e = queue_take(q)))
		queue_free_element(e);
}
