/* Other endpoints and their incarnations (BUS.md §3.7, §6).
 *
 *   ABSENT --PEER_UP--> UP                              peer_new
 *   UP --PEER_DOWN, our link is lost--> UNKNOWN         frames wait
 *   UNKNOWN --PEER_UP, same incarnation--> UP           frames are sent again
 *   UNKNOWN --3 s with our link up--> DEAD              peer_gone, bound frames are lost
 *   DEAD --PEER_UP, same incarnation--> UP              sent again, peer_new
 *   any --PEER_UP, another incarnation--> UP            peer_gone unless DEAD, all begins again, peer_new
 *
 * Without our own link nobody is presumed dead: a router that is away for long must detach no session. */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

struct peer *
peer_of(struct bus *b, uint16_t number)
{
	if (b->peers[number])
		return b->peers[number];
	struct peer *p = NEW(struct peer);
	p->number = number;
	p->since_ms = bus_now(b);
	list_init(&p->due);
	for (unsigned level = 0; level < LEVELS; level++) {
		list_init(&p->out[level].kept);
		list_init(&p->in[level].queue);
		list_init(&p->in[level].deferred);
	}
	list_add(&b->peers_list, &p->node);
	b->peers[number] = p;
	return p;
}

struct endpoint
bus_endpoint_of(const struct peer *p)
{
	return (struct endpoint){
	    .role = frame_role(p->number),
	    .instance = frame_instance(p->number),
	    .incarnation = p->inc,
	};
}

static void
peer_tell_new(struct bus *b, struct peer *p)
{
	const struct bus_events *e = b->config->events;
	struct endpoint who = bus_endpoint_of(p);
	if (e && e->peer_new)
		e->peer_new(b->config->ctx, &who);
}

/* The state comes first: what the owner now sends to this incarnation is dropped. */
static void
peer_die(struct bus *b, struct peer *p)
{
	const struct bus_events *e = b->config->events;
	struct endpoint who = bus_endpoint_of(p);
	p->state = PEER_DEAD;
	p->n_settled = 0;
	receiver_purge(b, p);
	if (e && e->peer_gone)
		e->peer_gone(b->config->ctx, &who);
	sender_drop_bound(b, p);
	requests_peer_died(b, p);
}

static void
peer_is_back(struct bus *b, struct peer *p)
{
	bool was_dead = p->state == PEER_DEAD;
	p->state = PEER_UP;
	p->since_ms = bus_now(b);
	sender_resend(b, p);
	receiver_ack_all(b, p);
	if (was_dead)
		peer_tell_new(b, p);
}

/* The order is that of BUS.md §6: what the owner registers goes before what its predecessor had not acknowledged. */
static void
peer_is_new(struct bus *b, struct peer *p, uint64_t inc)
{
	struct list remaining[LEVELS];
	if (p->state == PEER_UP || p->state == PEER_UNKNOWN)
		peer_die(b, p);
	receiver_reset(b, p);
	sender_restart(b, p, remaining);
	p->inc = inc;
	p->state = PEER_UP;
	p->since_ms = bus_now(b);
	peer_tell_new(b, p);
	sender_continue(b, p, remaining);
}

void
peer_up(struct bus *b, uint16_t number, uint64_t inc)
{
	struct peer *p = peer_of(b, number);
	if (p->inc != inc)
		peer_is_new(b, p, inc);
	else if (p->state != PEER_UP)
		peer_is_back(b, p);
}

static void
peer_is_unknown(struct bus *b, struct peer *p)
{
	p->state = PEER_UNKNOWN;
	p->since_ms = bus_now(b);
}

void
peer_down(struct bus *b, uint16_t number, uint64_t inc)
{
	struct peer *p = peer_of(b, number);
	if (p->state == PEER_UP && p->inc == inc)
		peer_is_unknown(b, p);
}

void
peers_unknown(struct bus *b)
{
	LIST_FOREACH(&b->peers_list, it) {
		struct peer *p = CONTAINER_OF(it, struct peer, node);
		if (p->state == PEER_UP)
			peer_is_unknown(b, p);
	}
}

/* ---- settled ids ---- */

void
peer_settle(struct bus *b, struct peer *p, const struct id128 *origin, uint64_t n)
{
	const struct rec_settled *last = p->n_settled ? &p->settled[p->n_settled - 1] : NULL;
	if (p->state != PEER_UP)
		return; /* its ledger has a cap of its own */
	if (last && last->n == n && id_eq(&last->origin, origin))
		return;
	if (!p->settled)
		p->settled = mem_new_array(SETTLE_MAX, sizeof(*p->settled));
	if (p->n_settled == 0)
		p->settled_since_ms = bus_now(b);
	p->settled[p->n_settled++] = (struct rec_settled){*origin, n};
	if (p->n_settled == SETTLE_MAX)
		peer_tell_settled(b, p);
}

void
peer_tell_settled(struct bus *b, struct peer *p)
{
	struct msg_SETTLED msg = {.ids = {.items = p->settled, .count = p->n_settled}};
	if (p->n_settled > 0)
		sender_control(b, p, MSG_SETTLED, &msg);
	p->n_settled = 0;
}

/* ---- time, end ---- */

static bool
peer_has_been_away(const struct bus *b, const struct peer *p)
{
	uint64_t since = p->since_ms > b->linked_since_ms ? p->since_ms : b->linked_since_ms;
	return b->linked && b->now_ms >= since + PRESUMED_DEAD_MS;
}

void
peer_tick(struct bus *b, struct peer *p)
{
	if (p->state == PEER_UNKNOWN && peer_has_been_away(b, p))
		peer_die(b, p);
	if (p->state != PEER_UP)
		sender_fail_waiting(b, p);
	if (p->n_settled > 0 && b->now_ms >= p->settled_since_ms + SETTLE_AFTER_MS)
		peer_tell_settled(b, p);
}

void
peers_free(struct bus *b)
{
	while (!list_empty(&b->peers_list)) {
		struct peer *p = CONTAINER_OF(b->peers_list.next, struct peer, node);
		sender_free(b, p);
		receiver_reset(b, p);
		list_remove(&p->node);
		b->peers[p->number] = NULL;
		free(p->settled);
		free(p);
	}
}
