/* See wheel.h. A node lies in the slot of the step in which it is due; the slots that a turn passes are searched for those. */
#include "base/wheel.h"

#include <stddef.h>

#include "base/mem.h"

void
wheel_init(struct wheel *w, uint64_t step_ms, uint64_t now_ms)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	w->step_ms = step_ms;
	w->at = now_ms / step_ms;
}

void
wheel_node_init(struct wheel_node *n)
{
	list_init(&n->link);
}

void
wheel_put(struct wheel *w, struct wheel_node *n, uint64_t due_ms)
{
	uint64_t step = due_ms / w->step_ms;

	n->due_ms = due_ms;
	list_remove(&n->link);
	list_add(&w->slots[(step > w->at ? step : w->at) % WHEEL_SLOTS], &n->link);
}

void
wheel_remove(struct wheel_node *n)
{
	list_remove(&n->link);
}

static void
turn_slot(struct list *slot, uint64_t now_ms, void (*fn)(struct wheel_node *n, void *ctx), void *ctx)
{
	struct list *last = slot->prev;
	bool done = list_empty(slot);

	/* What fn puts back stands behind the last one. */
	for (struct list *it = slot->next, *nx = it->next; !done; it = nx, nx = it->next) {
		struct wheel_node *n = CONTAINER_OF(it, struct wheel_node, link);

		done = it == last;
		if (n->due_ms <= now_ms)
			fn(n, ctx);
	}
}

void
wheel_turn(struct wheel *w, uint64_t now_ms, void (*fn)(struct wheel_node *n, void *ctx), void *ctx)
{
	uint64_t now = now_ms / w->step_ms, from = w->at;

	/* After a long pause a whole round is enough. */
	if (now - from >= WHEEL_SLOTS)
		from = now - WHEEL_SLOTS + 1;
	/* The step of now is looked at again: some of it is due later. */
	for (; from <= now; from++) {
		w->at = from;
		turn_slot(&w->slots[from % WHEEL_SLOTS], now_ms, fn, ctx);
	}
}

struct wheel_node *
wheel_any(const struct wheel *w)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		if (!list_empty(&w->slots[i]))
			return CONTAINER_OF(w->slots[i].next, struct wheel_node, link);
	return NULL;
}
