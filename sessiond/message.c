/* See message.h. */
#include "message.h"

#include "base/mem.h"
#include "bounce.h"
#include "route.h"
#include "store.h"

/* RFC 6121 §8.5.4, one choice for each cell. Where it lets us be silent or answer, an answer that says whether an account
 * or a resource exists goes to those only who may know (INV-32); rooms (groupchat) need it to notice who has gone. */
static const enum message_action actions[MESSAGE_CONDITIONS][MESSAGE_ADDRESSES][TYPE_ERROR + 1] = {
#define N MESSAGE_IGNORE
#define E MESSAGE_BOUNCE
#define T MESSAGE_TELL
#define O MESSAGE_STORE
#define D MESSAGE_DELIVER
#define M MESSAGE_MOST
#define A MESSAGE_ALL
    /*              normal chat groupchat headline error */
    [NO_ACCOUNT][TO_BARE] = {E, E, E, N, N},
    [NO_ACCOUNT][TO_MATCH] = {N, E, E, N, N},
    [NO_ACCOUNT][TO_NO_MATCH] = {N, E, E, N, N},
    [NO_RESOURCES][TO_BARE] = {O, O, E, N, N},
    [NO_RESOURCES][TO_MATCH] = {D, D, D, D, D},
    [NO_RESOURCES][TO_NO_MATCH] = {T, O, E, N, N},
    [NEGATIVE_ONLY][TO_BARE] = {O, O, E, N, N},
    [NEGATIVE_ONLY][TO_MATCH] = {D, D, D, D, D},
    [NEGATIVE_ONLY][TO_NO_MATCH] = {T, O, E, N, N},
    [SOME_TAKERS][TO_BARE] = {M, M, E, A, N},
    [SOME_TAKERS][TO_MATCH] = {D, D, D, D, D},
    [SOME_TAKERS][TO_NO_MATCH] = {T, M, E, N, N},
#undef N
#undef E
#undef T
#undef O
#undef D
#undef M
#undef A
};

enum message_action
message_action(enum message_condition c, enum message_address a, enum stanza_type type)
{
	return type <= TYPE_ERROR ? actions[c][a][type] : MESSAGE_IGNORE;
}

static enum message_condition
condition_of(const struct account *a)
{
	bool is_available = false;

	if (!a->exists)
		return NO_ACCOUNT;
	if (account_has_taker(a))
		return SOME_TAKERS;
	LIST_FOREACH(&a->sessions, it)
		is_available |= session_is_available(CONTAINER_OF(it, struct session, link));
	return is_available ? NEGATIVE_ONLY : NO_RESOURCES;
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

/* To the sessions with the highest priority, or to all with none below 0. */
static void
deliver_to_takers(
    struct account *a, const struct act *act, const struct stanza *st, enum message_action action)
{
	int8_t least = 0;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (action == MESSAGE_MOST && session_is_available(s) && s->priority > least)
			least = s->priority;
	}
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (session_is_available(s) && s->priority >= least)
			outbound_stanza(s, act, act->op, st);
	}
}

static void
carry_out(struct account *a, const struct act *act, const struct stanza *st,
    struct session *addressed, enum message_action action)
{
	switch (action) {
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
		return;
	case MESSAGE_DELIVER:
		outbound_stanza(addressed, act, act->op, st);
		return;
	case MESSAGE_MOST:
	case MESSAGE_ALL:
		deliver_to_takers(a, act, st, action);
		return;
	}
}

static void
message_arrives(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct session *s = jid_is_bare(&to) ? NULL : account_session(a, to.resource);
	enum message_address address = jid_is_bare(&to) ? TO_BARE : s ? TO_MATCH : TO_NO_MATCH;

	carry_out(
	    a, act, st, s, message_action(condition_of(a), address, (enum stanza_type)st->type));
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

void
message_from_client(struct session *s, const struct act *act, struct stanza *st)
{
	/* RFC 6120 §10.3.1: without `to` it is for the account itself. */
	if (str_empty(st->to))
		st->to = s->jid.bare;
	route_stanza(act, OP_DELIVERY, st);
}

void
message_again(struct account *a, const struct act *act, const struct stanza *st)
{
	if (st->type != TYPE_NORMAL && st->type != TYPE_CHAT)
		return;
	LIST_FOREACH(&a->sessions, it) {
		if (outbound_knows(CONTAINER_OF(it, struct session, link), &act->op))
			return;
	}
	carry_out(
	    a, act, st, NULL, message_action(condition_of(a), TO_BARE, (enum stanza_type)st->type));
}
