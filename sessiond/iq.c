/* See iq.h. RFC 6121 §8.5.1, §8.5.2.1.3, §8.5.3; RFC 6120 §8.2.3. */
#include "iq.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bounce.h"
#include "delegation.h"
#include "nested.h"
#include "privilege.h"
#include "route.h"
#include "strip.h"

/* ---- answers ---- */

static void
result(const struct act *act, const struct stanza *request, struct str payload)
{
	struct stanza st = {.kind = STANZA_IQ,
	    .type = TYPE_RESULT,
	    .from = request->to,
	    .to = request->from,
	    .id = request->id,
	    .payload = payload};

	route_stanza(act, OP_ANSWER, &st);
}

void
iq_result(const struct iq *iq, struct str payload)
{
	result(iq->act, iq->st, payload);
}

void
iq_error(const struct iq *iq, enum stanza_error e)
{
	bounce(iq->act, iq->st, e);
}

struct iq_later *
iq_keep(const struct iq *iq)
{
	struct iq_later *l = NEW(struct iq_later);
	struct stanza st = *iq->st;

	st.payload = (struct str){0};
	l->act = act_keep(iq->act);
	l->st = stanza_copy(&st);
	l->account = iq->account;
	l->is_owner = iq->is_owner;
	account_pin(l->account);
	return l;
}

static void
iq_later_free(struct iq_later *l)
{
	account_unpin(l->account);
	act_drop(&l->act);
	free(l->st);
	free(l);
}

void
iq_later_result(struct iq_later *l, struct str payload)
{
	result(&l->act, l->st, payload);
	iq_later_free(l);
}

void
iq_later_error(struct iq_later *l, enum stanza_error e)
{
	bounce(&l->act, l->st, e);
	iq_later_free(l);
}

enum stanza_error
iq_error_of(enum bus_error e)
{
	switch (e) {
	case BUS_ERROR_LIMIT:
	case BUS_ERROR_FULL:
	case BUS_ERROR_UNAVAILABLE:
		return SE_RESOURCE_CONSTRAINT;
	case BUS_ERROR_NOT_FOUND:
		return SE_ITEM_NOT_FOUND;
	case BUS_ERROR_BAD_REQUEST:
		return SE_BAD_REQUEST;
	case BUS_ERROR_NOT_ACCEPTABLE:
		return SE_NOT_ACCEPTABLE;
	case BUS_ERROR_FORBIDDEN:
		return SE_FORBIDDEN;
	case BUS_ERROR_EXISTS:
	case BUS_ERROR_CONFLICT:
		return SE_CONFLICT;
	case BUS_ERROR_INTERNAL:
	case BUS_ERROR_COUNT:
		break;
	}
	return SE_INTERNAL_SERVER_ERROR;
}

/* ---- dispatch ---- */

static const struct iq_entry *
entry_for(const struct iq *iq, enum iq_place place)
{
	for (const struct iq_entry *e = iq_table; e->name; e++) {
		if (e->place == place && e->type == (enum stanza_type)iq->st->type &&
		    str_is(iq->node->name, e->name) && str_is(iq->node->ns, e->ns))
			return e;
	}
	return NULL;
}

/* XEP-0012 §7: a subscription, potentially restricted by lists. */
static bool
may_see(const struct account *a, struct str from)
{
	return account_lets_see(a, from) && !account_refuses(a, from, PRIVACY_PRESENCE_OUT);
}

static bool
is_allowed(const struct iq *iq, const struct iq_entry *e)
{
	switch (e->rule) {
	case IQ_OWNER:
		return iq->is_owner || privilege_lets_ask(iq);
	case IQ_SUBSCRIBER:
		return iq->is_owner || may_see(iq->account, iq->st->from);
	case IQ_ANYBODY:
		return true;
	}
	return false;
}

/* RFC 6120 §8.3.3.3. Of somebody else's account it would tell that there is one (INV-32). */
static bool
knows_namespace(const struct iq *iq, enum iq_place place)
{
	for (const struct iq_entry *e = iq_table; e->name; e++)
		if (e->place == place && str_is(iq->node->ns, e->ns))
			return place == IQ_SERVER || iq->is_owner;
	return false;
}

/* is_there: false where there is no account, of which nothing is allowed. */
static void
dispatch(struct iq *iq, enum iq_place place, bool is_there)
{
	const struct iq_entry *e, *nobody;

	iq->node = xml_tree_parse(iq->arena, iq->st->payload, S("jabber:client"));
	if (!iq->node || iq->node->next || str_empty(iq->st->id)) {
		iq_error(iq, SE_BAD_REQUEST);
		return;
	}
	if (is_there && delegation_takes(iq))
		return;
	e = entry_for(iq, place);
	nobody = entry_for(iq, IQ_NOBODY);
	if (e && is_there && is_allowed(iq, e))
		e->fn(iq);
	else if (nobody && place == IQ_ACCOUNT)
		nobody->fn(iq);
	else if (!e && knows_namespace(iq, place))
		iq_error(iq, SE_FEATURE_NOT_IMPLEMENTED);
	else
		iq_error(iq, SE_SERVICE_UNAVAILABLE);
}

static void
to_account(struct account *a, const struct act *act, const struct stanza *st)
{
	struct arena arena = {0};
	struct iq iq = {.act = act, .st = st, .account = a, .arena = &arena};

	iq.is_owner = str_eq(jid_split(st->from).bare, a->jid);
	if (account_denies(a, st->from, PRIVACY_IQ))
		bounce(act, st, SE_SERVICE_UNAVAILABLE);
	else
		dispatch(&iq, IQ_ACCOUNT, a->exists);
	arena_deinit(&arena);
}

void
iq_to_server(const struct act *act, const struct stanza *st)
{
	struct arena arena = {0};
	struct iq iq = {.act = act, .st = st, .arena = &arena};

	if (stanza_wants_answer(st))
		dispatch(&iq, IQ_SERVER, true);
	else if (!nested_answer(act, st))
		delegation_answer(act, st);
	arena_deinit(&arena);
}

/* ---- to a session ---- */

/* RFC 6121 §8.5.3.1: only those who know that the session is there may ask it something. */
static bool
shares_presence(const struct account *a, const struct session *s, struct str from)
{
	return (account_lets_see(a, from) || session_has_directed(s, from)) &&
	    !session_denies(s, from, PRIVACY_PRESENCE_OUT);
}

static void
to_session(struct account *a, const struct act *act, const struct stanza *st)
{
	struct session *s = account_session(a, jid_split(st->to).resource);

	if ((s && session_denies(s, st->from, PRIVACY_IQ)) || strip_is_push(st))
		s = NULL;
	if (s && (!stanza_wants_answer(st) || shares_presence(a, s, st->from)))
		outbound_stanza(s, act, act->op, st);
	else
		bounce(act, st, SE_SERVICE_UNAVAILABLE);
}

void
iq_to_user(const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct account *a = account_find(act->sd, to.bare);

	if (!stanza_wants_answer(st)) {
		/* Answers to pushes come to the bare JID: nobody waits for them. */
		if (jid_is_bare(&to))
			privilege_answer(act, st);
		else if (a)
			account_when_ready(a, act, st, to_session);
		return;
	}
	a = a ? a : account_get(act->sd, to.bare);
	account_when_ready(a, act, st, jid_is_bare(&to) ? to_account : to_session);
}

static void
iq_leaves(struct account *a, const struct act *act, const struct stanza *st)
{
	if (act_denies(a, act, st->to, PRIVACY_REST))
		bounce_blocked(a, act, st);
	else
		route_stanza(act, OP_DELIVERY, st);
}

/* The server and the own account answer also while the account is loading (they wait themselves if they must). */
static bool
is_for_itself(const struct session *s, const struct stanza *st)
{
	struct jid to = jid_split(st->to);

	return str_eq(to.bare, s->jid.bare) || str_eq(to.full, s->jid.domain);
}

void
iq_from_client(struct session *s, const struct act *act, struct stanza *st)
{
	/* RFC 6120 §10.3.3: without `to` it is for the account itself. */
	if (str_empty(st->to))
		st->to = s->jid.bare;
	if (is_for_itself(s, st))
		route_stanza(act, OP_DELIVERY, st);
	else
		account_when_ready(s->account, act, st, iq_leaves);
}
