/* Presence probes: RFC 6121 §4.3, §4.6.6. */
#include "base/clock.h"
#include "presence.h"
#include "route.h"

/* A contact of this shard without a session has nothing to say; asking would only load its roster. */
static bool
is_worth_asking(const struct sessiond *sd, const struct jid *contact)
{
	struct account *a;

	if (!route_is_ours(sd, contact))
		return true;
	a = account_find(sd, contact->bare);
	return a && a->n_sessions > 0;
}

static void
probe(struct session *s, const struct act *act, const struct contact *c)
{
	bool is_local = route_is_local_domain(s->sd, jid_split(c->jid).domain);
	struct stanza st = {.kind = STANZA_PRESENCE,
	    .type = TYPE_PROBE,
	    .from = is_local ? s->jid.full : s->jid.bare,
	    .to = c->jid};

	route_stanza(act, OP_PROBE, &st);
}

void
probe_contact(struct session *s, const struct act *act, const struct contact *c)
{
	struct jid contact = jid_split(c->jid);

	if (is_worth_asking(s->sd, &contact))
		probe(s, act, c);
}

/* In the suite the answer comes to this session alone; other servers are asked for the bare JID (§4.3.1). */
void
probe_contacts(struct session *s, const struct act *act)
{
	for (struct contact *c = s->account->roster.contacts; c; c = c->hh.next)
		if (contact_has_to(c) && !session_denies(s, c->jid, PRIVACY_PRESENCE_IN))
			probe_contact(s, act, c);
}

void
probe_all(struct session *s, const struct act *act)
{
	for (struct contact *c = s->account->roster.contacts; c; c = c->hh.next) {
		struct jid contact = jid_split(c->jid);
		struct stanza away = {.kind = STANZA_PRESENCE,
		    .type = TYPE_UNAVAILABLE,
		    .from = c->jid,
		    .to = s->jid.full};

		if (!contact_has_to(c) || session_denies(s, c->jid, PRIVACY_PRESENCE_IN))
			continue;
		if (is_worth_asking(s->sd, &contact))
			probe(s, act, c);
		else
			outbound_stanza(s, act, act_op(act, OP_PROBE_ANSWER), &away);
	}
}

static void
answer(const struct act *act, struct stanza *st)
{
	struct act own = *act;

	own.op = act_op_of(act, OP_PROBE_ANSWER, st->from);
	st->kind = STANZA_PRESENCE;
	route_stanza(&own, OP_PROBE_ANSWER, st);
}

/* §4.6.6: a session that sent directed presence to the asker is mere presence, and just that session. */
static bool
answer_directed(struct account *a, const struct act *act, const struct stanza *probe)
{
	struct jid to = jid_split(probe->to);
	struct session *s = jid_is_bare(&to) ? NULL : account_session(a, to.resource);
	struct stanza st = {.type = TYPE_AVAILABLE, .from = probe->to, .to = probe->from};

	if (!s || !session_has_directed(s, probe->from))
		return false;
	answer(act, &st);
	return true;
}

static void
answer_unavailable(const struct act *act, const struct stanza *probe)
{
	struct stanza st = {.type = TYPE_UNAVAILABLE,
	    .from = jid_split(probe->to).bare,
	    .to = probe->from,
	    .id = probe->id};

	answer(act, &st);
}

/* §4.3.2 rule 1; the same whether the account exists or not (INV-32). */
static void
answer_unsubscribed(const struct act *act, const struct stanza *probe)
{
	struct stanza st = {.type = TYPE_UNSUBSCRIBED,
	    .from = jid_split(probe->to).bare,
	    .to = jid_split(probe->from).bare,
	    .id = probe->id};

	answer(act, &st);
}

/* To the full JID: only that it is there. */
static void
answer_for_session(struct account *a, const struct act *act, const struct stanza *probe)
{
	struct session *s = account_session(a, jid_split(probe->to).resource);
	struct stanza st = {.type = TYPE_AVAILABLE, .from = probe->to, .to = probe->from};

	if (s && session_denies(s, probe->from, PRIVACY_PRESENCE_OUT))
		return;
	if (s && session_is_available(s))
		answer(act, &st);
	else
		answer_unavailable(act, probe);
}

/* The last one that was broadcast, and when that was (XEP-0203). */
static void
answer_with_presence(const struct session *s, const struct act *act, struct str to)
{
	struct stanza st = *s->presence_stanza;
	char stamp[CLOCK_STAMP_MAX];
	struct buf payload = {0};
	struct xml_writer w;

	st.to = to;
	if (s->presence_us) {
		clock_stamp(s->presence_us, stamp);
		xw_init(&w, &payload, S("jabber:client"));
		xw_raw(&w, st.payload);
		xw_open(&w, S("urn:xmpp:delay"), S("delay"));
		xw_attr(&w, "from", s->jid.full);
		xw_attr(&w, "stamp", str_z(stamp));
		xw_close(&w);
		st.payload = buf_str(&payload);
		st.facts |= FACT_DELAY;
	}
	answer(act, &st);
	buf_deinit(&payload);
}

static void
answer_for_all(struct account *a, const struct act *act, const struct stanza *probe)
{
	unsigned n = 0;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_is_available(s) || session_denies(s, probe->from, PRIVACY_PRESENCE_OUT))
			continue;
		answer_with_presence(s, act, probe->from);
		n++;
	}
	if (n == 0)
		answer_unavailable(act, probe);
}

void
probe_arrives(struct account *a, const struct act *act, const struct stanza *probe)
{
	struct jid to = jid_split(probe->to);

	/* XEP-0016 §2.13: no answer. */
	if (account_refuses(a, probe->from, PRIVACY_PRESENCE_OUT))
		return;
	if (a->exists && account_lets_see(a, probe->from)) {
		if (jid_is_bare(&to))
			answer_for_all(a, act, probe);
		else
			answer_for_session(a, act, probe);
	} else if (!answer_directed(a, act, probe)) {
		answer_unsubscribed(act, probe);
	}
}
