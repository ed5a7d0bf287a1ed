/* Custody: who still has to let go before a frame is acknowledged. Held by the running handler, by each kept frame
 * that was sent under it, and by whoever called custody_hold. Memory comes from a slab of the bus.
 *
 * A custody of a frame acknowledges the frame when the last holder lets go, if its sender is still the same
 * incarnation (BUS.md §6, owed-acks). One of its owner calls done, then lets go of the inner one. */
#include "base/mem.h"
#include "bus/bus_private.h"

static struct custody *
custody_get(struct bus *b)
{
	struct custody *c = slab_get(&b->custodies);
	c->refs = 1;
	c->bus = b;
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
	slab_put(&b->custodies, c);
	custody_release(inner);
}
