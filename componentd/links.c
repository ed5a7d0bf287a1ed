/* The rest of the suite: stanzas for components, and what the bus tells besides. */
#include "base/log.h"
#include "base/mem.h"
#include "stream.h"

bool
links_have_credit(const void *componentd)
{
	const struct bus *b = componentd_bus(componentd);

	return bus_has_credit(b, ROLE_SESSIOND) && bus_has_credit(b, ROLE_S2SD);
}

/* One shard speaks for all. */
void
links_tell_up(struct componentd *c, struct str name, const struct id128 *stream)
{
	struct endpoint sessiond = {.role = ROLE_SESSIOND};
	struct msg_COMPONENT_UP m = {.name = name};
	struct opid op = {.origin = *stream, .kind = OP_STANZA};

	bus_send(componentd_bus(c), &sessiond, MSG_COMPONENT_UP, &m, &op, NULL, 0);
}

/* ---- stanzas ---- */

#define LEFT_MS \
	(60 * 1000) /* since our start: then nothing that was left can still be on its way */

void
links_leave(struct componentd *c, const struct stanza *st, const struct opid *op)
{
	struct bus *b = componentd_bus(c);
	unsigned shards = bus_shards(b);
	struct endpoint e = {.role = ROLE_SESSIOND};
	struct msg_ROUTE m = {.st = *st};

	e.instance = (uint8_t)(shards ? bus_shard(jid_split(st->to).bare, shards) : 0);
	bus_send(b, &e, MSG_ROUTE, &m, op, NULL, 0);
}

/* What our predecessor left with sessiond is of a component. */
static bool
was_left(const struct componentd *c, const struct bus_in *in)
{
	return in->from.role == ROLE_SESSIOND && componentd_now_ms(c) - c->started_ms < LEFT_MS;
}

/* Who brings a stanza must be who serves its sender (SECURITY C-4). */
static bool
may_bring(const struct componentd *c, const struct bus_in *in, const struct stanza *st)
{
	struct jid from = jid_split(st->from);
	struct endpoint serves;

	if (str_empty(st->from) || str_empty(st->to) || !bus_route(in->bus, &from, &serves))
		return false;
	return serves.role == in->from.role || (serves.role == ROLE_COMPONENTD && was_left(c, in));
}

/* ROUTE and ROUTE_BACK have the same body. The frame is acknowledged when the stanza has been written. */
static void
handle_route(void *ctx, const struct bus_in *in, const void *msg)
{
	struct componentd *c = ctx;
	const struct stanza *st = &((const struct msg_ROUTE *)msg)->st;
	struct component *component = component_find(c, jid_split(st->to).domain);
	struct delivery d = {
	    .st = st, .custody = in->custody, .op = in->op, .level = in->message->level};

	if (c->run != COMPONENTD_RUNNING)
		custody_hold(in->custody); /* for ever: it is the next process's */
	else if (!may_bring(c, in, st))
		bus_protocol_error(in->bus, in, "a sender that is not its to bring");
	else if (component)
		component_give(component, &d);
	else
		bounce(c, &d, SE_ITEM_NOT_FOUND); /* it has just been removed */
}

#define OTHERS (1u << ROLE_SESSIOND | 1u << ROLE_S2SD)

const struct bus_handler componentd_handlers[] = {
    {.type = MSG_ROUTE, .emits = OTHERS, .handle = handle_route},
    {.type = MSG_ROUTE_BACK, .handle = handle_route},
    {.type = 0},
};

/* ---- events ---- */

static void
on_linked(void *ctx, bool up)
{
	log_info("link to the router: %s", up ? "up" : "down");
	listen_resume(ctx);
}

static void
on_credit(void *ctx, enum role role)
{
	struct componentd *c = ctx;

	(void)role;
	wires_resume_starved(&c->wires);
}

/* Nobody took for a minute what a component has sent: there is nobody else to say so (BUS.md §11). */
static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	static const enum stanza_error errors[] = {
	    [BUS_NEVER_SENT] = SE_REMOTE_SERVER_TIMEOUT,
	    [BUS_MAYBE_DONE] = SE_REMOTE_SERVER_TIMEOUT,
	    [BUS_POISON] = SE_INTERNAL_SERVER_ERROR,
	};
	const struct msg_ROUTE *route = msg;
	struct delivery d = {.level = m->level};

	(void)op;
	(void)cause;
	if (m->type != MSG_ROUTE)
		return;
	d.st = &route->st;
	bounce(ctx, &d, errors[why]);
}

const struct bus_events componentd_events = {
    .linked = on_linked,
    .credit = on_credit,
    .failed = on_failed,
};
