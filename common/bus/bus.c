/* The endpoint: its API, what comes from the router, turns and ticks. The rules are in peer.c (incarnations), sender.c
 * and receiver.c (channels), custody.c, requests.c; the socket is in link.c.
 *
 * A frame comes in through bus_core_frame and may run a handler at once. Everything else waits for bus_core_turn,
 * once per turn of the loop, so no handler runs inside another. */
#include "bus/bus.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/bus_private.h"

/* ---- making ---- */

static void
bus_take_handlers(struct bus *b)
{
	const struct bus_handler *h = b->config->handlers;
	for (; h && h->type; h++) {
		if (!bus_message(h->type) || b->handlers[h->type])
			bug("bus: no such message as %d, or two handlers for it", h->type);
		b->handlers[h->type] = h;
	}
}

struct bus *
bus_core_new(const struct bus_config *config, uint64_t incarnation)
{
	struct bus *b = NEW(struct bus);
	b->config = config;
	b->number = frame_endpoint(config->role, config->instance);
	b->inc = incarnation;
	b->trace = log_trace_on("bus");
	list_init(&b->peers_list);
	list_init(&b->acks_due);
	requests_init(b);
	slab_init(&b->custodies, sizeof(struct custody));
	bus_take_handlers(b);
	return b;
}

void
bus_core_free(struct bus **bp)
{
	struct bus *b = *bp;
	if (!b)
		return;
	requests_free(b);
	peers_free(b);
	bus_routes_free(b);
	slab_deinit(&b->custodies);
	bus_pool_deinit(&b->pool);
	free(b);
	*bp = NULL;
}

struct bus *
bus_new(struct loop *loop, const struct bus_config *config)
{
	id_init();
	struct bus *b = bus_core_new(config, id_random_u64());
	b->loop = loop;
	b->link = bus_link_new(loop, b, config->socket_path);
	return b;
}

void
bus_free(struct bus **bp)
{
	if (!*bp)
		return;
	/* What is done is said: nobody need send it to our successor. */
	if ((*bp)->linked)
		receiver_write_acks(*bp);
	bus_link_free(&(*bp)->link);
	bus_core_free(bp);
}

uint64_t
bus_now(struct bus *b)
{
	if (b->loop)
		b->now_ms = loop_now_ms(b->loop);
	return b->now_ms;
}

void
bus_stir(struct bus *b)
{
	if (b->loop)
		loop_again(b->loop);
}

/* ---- what comes from the router ---- */

static void
bus_control_to_router(struct bus *b, enum msg_type type, const void *msg)
{
	struct frame f = {
	    .src = b->number, .src_inc = b->inc, .dst = frame_endpoint(ROLE_ROUTER, 0)};
	struct buf *out = b->out(b->out_ctx);
	size_t at = buf_len(out);
	frame_add_message(out, &f, bus_message(type), msg);
	f.body = str_from(buf_str(out), at + BUS_HEADER_BYTES);
	if (b->trace)
		frame_trace("->", f.dst, &f);
	bus_stir(b);
}

void
bus_core_connected(struct bus *b, struct buf *(*out)(void *ctx), void *ctx)
{
	b->out = out;
	b->out_ctx = ctx;
	struct msg_HELLO hello = {
	    .schema = bus_schema_hash(),
	    .role = (uint8_t)frame_role(b->number),
	    .instance = frame_instance(b->number),
	    .incarnation = b->inc,
	};
	bus_control_to_router(b, MSG_HELLO, &hello);
}

void
bus_core_disconnected(struct bus *b)
{
	const struct bus_events *e = b->config->events;
	bool was_linked = b->linked;
	b->out = NULL;
	b->linked = false;
	peers_unknown(b);
	if (was_linked && e && e->linked)
		e->linked(b->config->ctx, false);
}

static void
bus_take_routes(struct bus *b, struct bus_list routes)
{
	const struct bus_events *e = b->config->events;
	bus_routes_take(b, routes);
	if (e && e->routes)
		e->routes(b->config->ctx);
}

static void
bus_take_welcome(struct bus *b, const struct msg_WELCOME *w)
{
	const struct bus_events *e = b->config->events;
	b->linked = true;
	b->linked_since_ms = bus_now(b);
	b->router_age_ms = w->age_ms;
	bus_take_routes(b, w->routes);
	if (e && e->linked)
		e->linked(b->config->ctx, true);
	struct bus_list it = w->peers;
	struct rec_endpoint_is p;
	while (bus_list_next(&it, &bus_record_endpoint_is, &p))
		peer_up(b, frame_endpoint((enum role)p.role, p.instance), p.incarnation);
}

static bool
bus_router_frame(struct bus *b, const struct frame *f)
{
	union bus_any msg;
	if (!bus_decode(bus_message(f->type), f->body, &msg))
		return false;
	if (b->linked == (f->type == MSG_WELCOME))
		return false;
	switch (f->type) {
	case MSG_WELCOME:
		bus_take_welcome(b, &msg.WELCOME);
		return true;
	case MSG_ROUTES:
		bus_take_routes(b, msg.ROUTES.routes);
		return true;
	case MSG_PEER_UP:
		peer_up(b,
		    frame_endpoint((enum role)msg.PEER_UP.peer.role, msg.PEER_UP.peer.instance),
		    msg.PEER_UP.peer.incarnation);
		return true;
	case MSG_PEER_DOWN:
		peer_down(b,
		    frame_endpoint((enum role)msg.PEER_DOWN.peer.role, msg.PEER_DOWN.peer.instance),
		    msg.PEER_DOWN.peer.incarnation);
		return true;
	default:
		return f->type == MSG_PING;
	}
}

/* ---- what comes from peers ---- */

static void
bus_take_ack(struct bus *b, struct peer *p, struct bus_list channels)
{
	struct rec_channel_state state;
	while (bus_list_next(&channels, &bus_record_channel_state, &state))
		sender_take_ack(b, p, &state);
}

static void
bus_take_settled(struct bus *b, struct peer *p, struct bus_list ids)
{
	const struct bus_events *e = b->config->events;
	struct endpoint who = bus_endpoint_of(p);
	struct rec_settled id;
	while (e && e->settled && bus_list_next(&ids, &bus_record_settled, &id))
		e->settled(b->config->ctx, &who, &id);
}

static void
bus_peer_control(struct bus *b, struct peer *p, const struct frame *f)
{
	union bus_any msg;
	if (!bus_decode(bus_message(f->type), f->body, &msg))
		bus_complain(b, p->number, p->inc, "malformed control frame");
	else if (f->type == MSG_ACK)
		bus_take_ack(b, p, msg.ACK.channels);
	else if (f->type == MSG_SETTLED)
		bus_take_settled(b, p, msg.SETTLED.ids);
	else if (f->type != MSG_PING)
		bus_complain(b, p->number, p->inc, "control frame of the router");
}

/* The incarnations of both ends must be current, those of acknowledgements too. */
static void
bus_peer_frame(struct bus *b, const struct frame *f)
{
	struct peer *p = b->peers[f->src];
	if (!b->linked || !p || p->state != PEER_UP || p->inc != f->src_inc || b->inc != f->dst_inc)
		b->stats.dropped++;
	else if (f->level == 0)
		bus_peer_control(b, p, f);
	else
		receiver_take(b, p, f);
}

bool
bus_core_frame(struct bus *b, const struct frame *f)
{
	if (frame_check(f) || f->dst != b->number)
		return false;
	bus_now(b);
	if (b->trace)
		frame_trace("<-", f->src, f);
	if (frame_role(f->src) == ROLE_ROUTER)
		return bus_router_frame(b, f);
	bus_peer_frame(b, f);
	return true;
}

void
bus_complain(struct bus *b, uint16_t number, uint64_t inc, const char *what)
{
	struct msg_COMPLAIN msg = {
	    .peer = {.role = (uint8_t)frame_role(number),
		.instance = frame_instance(number),
		.incarnation = inc},
	    .what = str_z(what),
	};
	log_debug("bus: refused a frame of %s.%u: %s", role_name(frame_role(number)),
	    frame_instance(number), what);
	if (b->linked && bus_message(MSG_COMPLAIN)->from & 1u << b->config->role)
		bus_control_to_router(b, MSG_COMPLAIN, &msg);
}

void
bus_protocol_error(struct bus *b, const struct bus_in *in, const char *what)
{
	bus_complain(
	    b, frame_endpoint(in->from.role, in->from.instance), in->from.incarnation, what);
}

/* ---- turns and ticks ---- */

static void
bus_tell_credit(struct bus *b)
{
	const struct bus_events *e = b->config->events;
	uint32_t opened = b->opened;
	b->opened = 0;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (opened & 1u << role && bus_has_credit(b, (enum role)role) && e && e->credit)
			e->credit(b->config->ctx, (enum role)role);
}

static bool
acks_may_wait(const struct bus *b)
{
	return !b->wrote && !b->acks_urgent && b->n_acks_due < ACKS_TOGETHER &&
	    b->now_ms < b->acks_since_ms + b->ack_wait_ms;
}

bool
bus_core_owes_acks(const struct bus *b)
{
	return !list_empty(&b->acks_due);
}

void
bus_core_turn(struct bus *b)
{
	bus_now(b);
	if (b->expire)
		requests_tick(b);
	if (b->pump) {
		b->pump = false;
		receiver_pump(b);
	}
	if (b->opened)
		bus_tell_credit(b);
	if (!acks_may_wait(b))
		receiver_write_acks(b);
	b->wrote = false;
}

void
bus_core_tick(struct bus *b)
{
	bus_now(b);
	requests_tick(b);
	LIST_FOREACH(&b->peers_list, it)
		peer_tick(b, CONTAINER_OF(it, struct peer, node));
}

bool
bus_core_needs_ticks(const struct bus *b)
{
	if (!list_empty(&b->requests_list))
		return true;
	LIST_FOREACH(&b->peers_list, it) {
		const struct peer *p = CONTAINER_OF(it, struct peer, node);
		if (p->state == PEER_UNKNOWN || p->n_settled > 0)
			return true;
		for (unsigned level = 1; level < LEVELS && p->state != PEER_UP; level++)
			if (!list_empty(&p->out[level].kept))
				return true;
	}
	return false;
}

/* ---- sending ---- */

/* NULL when it is bound to an incarnation that is not current. */
struct kept *
bus_keep(struct bus *b, const struct endpoint *to, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	struct peer *p = peer_of(b, frame_endpoint(to->role, to->instance));
	if (m->level == 0 || (cause && m->level <= cause->level))
		bug("bus: %s has level %u under one of level %u", m->body.name, m->level,
		    cause ? cause->level : 0);
	if (!(m->from & 1u << b->config->role) || !(m->to & 1u << to->role) ||
	    p->number == b->number)
		bug("bus: %s may not send %s to %s", role_name(b->config->role), m->body.name,
		    role_name(to->role));
	bool current = p->inc && p->inc == to->incarnation &&
	    (p->state == PEER_UP || p->state == PEER_UNKNOWN);
	if (m->binding == BUS_BOUND && !current) {
		b->stats.dropped++;
		return NULL;
	}
	return sender_send(b, p, m, msg, op, cause);
}

void
bus_send(struct bus *b, const struct endpoint *to, enum msg_type type, const void *msg,
    const struct opid *op, struct custody *cause, unsigned flags)
{
	const struct bus_message *m = bus_message(type);
	if (!m)
		bug("bus: no such message as %d", type);
	struct kept *k = bus_keep(b, to, m, msg, op, cause);
	if (k)
		k->patient = flags & BUS_PATIENT;
}

void
bus_withdraw(struct bus *b, struct custody *cause)
{
	custody_hold(cause);
	while (!list_empty(&cause->frames))
		sender_withdraw(b, CONTAINER_OF(cause->frames.next, struct kept, under));
	custody_release(cause);
}

void
bus_settle(struct bus *b, const struct endpoint *to, const struct id128 *origin, uint64_t n)
{
	peer_settle(b, peer_of(b, frame_endpoint(to->role, to->instance)), origin, n);
}

void
bus_admit_only(struct bus *b, const enum msg_type *types)
{
	memset(b->admitted, 0, sizeof(b->admitted));
	b->admit_only = types != NULL;
	for (; types && *types; types++)
		b->admitted[*types] = true;
	b->pump = true;
	bus_stir(b);
}

/* ---- questions ---- */

bool
bus_has_credit(const struct bus *b, enum role role)
{
	for (unsigned level = 1; level < LEVELS; level++)
		if (b->full[role][level] > 0)
			return false;
	return true;
}

bool
bus_is_linked(const struct bus *b)
{
	return b->linked;
}

uint64_t
bus_router_age_ms(const struct bus *b)
{
	return b->linked ? b->router_age_ms + b->now_ms - b->linked_since_ms : 0;
}

static bool
endpoint_is_up(const struct bus *b, enum role role, unsigned instance)
{
	const struct peer *p = b->peers[frame_endpoint(role, (uint8_t)instance)];
	return p && p->state == PEER_UP;
}

bool
bus_role_up(const struct bus *b, enum role role)
{
	unsigned shards = role == ROLE_SESSIOND ? bus_shards(b) : 0;
	for (unsigned i = 0; i < shards; i++)
		if (!endpoint_is_up(b, role, i))
			return false;
	for (unsigned i = 0; i <= UINT8_MAX; i++)
		if (endpoint_is_up(b, role, i))
			return true;
	return false;
}

uint64_t
bus_incarnation_of(const struct bus *b, enum role role, uint8_t instance)
{
	const struct peer *p = b->peers[frame_endpoint(role, instance)];
	return p && (p->state == PEER_UP || p->state == PEER_UNKNOWN) ? p->inc : 0;
}

uint64_t
bus_own_incarnation(const struct bus *b)
{
	return b->inc;
}

struct bus_stats
bus_stats(const struct bus *b)
{
	struct bus_stats s = b->stats;
	s.waiting_frames = b->n_waiting;
	return s;
}
