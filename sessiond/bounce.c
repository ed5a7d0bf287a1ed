/* See bounce.h. */
#include "bounce.h"

#include "route.h"
#include "session.h"

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

static struct stanza
error_for(const struct stanza *st, struct str payload)
{
	struct stanza answer = {.kind = st->kind,
	    .type = TYPE_ERROR,
	    .from = st->to,
	    .to = st->from,
	    .id = st->id,
	    .payload = payload};

	if (str_empty(answer.from))
		answer.from = jid_split(st->from).bare;
	return answer;
}

void
bounce(const struct act *act, const struct stanza *st, enum stanza_error e)
{
	struct buf payload = {0};
	struct xml_writer w;
	struct stanza answer;

	if (is_silent(st))
		return;
	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, e, (struct str){0});
	answer = error_for(st, buf_str(&payload));
	route_stanza(act, OP_BOUNCE, &answer);
	buf_deinit(&payload);
}

/* Straight to the client: the usual way nothing comes from whom it has blocked. */
void
bounce_blocked(const struct act *act, const struct stanza *st)
{
	struct session *s = sessions_of_act(act);
	struct buf payload = {0};
	struct xml_writer w;
	struct stanza answer;

	if (!s || !stanza_wants_answer(st))
		return;
	xw_init(&w, &payload, S("jabber:client"));
	xw_open(&w, (struct str){0}, S("error"));
	xw_attr(&w, "type", S("cancel"));
	xw_leaf(&w, S("urn:ietf:params:xml:ns:xmpp-stanzas"), "not-acceptable", (struct str){0});
	xw_leaf(&w, S("urn:xmpp:blocking:errors"), "blocked", (struct str){0});
	xw_close(&w);
	answer = error_for(st, buf_str(&payload));
	outbound_stanza(s, act, act_op(act, OP_BOUNCE), &answer);
	buf_deinit(&payload);
}
