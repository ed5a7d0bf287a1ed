/* Custody: who still has to let go before a frame is acknowledged. Held by the running handler, by each kept frame
 * that was sent under it, and by whoever called custody_hold. Memory comes in slabs that live as long as the bus.
 *
 * A custody of a frame acknowledges the frame when the last holder lets go, if its sender is still the same
 * incarnation (BUS.md §6, owed-acks). One of its owner calls done, then lets go of the inner one. */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

#define CUSTODIES_PER_SLAB 64

struct custody_slab {
	struct custody_slab *next;
	struct custody items[CUSTODIES_PER_SLAB];
};

static void
custody_add_slab(struct bus *b)
{
	struct custody_slab *slab = NEW(struct custody_slab);
	slab->next = b->custody_slabs;
	b->custody_slabs = slab;
	for (unsigned i = 0; i < CUSTODIES_PER_SLAB; i++)
		list_add(&b->custody_free, &slab->items[i].node);
}

static struct custody *
custody_get(struct bus *b)
{
	if (list_empty(&b->custody_free))
		custody_add_slab(b);
	struct custody *c = CONTAINER_OF(b->custody_free.next, struct custody, node);
	list_remove(&c->node);
	*c = (struct custody){.refs = 1, .bus = b};
	list_init(&c->node);
	list_init(&c->frames);
	return c;
}

struct custody *
custody_for_frame(struct bus *b, struct peer *p, unsigned level, uint64_t seq)
{
	struct custody *c = custody_get(b);
	c->level = (uint8_t)level;
	c->peer = p;
	c->inc = p->inc;
	c->seq = seq;
	return c;
}

struct custody *
custody_new(struct bus *b, struct custody *inner, void (*done)(void *arg), void *arg)
{
	struct custody *c = custody_get(b);
	c->level = inner ? inner->level : 0;
	c->inner = custody_hold(inner);
	c->done = done;
	c->arg = arg;
	return c;
}

static struct custody *
custody_of_frame(struct custody *c)
{
	while (c && c->inner)
		c = c->inner;
	return c && c->peer ? c : NULL;
}

/* Kept in order of seq: mostly they come in that order. */
void
custody_defer(struct custody *c)
{
	c = custody_of_frame(c);
	if (!c || c->deferrals++ > 0 || c->peer->inc != c->inc)
		return;
	struct list *all = &c->peer->in[c->level].deferred, *at = all->prev;
	while (at != all && CONTAINER_OF(at, struct custody, node)->seq > c->seq)
		at = at->prev;
	list_add(at->next, &c->node);
}

void
custody_resume(struct custody *c)
{
	c = custody_of_frame(c);
	if (!c || c->deferrals == 0 || --c->deferrals > 0)
		return;
	list_remove(&c->node);
	if (c->peer->inc == c->inc && c->seq <= c->peer->in[c->level].started)
		receiver_ack_now(c->bus, c->peer, &c->peer->in[c->level]);
}

struct custody *
custody_hold(struct custody *c)
{
	if (c)
		c->refs++;
	return c;
}

void
custody_release(struct custody *c)
{
	if (!c)
		return;
	if (c->refs <= 0)
		bug("bus: custody let go too often");
	if (--c->refs > 0)
		return;
	struct bus *b = c->bus;
	struct custody *inner = c->inner;
	list_remove(&c->node);
	if (c->peer && c->peer->inc == c->inc)
		receiver_acknowledge(b, c->peer, c->level, c->seq);
	if (c->done)
		c->done(c->arg);
	/* put first: the next frame takes the memory that is still in the cache */
	list_add(b->custody_free.next, &c->node);
	custody_release(inner);
}

void
custody_free_all(struct bus *b)
{
	for (struct custody_slab *s = b->custody_slabs, *next; s; s = next) {
		next = s->next;
		free(s);
	}
	b->custody_slabs = NULL;
	list_init(&b->custody_free);
}
