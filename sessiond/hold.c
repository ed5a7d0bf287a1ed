/* See hold.h. */
#include "hold.h"

#include <stdlib.h>

#include "account.h"
#include "base/arena.h"
#include "base/mem.h"
#include "fate.h"
#include "presence.h"
#include "xml/tree.h"

static bool
is_inactive(const struct session *s)
{
	return s->flags & SESSION_INACTIVE;
}

bool
hold_is_on(const struct session *s)
{
	return is_inactive(s) || session_is_away(s);
}

/* XEP-0045 §7.2.2: the one by which a client learns that it is in the room or has left it. */
static bool
is_own_in_room(const struct stanza *st)
{
	struct arena a = {0};
	struct xml_node *x, *n;
	bool found = false;

	if (!(st->facts & FACT_MUC_USER))
		return false;
	x = xml_find(xml_tree_parse(&a, st->payload, S("jabber:client")),
	    "http://jabber.org/protocol/muc#user", "x");
	for (n = x ? x->children : NULL; n; n = n->next)
		found |= str_is(n->name, "status") && str_is(xml_node_attr(n, "code", NULL), "110");
	arena_deinit(&a);
	return found;
}

static bool
can_wait(const struct stanza *st)
{
	if (st->kind == STANZA_PRESENCE)
		return (st->type == TYPE_AVAILABLE || st->type == TYPE_UNAVAILABLE) &&
		    !is_own_in_room(st);
	return message_traits(st) & TRAIT_HOLD;
}

static void
held_free(struct held_all *all, struct held_stanza *h)
{
	all->bytes -= h->bytes;
	HASH_DEL(all->by_key, h);
	free(h->st);
	free(h);
}

void
hold_deinit(struct held_all *all)
{
	while (all->by_key)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): held_free takes it out of the map */
		held_free(all, all->by_key);
}

/* Replaces what was held of the same sender, and takes its place at the end. */
static void
held_put(struct held_all *all, const struct delivery *d)
{
	size_t n = 1 + d->st->from.n;
	struct held_stanza *h = mem_new(sizeof(*h) + n), *old;

	h->key[0] = (char)d->st->kind;
	if (d->st->from.n)
		memcpy(h->key + 1, d->st->from.p, d->st->from.n);
	h->key_len = n;
	h->op = d->op;
	h->stamp_us = d->stamp_us;
	h->st = stanza_copy(d->st);
	h->bytes = stanza_bytes(d->st);
	HASH_FIND(hh, all->by_key, h->key, n, old);
	if (old)
		held_free(all, old);
	all->bytes += h->bytes;
	HASH_ADD_KEYPTR(hh, all->by_key, h->key, h->key_len, h);
}

/* Who is away cannot be sent it: it asks anew when it is back. */
static void
overflow(struct session *s, const struct act *act)
{
	if (!session_is_away(s)) {
		hold_release(s, act);
		return;
	}
	hold_deinit(&s->held);
	s->held.is_stale = true;
}

bool
hold_takes(struct session *s, const struct delivery *d)
{
	if (!hold_is_on(s) || d->row || !can_wait(d->st))
		return false;
	held_put(&s->held, d);
	if (HASH_CNT(hh, s->held.by_key) > HELD_MAX || s->held.bytes > HELD_BYTES_MAX)
		overflow(s, d->act);
	return true;
}

void
hold_release(struct session *s, const struct act *act)
{
	struct held_all all = s->held;

	s->held = (struct held_all){0};
	for (struct held_stanza *h = all.by_key; h; h = h->hh.next) {
		struct delivery d = {.act = act, .op = h->op, .st = h->st, .stamp_us = h->stamp_us};

		outbound_send_now(s, &d);
	}
	hold_deinit(&all);
}

void
hold_set(struct session *s, const struct act *act, bool is_active)
{
	if (is_inactive(s) != is_active || !(is_active || settings_of(s->sd)->client_state))
		return;
	s->flags ^= SESSION_INACTIVE;
	if (is_active)
		hold_release(s, act);
	session_copy_presence(s, act);
}

static void
renew(struct account *a, const struct act *act, const struct stanza *st)
{
	struct session *s = sessions_of_act(act);

	(void)a;
	(void)st;
	if (s && session_is_available(s))
		probe_all(s, act);
}

void
hold_renew(struct session *s)
{
	struct act act = act_own(s->sd);

	act.op = (struct opid){.origin = s->sid, .n = s->in_last, .kind = OP_PROBE};
	account_when_ready(s->account, &act, NULL, renew);
}
