/* See message.h. */
#include "message.h"

#include "archive.h"
#include "bounce.h"
#include "carbons.h"
#include "fate.h"
#include "route.h"
#include "store.h"

/* A session that is away gets only what is not worth storing; other messages go to sessions that are there, or are owed
 * (BUS.md §8), and then the first to be there gets them. */
static bool
may_take(const struct session *s, const struct stanza *st)
{
	return session_is_available(s) && !(message_is_kept(st) && session_is_away(s)) &&
	    !session_denies(s, st->from, PRIVACY_MESSAGE);
}

static enum message_condition
condition_of(const struct account *a, const struct stanza *st)
{
	enum message_condition condition = NO_RESOURCES;

	if (!a->exists)
		return NO_ACCOUNT;
	LIST_FOREACH(&a->sessions, it) {
		const struct session *s = CONTAINER_OF(it, struct session, link);

		if (!may_take(s, st))
			continue;
		if (s->priority >= 0)
			return SOME_TAKERS;
		condition = NEGATIVE_ONLY;
	}
	return condition;
}

/* RFC 6121 §8.1: an error gives nothing away to somebody in the roster, or who was sent presence. */
static bool
may_know(const struct account *a, struct str from)
{
	const struct contact *c = roster_find(&a->roster, jid_split(from).bare);

	if (str_eq(jid_split(from).bare, a->jid) || (c && c->is_listed))
		return true;
	LIST_FOREACH(&a->sessions, it) {
		if (session_has_directed(CONTAINER_OF(it, struct session, link), from))
			return true;
	}
	return false;
}

/* The priority that a session needs to get it. */
static int8_t
least_priority(const struct account *a, enum message_action action, const struct stanza *st)
{
	int8_t least = 0;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (action == MESSAGE_MOST && may_take(s, st) && s->priority > least)
			least = s->priority;
	}
	return least;
}

/* A copy counts as well: on a second run of the same stanza other sessions may be there. */
static bool
has_got(const struct session *s, const struct act *act)
{
	struct opid copy = act_op(act, OP_CARBON);

	return outbound_knows(s, &act->op) || outbound_knows(s, &copy);
}

static void
give(struct session *s, const struct act *act, const struct stanza *st)
{
	if (!has_got(s, act))
		outbound_stanza(s, act, act->op, st);
}

/* To each session as itself, as a copy, or not at all. */
static void
give_to_sessions(struct account *a, const struct act *act, const struct stanza *st,
    const struct session *addressed, const struct message_fate *fate)
{
	int8_t least = least_priority(a, fate->action, st);
	bool is_spread = fate->action == MESSAGE_MOST || fate->action == MESSAGE_ALL;

	/* One that takes nothing any more may end here. */
	LIST_FOREACH_SAFE(&a->sessions, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, link);
		bool is_taker = is_spread && may_take(s, st) && s->priority >= least;

		if (fate->action == MESSAGE_STORE && session_is_away(s))
			continue; /* it may get the message itself */
		if (s == addressed || is_taker)
			give(s, act, st);
		else if ((fate->traits & TRAIT_COPY) && carbons_wanted(s) &&
		    !str_eq(s->jid.full, st->from) && !session_denies(s, st->from, PRIVACY_MESSAGE))
			carbons_received(s, act, st);
	}
}

static void
carry_out(struct account *a, const struct act *act, const struct stanza *st,
    const struct session *addressed, const struct message_fate *fate)
{
	struct archive_stamp stamp;

	if (fate->action != MESSAGE_STORE)
		store_archived(a, act, st);
	switch (fate->action) {
	case MESSAGE_IGNORE:
		return;
	case MESSAGE_TELL:
		if (may_know(a, st->from))
			bounce(act, st, SE_SERVICE_UNAVAILABLE);
		return;
	case MESSAGE_BOUNCE:
		bounce(act, st, SE_SERVICE_UNAVAILABLE);
		return;
	case MESSAGE_STORE:
		store_owed(a, act, st);
		break;
	case MESSAGE_DELIVER:
	case MESSAGE_MOST:
	case MESSAGE_ALL:
		break;
	}
	give_to_sessions(
	    a, act, archive_stamp(&stamp, a, act, st, act->archive_to), addressed, fate);
	archive_stamp_free(&stamp);
}

static struct message_fate
fate_of(const struct account *a, enum message_address address, const struct stanza *st)
{
	unsigned cases = settings_of(a->sd)->deliver_to_all_resources ? FATE_TO_ALL : 0;

	if (carbons_answers(a, st, st->from))
		cases |= FATE_ANSWERS_COPIED;
	return message_fate(condition_of(a, st), address, st, cases);
}

/* To a session that is away: it waits in the store, and goes to the session when that is back, or to another one when it
 * has ended (session_end). */
static bool
waits_for(const struct session *s, const struct stanza *st)
{
	return s && session_is_away(s) && message_is_kept(st);
}

/* XEP-0016 §2.2: before anything else. */
static bool
is_denied(const struct account *a, const struct session *addressed, const struct stanza *st)
{
	return addressed ? session_denies(addressed, st->from, PRIVACY_MESSAGE)
			 : account_refuses(a, st->from, PRIVACY_MESSAGE);
}

static void
message_arrives(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct session *s = jid_is_bare(&to) ? NULL : account_session(a, to.resource);
	enum message_address address = s ? TO_MATCH : TO_NO_MATCH;
	struct message_fate fate = fate_of(a, jid_is_bare(&to) ? TO_BARE : address, st);
	struct act next = *act;

	if (fate.action == MESSAGE_DELIVER && waits_for(s, st))
		fate.action = MESSAGE_STORE;
	if (is_denied(a, s, st))
		fate = (struct message_fate){.action = MESSAGE_BOUNCE};
	/* What comes of it, an error to its sender for one, is another message. */
	next.archive_from = act->archive_from && (message_traits(st) & TRAIT_ARCHIVE);
	next.archive_to = fate.action >= MESSAGE_STORE && archive_wants(a, st, st->from);
	carry_out(a, &next, st, s, &fate);
}

void
message_to_user(const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);

	/* Nothing can come of an error to somebody who is not here: not worth asking for. */
	if (st->type == TYPE_ERROR && (jid_is_bare(&to) || !account_find(act->sd, to.bare)))
		return;
	account_when_ready(account_get(act->sd, to.bare), act, st, message_arrives);
}

static void
message_leaves(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct archive_stamp stamp;
	struct act next = *act;

	if (act_denies(a, act, st->to, PRIVACY_REST)) {
		bounce_blocked(a, act, st);
		return;
	}
	next.archive_from = archive_wants(a, st, st->to);
	carbons_sent(a, act, archive_stamp(&stamp, a, act, st, next.archive_from));
	archive_stamp_free(&stamp);
	/* One row for both archives where one shard decides for both (BUS.md §8). */
	if (!route_is_ours(act->sd, &to)) {
		store_archived(a, &next, st);
		next.archive_from = false;
	}
	route_stanza(&next, OP_DELIVERY, st);
}

void
message_from_client(struct session *s, const struct act *act, struct stanza *st)
{
	/* RFC 6120 §10.3.1: without `to` it is for the account itself. */
	if (str_empty(st->to))
		st->to = s->jid.bare;
	account_when_ready(s->account, act, st, message_leaves);
}

void
message_again(struct account *a, const struct act *act, const struct stanza *st)
{
	struct message_fate fate = fate_of(a, TO_BARE, st);
	struct act again = *act;

	/* It is in the archives already, and has its ids. */
	again.archive_from = again.archive_to = false;
	if (st->type != TYPE_NORMAL && st->type != TYPE_CHAT)
		return;
	/* Lists and blocks are those of now; its sender has been told that it was taken. */
	if (is_denied(a, NULL, st))
		return;
	LIST_FOREACH(&a->sessions, it) {
		if (has_got(CONTAINER_OF(it, struct session, link), act))
			return;
	}
	carry_out(a, &again, st, NULL, &fate);
}
