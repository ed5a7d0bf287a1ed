/* One presence stanza to everyone who is subscribed (RFC 6121 §4.2.2, §4.4.2, §4.5.2): one frame per edge for the sessions
 * of this shard, a ROUTE for each contact elsewhere. */
#include "presence.h"
#include "privilege.h"
#include "route.h"

static void
to_sessions(struct fanout *f, struct account *a)
{
	privilege_show_contact(a, f->act, f->st);
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (f->st->type == TYPE_UNAVAILABLE)
			session_remove_directed(s, f->st->from);
		if (session_is_available(s) && !session_denies(s, f->st->from, PRIVACY_PRESENCE_IN))
			fanout_add(f, s);
	}
}

static void
to_own_contact(struct fanout *f, const struct contact *c)
{
	struct account *a = account_find(f->act->sd, c->jid);
	struct stanza st = *f->st;

	if (!a || a->n_sessions == 0)
		return;
	if (account_is_ready(a)) {
		to_sessions(f, a);
		return;
	}
	st.to = c->jid;
	presence_to_user(f->act, &st);
}

/* A domain that nobody serves is no news worth an error each time. */
static void
to_contact_elsewhere(const struct act *act, struct stanza st, const struct contact *c)
{
	struct jid to = jid_split(c->jid);
	struct endpoint e;

	st.to = c->jid;
	if (bus_route(bus_of(act->sd), &to, &e))
		route_stanza(act, OP_PRESENCE, &st);
}

/* The session itself, too: also when it has just become unavailable (§4.5.2). */
static void
to_itself(struct fanout *f)
{
	struct session *s = sessions_of_act(f->act);

	if (s && s->presence == PRESENCE_UNAVAILABLE && str_eq(s->jid.full, f->st->from))
		fanout_add(f, s);
}

/* XEP-0191 §3.3: also when it is allowed by the roster. */
static bool
may_see(const struct account *a, const struct act *act, const struct contact *c)
{
	return contact_has_from(c) && !act_denies(a, act, c->jid, PRIVACY_PRESENCE_OUT);
}

static bool
is_ours(const struct sessiond *sd, const struct contact *c)
{
	struct jid j = jid_split(c->jid);

	return route_is_ours(sd, &j);
}

void
broadcast_presence(struct account *a, const struct act *act, const struct stanza *st)
{
	struct stanza all = *st;
	struct fanout f;

	if (st->type == TYPE_UNAVAILABLE)
		privilege_show_user(act, st);
	all.to = (struct str){0};
	fanout_begin(&f, act, act_op_of(act, OP_PRESENCE, st->from), &all);
	to_itself(&f);
	to_sessions(&f, a);
	for (struct contact *c = a->roster.contacts; c; c = c->hh.next)
		if (may_see(a, act, c) && is_ours(a->sd, c))
			to_own_contact(&f, c);
	fanout_end(&f);
	for (struct contact *c = a->roster.contacts; c; c = c->hh.next)
		if (may_see(a, act, c) && !is_ours(a->sd, c))
			to_contact_elsewhere(act, all, c);
}
