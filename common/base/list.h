/* Intrusive doubly linked list. A node that is in no list points to itself. */
#pragma once

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* Appends node at the end of l. */
static inline void
list_add(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Takes out each node that is in l now, in their order, and hands it to `take`, which may put it back (behind those), and remove
 * any other. */
static inline void
list_take_each(struct list *l, void (*take)(struct list *node))
{
	struct list now = *l;

	if (list_empty(l))
		return;
	now.next->prev = now.prev->next = &now;
	list_init(l);
	while (!list_empty(&now)) {
		struct list *node = now.next;

		list_remove(node);
		take(node);
	}
}

#define LIST_FOREACH(l, it) for (struct list *it = (l)->next; it != (l); it = it->next)
/* The body may remove `it`, and only `it`. */
#define LIST_FOREACH_SAFE(l, it, nx) \
	for (struct list *it = (l)->next, *nx = it->next; it != (l); it = nx, nx = it->next)
