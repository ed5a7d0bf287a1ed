/* See carbons.h. The switch is a flag of the session's record, so that it outlives this process. A copy is never kept
 * nor given to another session: only what it is a copy of. */
#include "carbons.h"

#include "answers.h"
#include "fate.h"

#define NS_CARBONS S("urn:xmpp:carbons:2")

bool
carbons_wanted(const struct session *s)
{
	return s->flags & SESSION_CARBONS;
}

static void
write_copy(struct buf *out, struct str direction, const struct stanza *st)
{
	struct xml_writer w;

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, NS_CARBONS, direction);
	xml_write_forwarded(&w, st, NULL);
	xw_close(&w);
}

static void
copy_to(struct session *s, const struct act *act, const struct stanza *st, struct str direction)
{
	struct opid direct = act_op(act, OP_DELIVERY);
	struct buf payload = {0};
	struct stanza copy = {.kind = STANZA_MESSAGE,
	    .type = st->type,
	    .facts = FACT_CARBON | FACT_FORWARDED,
	    .from = s->jid.bare,
	    .to = s->jid.full};

	/* On a second run the message itself may have gone elsewhere. What can wait is not worth a copy later. */
	if (outbound_knows(s, &direct) || (hold_is_on(s) && (message_traits(st) & TRAIT_HOLD)))
		return;
	write_copy(&payload, direction, st);
	copy.payload = buf_str(&payload);
	outbound_stanza(s, act, act_op(act, OP_CARBON), &copy);
	buf_deinit(&payload);
}

void
carbons_received(struct session *s, const struct act *act, const struct stanza *st)
{
	copy_to(s, act, st, S("received"));
}

void
carbons_sent(struct account *a, const struct act *act, const struct stanza *st)
{
	/* To oneself: all that there is to know comes the other way. */
	if (!(message_traits(st) & TRAIT_COPY) || str_eq(jid_split(st->to).bare, a->jid))
		return;
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (carbons_wanted(s) && !str_eq(s->jid.full, st->from))
			copy_to(s, act, st, S("sent"));
	}
}

/* ---- the switch ---- */

static void
set_wanted(const struct iq *iq, bool is_wanted)
{
	struct session *s = sessions_of_act(iq->act);

	if (s && carbons_wanted(s) != is_wanted) {
		s->flags ^= SESSION_CARBONS;
		session_copy_presence(s, iq->act);
	}
	iq_result(iq, (struct str){0});
}

void
carbons_enable(const struct iq *iq)
{
	set_wanted(iq, true);
}

void
carbons_disable(const struct iq *iq)
{
	set_wanted(iq, false);
}
