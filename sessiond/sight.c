/* See sight.h. */
#include "sight.h"

#include "offline.h"
#include "presence.h"
#include "route.h"

/* ---- whom it is about ---- */

static unsigned
full_jids(const struct privacy_list *l)
{
	return l ? l->n_items : 0;
}

static void
add_contacts(struct sight *v)
{
	for (const struct contact *c = v->account->roster.contacts; c; c = c->hh.next)
		if (contact_has_from(c) || contact_has_to(c))
			v->jids[v->n_jids++] = arena_str(&v->arena, c->jid);
}

/* A contact's presence goes to its bare JID, so just one of its sessions must be looked at by itself. */
static void
add_full_jids(struct sight *v, const struct privacy_list *l)
{
	for (unsigned i = 0; l && i < l->n_items; i++)
		if (l->items[i].type == PRIVACY_JID &&
		    !str_empty(jid_split(l->items[i].value).resource) &&
		    account_lets_see(v->account, l->items[i].value))
			v->jids[v->n_jids++] = arena_str(&v->arena, l->items[i].value);
}

static bool
is_meant(const struct sight *v, const struct session *s)
{
	return session_is_available(s) && (!v->only || s == v->only);
}

static uint8_t
look(const struct session *s, struct str jid)
{
	bool in = session_denies(s, jid, PRIVACY_PRESENCE_IN);
	bool out = session_denies(s, jid, PRIVACY_PRESENCE_OUT);

	return (uint8_t)((in ? PRIVACY_PRESENCE_IN : 0) | (out ? PRIVACY_PRESENCE_OUT : 0));
}

void
sight_begin(struct sight *v, struct account *a, struct session *only,
    const struct privacy_list *before, const struct privacy_list *after)
{
	unsigned most = HASH_COUNT(a->roster.contacts) + full_jids(before) + full_jids(after);
	unsigned n = 0;

	*v = (struct sight){.account = a, .only = only};
	v->jids = arena_alloc(&v->arena, (most + 1) * sizeof(*v->jids));
	add_contacts(v);
	add_full_jids(v, before);
	add_full_jids(v, after);
	v->seen = arena_alloc(&v->arena, (size_t)a->n_sessions * v->n_jids + 1);
	LIST_FOREACH(&a->sessions, it) {
		const struct session *s = CONTAINER_OF(it, struct session, link);

		for (unsigned i = 0; i < v->n_jids && is_meant(v, s); i++)
			v->seen[n++] = look(s, v->jids[i]);
	}
}

/* ---- what is different ---- */

static void
show_or_hide(struct session *s, const struct act *act, struct str jid, bool hides)
{
	struct stanza st = {.kind = STANZA_PRESENCE, .type = TYPE_UNAVAILABLE, .from = s->jid.full};

	if (!account_lets_see(s->account, jid))
		return;
	if (!hides)
		st = *s->presence_stanza;
	st.to = jid;
	route_stanza(act, OP_PRESENCE, &st);
}

/* To the session: of a contact, whose presence it had or may have now. */
static void
appear_or_vanish(struct session *s, const struct act *act, struct str jid, bool vanishes)
{
	const struct contact *c = roster_find(&s->account->roster, jid);
	struct stanza st = {
	    .kind = STANZA_PRESENCE, .type = TYPE_UNAVAILABLE, .from = jid, .to = s->jid.full};

	if (!c || !contact_has_to(c))
		return;
	if (vanishes)
		outbound_stanza(s, act, act_op_of(act, OP_PROBE_ANSWER, jid), &st);
	else
		probe_contact(s, act, c);
}

/* RFC 6121 §4.6: those who were sent it directly, too. */
static void
hide_directed(struct session *s, const struct act *act)
{
	struct directed *d, *next;

	HASH_ITER(hh, s->directed, d, next) {
		struct stanza st = {.kind = STANZA_PRESENCE,
		    .type = TYPE_UNAVAILABLE,
		    .from = s->jid.full,
		    .to = d->jid};

		if (!session_denies(s, d->jid, PRIVACY_PRESENCE_OUT))
			continue;
		route_stanza(act, OP_PRESENCE, &st);
		session_remove_directed(s, d->jid);
	}
}

static void
tell(struct session *s, const struct act *act, struct str jid, uint8_t before)
{
	uint8_t now = look(s, jid), changed = before ^ now;

	if (changed & PRIVACY_PRESENCE_OUT)
		show_or_hide(s, act, jid, now & PRIVACY_PRESENCE_OUT);
	if (changed & PRIVACY_PRESENCE_IN)
		appear_or_vanish(s, act, jid, now & PRIVACY_PRESENCE_IN);
}

void
sight_end(struct sight *v, const struct act *act)
{
	unsigned n = 0;

	LIST_FOREACH(&v->account->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!v->only || s == v->only)
			hide_directed(s, act);
		for (unsigned i = 0; i < v->n_jids && is_meant(v, s); i++)
			tell(s, act, v->jids[i], v->seen[n++]);
	}
	arena_deinit(&v->arena);
	offline_lists_changed(v->account, act);
}
