/* See presence.h. A session is available from its first presence without `to` until it says otherwise or ends. Everything
 * here that needs the roster waits for the account (account_when_ready); a waiting stanza finds its session again by the
 * id of its act. */
#include "presence.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bounce.h"
#include "last.h"
#include "offline.h"
#include "privilege.h"
#include "route.h"
#include "subscription.h"

static struct opid
presence_op(const struct act *act, const struct stanza *st)
{
	return act_op_of(act, OP_PRESENCE, st->from);
}

static bool
is_state(const struct stanza *st)
{
	return st->type == TYPE_AVAILABLE || st->type == TYPE_UNAVAILABLE;
}

static bool
is_subscription(const struct stanza *st)
{
	return st->type == TYPE_SUBSCRIBE || st->type == TYPE_SUBSCRIBED ||
	    st->type == TYPE_UNSUBSCRIBE || st->type == TYPE_UNSUBSCRIBED;
}

/* ---- what the user announces ---- */

/* RFC 6121 §3.1.3: requests are shown whenever the user becomes available, until there is an answer. */
static void
show_requests(struct account *a, struct session *s, const struct act *act)
{
	for (struct contact *c = a->roster.contacts; c; c = c->hh.next) {
		struct stanza st = {.kind = STANZA_PRESENCE,
		    .type = TYPE_SUBSCRIBE,
		    .from = c->jid,
		    .to = a->jid,
		    .payload = c->pending};

		if (contact_is_request(c) && !session_denies(s, c->jid, PRIVACY_REST))
			outbound_stanza(s, act, act_op_of(act, OP_SUBSCRIPTION, c->jid), &st);
	}
}

static void
show_other_sessions(struct account *a, struct session *s, const struct act *act)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *other = CONTAINER_OF(it, struct session, link);
		struct stanza st;

		if (other == s || !session_is_available(other))
			continue;
		st = *other->presence_stanza;
		st.to = s->jid.full;
		outbound_stanza(s, act, act_op_of(act, OP_PROBE_ANSWER, st.from), &st);
	}
}

static void
become_available(struct account *a, const struct act *act, const struct stanza *st)
{
	struct session *s = sessions_of_act(act);
	bool is_initial, was_taker;

	if (!s)
		return;
	is_initial = !session_is_available(s);
	was_taker = !is_initial && s->priority >= 0;
	s->presence = PRESENCE_AVAILABLE;
	s->priority = st->priority;
	free(s->presence_stanza);
	s->presence_stanza = stanza_copy(st);
	s->presence_us = clock_wall_us();
	session_copy_presence(s, act);
	broadcast_presence(a, act, st);
	if (is_initial) {
		privilege_show_user(act, st);
		show_other_sessions(a, s, act);
		show_requests(a, s, act);
		probe_contacts(s, act);
	}
	if (!was_taker && s->priority >= 0)
		offline_flush(a, act, s);
}

/* RFC 6121 §4.6.3: whoever was told that the session is here is told that it is not. */
static void
leave_directed(struct session *s, const struct act *act, const struct stanza *st)
{
	while (s->directed) {
		struct stanza copy = *st;
		char *to = str_dup(s->directed->jid);

		copy.to = str_z(to);
		session_remove_directed(s, copy.to);
		route_stanza(act, OP_PRESENCE, &copy);
		free(to);
	}
}

static void
become_unavailable(struct account *a, const struct act *act, const struct stanza *st)
{
	struct session *s = sessions_of_act(act);
	bool was_available;

	if (!s)
		return;
	was_available = session_is_available(s);
	s->presence = PRESENCE_UNAVAILABLE;
	free(s->presence_stanza);
	s->presence_stanza = NULL;
	leave_directed(s, act, st);
	session_copy_presence(s, act);
	if (!was_available)
		return;
	broadcast_presence(a, act, st);
	last_seen(a, act, st);
}

void
presence_session_ended(struct session *s, const struct act *act)
{
	struct stanza st = {.kind = STANZA_PRESENCE, .type = TYPE_UNAVAILABLE, .from = s->jid.full};
	struct act last = *act;

	leave_directed(s, act, &st);
	last.active_list = (uint8_t)session_active_list(s);
	if (session_is_available(s))
		account_when_ready(s->account, &last, &st, broadcast_presence);
}

/* ---- directed presence, RFC 6121 §4.6.3 ---- */

static void
direct_presence(struct account *a, const struct act *act, const struct stanza *st)
{
	struct session *s = sessions_of_act(act);

	if (!s)
		return;
	if (act_denies(a, act, st->to, PRIVACY_PRESENCE_OUT)) {
		bounce_blocked(a, act, st);
		return;
	}
	if (st->type == TYPE_UNAVAILABLE) {
		session_remove_directed(s, st->to);
	} else if (!session_is_available(s) || !account_lets_see(a, st->to)) {
		if (!session_add_directed(s, st->to)) {
			bounce(act, st, SE_RESOURCE_CONSTRAINT);
			return;
		}
	}
	session_copy_presence(s, act);
	route_stanza(act, OP_PRESENCE, st);
}

static void
presence_leaves(struct account *a, const struct act *act, const struct stanza *st)
{
	if (act_denies(a, act, st->to, PRIVACY_REST))
		bounce_blocked(a, act, st);
	else
		route_stanza(act, st->type == TYPE_PROBE ? OP_PROBE : OP_PRESENCE, st);
}

static void
announce(struct session *s, const struct act *act, const struct stanza *st)
{
	if (st->type == TYPE_AVAILABLE && st->payload.n > PRESENCE_PAYLOAD_MAX)
		bounce(act, st, SE_NOT_ACCEPTABLE);
	else if (st->type == TYPE_AVAILABLE)
		account_when_ready(s->account, act, st, become_available);
	else if (st->type == TYPE_UNAVAILABLE)
		account_when_ready(s->account, act, st, become_unavailable);
	else
		bounce(act, st, SE_BAD_REQUEST);
}

void
presence_from_client(struct session *s, const struct act *act, struct stanza *st)
{
	if (str_empty(st->to))
		announce(s, act, st);
	else if (is_state(st))
		account_when_ready(s->account, act, st, direct_presence);
	else if (is_subscription(st))
		account_when_ready(s->account, act, st, subscription_leaves);
	else if (st->type == TYPE_PROBE || st->type == TYPE_ERROR)
		account_when_ready(s->account, act, st, presence_leaves);
}

/* ---- what the user is told ---- */

/* RFC 6121 §4.6.1: who goes away is no longer one that was sent directed presence. */
static void
forget_directed(struct account *a, struct str from)
{
	LIST_FOREACH(&a->sessions, it)
		session_remove_directed(CONTAINER_OF(it, struct session, link), from);
}

static void
presence_arrives(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct session *s;
	struct fanout f;
	struct stanza all = *st;

	if (st->type == TYPE_UNAVAILABLE)
		forget_directed(a, st->from);
	privilege_show_contact(a, act, st);
	if (!jid_is_bare(&to)) {
		s = account_session(a, to.resource);
		if (s && !session_denies(s, st->from, PRIVACY_PRESENCE_IN))
			outbound_stanza(s, act, presence_op(act, st), st);
		return;
	}
	all.to = (struct str){0};
	fanout_begin(&f, act, presence_op(act, st), &all);
	LIST_FOREACH(&a->sessions, it) {
		s = CONTAINER_OF(it, struct session, link);
		if (session_is_available(s) && !session_denies(s, st->from, PRIVACY_PRESENCE_IN))
			fanout_add(&f, s);
	}
	fanout_end(&f);
}

void
presence_to_user(const struct act *act, const struct stanza *st)
{
	struct str bare = jid_split(st->to).bare;
	struct account *a = account_find(act->sd, bare);

	if (is_subscription(st))
		account_when_ready(account_get(act->sd, bare), act, st, subscription_arrives);
	else if (st->type == TYPE_PROBE)
		account_when_ready(account_get(act->sd, bare), act, st, probe_arrives);
	else if ((is_state(st) || st->type == TYPE_ERROR) && a && a->n_sessions > 0)
		account_when_ready(a, act, st, presence_arrives);
}

/* ---- to one contact ---- */

void
presence_show_to(struct account *a, const struct act *act, struct str contact)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);
		struct stanza st;

		if (!session_is_available(s) || session_denies(s, contact, PRIVACY_PRESENCE_OUT))
			continue;
		st = *s->presence_stanza;
		st.to = contact;
		route_stanza(act, OP_PRESENCE, &st);
	}
}

void
presence_hide_from(struct account *a, const struct act *act, struct str contact)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);
		struct stanza st = {.kind = STANZA_PRESENCE,
		    .type = TYPE_UNAVAILABLE,
		    .from = s->jid.full,
		    .to = contact};

		if (session_is_available(s) && !session_denies(s, contact, PRIVACY_PRESENCE_OUT))
			route_stanza(act, OP_PRESENCE, &st);
	}
}
