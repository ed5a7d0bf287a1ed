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
	if (in->from.role != ROLE_SESSIOND)
		strip_forged(&act, &st, &scratch);
	route_stanza(&act, kind == OP_STANZA ? OP_DELIVERY : kind, &st);
	buf_deinit(&scratch);
}
