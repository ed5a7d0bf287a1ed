/* Stanzas that come over the bus for a user of this shard: from other shards, other servers, components. */
#include "inbound_routes.h"

#include "act.h"
#include "route.h"
#include "strip.h"

/* Who brings a stanza must be who serves its sender: shards our users, componentd the components of this suite, s2sd nobody
 * of either (SECURITY C-4, INV-31). */
static bool
may_bring(const struct sessiond *sd, const struct bus_in *in, const struct stanza *st)
{
	struct jid from = jid_split(st->from);
	struct endpoint serves;

	return !str_empty(st->from) && !str_empty(st->to) &&
	    bus_route(bus_of(sd), &from, &serves) && serves.role == in->from.role;
}

/* A componentd that stops leaves here what is for its own components: it goes to the next one. Its custody does not wait for that: only
 * then can it stop. */
static bool
take_left(struct sessiond *sd, const struct bus_in *in, const struct stanza *st)
{
	struct act own = act_own(sd);
	struct jid to = jid_split(st->to);
	struct endpoint serves;

	if (in->from.role != ROLE_COMPONENTD || !bus_route(bus_of(sd), &to, &serves) ||
	    serves.role != ROLE_COMPONENTD)
		return false;
	own.op = in->op;
	route_stanza(&own, OP_DELIVERY, st);
	return true;
}

/* ROUTE, ROUTE_BACK and ROUTE_BOUNCE have the same body. What comes from outside is an ordinary stanza to its recipient. */
void
handle_route(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_ROUTE *m = msg;
	struct act act = act_of(sd, in);
	struct stanza st = m->st;
	struct buf scratch = {0};
	enum op_kind kind = (enum op_kind)in->op.kind;

	if (!may_bring(sd, in, &st)) {
		bus_protocol_error(in->bus, in, "a sender that is not its to bring");
		return;
	}
	if (take_left(sd, in, &st))
		return;
	if (in->from.role != ROLE_SESSIOND)
		strip_forged(&act, &st, &scratch);
	route_stanza(&act, kind == OP_STANZA ? OP_DELIVERY : kind, &st);
	buf_deinit(&scratch);
}
