/* See bounce.h. */
#include "bounce.h"

#include "base/jid.h"
#include "route.h"

static bool
is_silent(const struct stanza *st)
{
	switch ((enum stanza_type)st->type) {
	case TYPE_ERROR:
	case TYPE_RESULT:
	case TYPE_UNAVAILABLE:
	case TYPE_PROBE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		return true;
	case TYPE_NORMAL:
	case TYPE_CHAT:
	case TYPE_GROUPCHAT:
	case TYPE_HEADLINE:
	case TYPE_AVAILABLE:
	case TYPE_SUBSCRIBE:
	case TYPE_GET:
	case TYPE_SET:
	case TYPE_COUNT:
		break;
	}
	return str_empty(st->from);
}

void
bounce(const struct act *act, const struct stanza *st, enum stanza_error e)
{
	struct buf payload = {0};
	struct xml_writer w;
	struct stanza answer = {
	    .kind = st->kind, .type = TYPE_ERROR, .from = st->to, .to = st->from, .id = st->id};

	if (is_silent(st))
		return;
	if (str_empty(answer.from))
		answer.from = jid_split(st->from).bare;
	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, e, (struct str){0});
	answer.payload = buf_str(&payload);
	route_stanza(act, OP_BOUNCE, &answer);
	buf_deinit(&payload);
}
