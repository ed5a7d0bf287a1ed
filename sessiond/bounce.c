/* See bounce.h. */
#include "bounce.h"

#include "account.h"
#include "route.h"

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

	if (!stanza_may_bounce(st) || str_empty(st->from))
		return;
	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, e, (struct str){0});
	answer = error_for(st, buf_str(&payload));
	route_stanza(act, OP_BOUNCE, &answer);
	buf_deinit(&payload);
}

/* Straight to the client: the usual way nothing comes from whom it has blocked. */
void
bounce_blocked(const struct account *a, const struct act *act, const struct stanza *st)
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
	if (block_covers(list_for(a, s), st->to))
		xw_leaf(&w, S("urn:xmpp:blocking:errors"), "blocked", (struct str){0});
	xw_close(&w);
	answer = error_for(st, buf_str(&payload));
	outbound_stanza(s, act, act_op(act, OP_BOUNCE), &answer);
	buf_deinit(&payload);
}
