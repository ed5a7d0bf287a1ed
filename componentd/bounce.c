/* The error for the sender of what no component takes (RFC 6120 §8.3; F-30, F-35: from whom it was for, with its id). It goes
 * back one level up (BUS.md §5), under the custody of what it answers. */
#include "component.h"

static void
send_back(struct componentd *c, const struct delivery *d, const struct stanza *answer)
{
	struct jid to = jid_split(answer->to);
	struct component *sender = component_find(c, to.domain);
	struct msg_ROUTE_BACK m = {.st = *answer};
	struct opid op = d->op;
	struct delivery back = {.st = answer, .level = bus_message(MSG_ROUTE_BACK)->level};
	struct endpoint e;

	op.kind = OP_BOUNCE;
	if (sender)
		component_give(sender, &back);
	else if (componentd_bus(c) && bus_route(componentd_bus(c), &to, &e))
		bus_send(componentd_bus(c), &e, MSG_ROUTE_BACK, &m, &op, d->custody, 0);
}

void
bounce(struct componentd *c, const struct delivery *d, enum stanza_error e)
{
	struct buf payload = {.data = NULL};
	struct stanza answer = {.kind = d->st->kind,
	    .type = TYPE_ERROR,
	    .from = d->st->to,
	    .to = d->st->from,
	    .id = d->st->id};
	struct xml_writer w;

	if (d->level > bus_message(MSG_ROUTE)->level || !stanza_may_bounce(d->st))
		return;
	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, e, S(""));
	answer.payload = buf_str(&payload);
	send_back(c, d, &answer);
	buf_deinit(&payload);
}
