/* See bounce.h. What a ROUTE becomes is a ROUTE_BACK, and what that becomes a ROUTE_BOUNCE (BUS.md §5). */
#include "bounce.h"

#include "base/jid.h"
#include "names.h"

void
bounce(struct s2sd *d, const struct outgoing *o, enum stanza_error error, const char *why)
{
	struct jid to = jid_split(o->st->from);
	struct buf payload = {.data = NULL};
	struct xml_writer w;
	struct endpoint e;
	struct opid op = o->op;
	struct msg_ROUTE m = {.st = {.kind = o->st->kind,
				  .type = TYPE_ERROR,
				  .from = o->st->to,
				  .to = o->st->from,
				  .id = o->st->id}};

	if (o->level == 0 || !stanza_may_bounce(o->st) || !bus_route(s2sd_bus(d), &to, &e) ||
	    (o->level > 2 && e.role != ROLE_SESSIOND))
		return;
	op.kind = OP_BOUNCE;
	xw_init(&w, &payload, S(NS_SERVER));
	xml_write_error(&w, error, str_z(why));
	m.st.payload = buf_str(&payload);
	bus_send(s2sd_bus(d), &e, o->level <= 2 ? MSG_ROUTE_BACK : MSG_ROUTE_BOUNCE, &m, &op,
	    o->custody, 0);
	buf_deinit(&payload);
}
