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

/* ---- what was copied ---- */

static uint32_t
mark_of(const struct stanza *st, struct str peer)
{
	struct buf key = {0};
	uint32_t mark;

	buf_add_str(&key, jid_split(peer).bare);
	buf_add_c(&key, '\n');
	buf_add_str(&key, st->id);
	mark = map_hash(buf_str(&key).p, buf_len(&key));
	buf_deinit(&key);
	return mark;
}

static void
remember(struct account *a, const struct stanza *st, struct str peer)
{
	if (str_empty(st->id) || st->type == TYPE_ERROR)
		return;
	if (!a->copied)
		a->copied = NEW(struct copied);
	a->copied->marks[a->copied->n++ % COPIED_MAX] = mark_of(st, peer);
}

bool
carbons_answers(const struct account *a, const struct stanza *st, struct str peer)
{
	uint32_t mark;

	if (st->type != TYPE_ERROR || !a->copied || str_empty(st->id))
		return false;
	mark = mark_of(st, peer);
	for (unsigned i = 0; i < COPIED_MAX && i < a->copied->n; i++)
		if (a->copied->marks[i] == mark)
			return true;
	return false;
}

/* ---- copies ---- */

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
	/* Our own error about a message has the id of that. */
	struct opid op =
	    st->type == TYPE_ERROR ? act_op_of(act, OP_CARBON, S("error")) : act_op(act, OP_CARBON);
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
	outbound_stanza(s, act, op, &copy);
	buf_deinit(&payload);
}

void
carbons_received(struct session *s, const struct act *act, const struct stanza *st)
{
	remember(s->account, st, st->from);
	copy_to(s, act, st, S("received"));
}

void
carbons_sent(struct account *a, const struct act *act, const struct stanza *st)
{
	bool is_copied = (message_traits(st) & TRAIT_COPY) ||
	    message_copies_error(st, carbons_answers(a, st, st->to));

	/* To oneself: all that there is to know comes the other way. */
	if (!is_copied || str_eq(jid_split(st->to).bare, a->jid))
		return;
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!carbons_wanted(s) || str_eq(s->jid.full, st->from))
			continue;
		remember(a, st, st->to);
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
