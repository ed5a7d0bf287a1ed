/* See block.h. */
#include "block.h"

#include "account.h"

unsigned
session_active_list(const struct session *s)
{
	return s->flags >> SESSION_LIST_SHIFT;
}

void
session_set_active_list(struct session *s, unsigned id)
{
	s->flags = (s->flags & ((1u << SESSION_LIST_SHIFT) - 1)) | id << SESSION_LIST_SHIFT;
}

/* ---- the decision ---- */

/* One that does not exist any more is none. */
static const struct privacy_list *
list_or_default(const struct account *a, unsigned id)
{
	const struct privacy_list *l = privacy_by_id(&a->privacy, id);

	return l ? l : privacy_default(&a->privacy);
}

const struct privacy_list *
list_for(const struct account *a, const struct session *s)
{
	return list_or_default(a, s ? session_active_list(s) : 0);
}

static bool
denies(const struct account *a, unsigned id, struct str jid, enum privacy_kind kind)
{
	struct jid j;

	if (!a->privacy.lists)
		return false;
	j = jid_split(jid);
	if (str_eq(j.bare, a->jid))
		return false;
	if (str_empty(j.local) && str_eq(j.domain, jid_split(a->jid).domain))
		return false;
	return privacy_list_denies(list_or_default(a, id), &a->roster, jid, kind);
}

bool
session_denies(const struct session *s, struct str jid, enum privacy_kind kind)
{
	return denies(s->account, session_active_list(s), jid, kind);
}

static enum privacy_kind
kind_of(const struct stanza *st)
{
	if (st->kind == STANZA_MESSAGE)
		return PRIVACY_MESSAGE;
	if (st->kind == STANZA_IQ)
		return PRIVACY_IQ;
	return st->type == TYPE_AVAILABLE || st->type == TYPE_UNAVAILABLE ? PRIVACY_PRESENCE_IN
									  : PRIVACY_REST;
}

bool
session_denies_stanza(const struct session *s, const struct stanza *st)
{
	return !str_empty(st->from) && session_denies(s, st->from, kind_of(st));
}

bool
account_denies(const struct account *a, struct str jid, enum privacy_kind kind)
{
	return denies(a, 0, jid, kind);
}

bool
account_refuses(const struct account *a, struct str jid, enum privacy_kind kind)
{
	bool is_here = false;

	if (!a->privacy.lists)
		return false;
	LIST_FOREACH(&a->sessions, it) {
		const struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_is_available(s))
			continue;
		if (!session_denies(s, jid, kind))
			return false;
		is_here = true;
	}
	return is_here || account_denies(a, jid, kind);
}

bool
act_denies(const struct account *a, const struct act *act, struct str jid, enum privacy_kind kind)
{
	const struct session *s = sessions_of_act(act);

	return denies(a, s ? session_active_list(s) : act->active_list, jid, kind);
}

/* ---- the block list ---- */

bool
block_is(const struct privacy_item *i)
{
	return i->type == PRIVACY_JID && i->denies && i->kinds == PRIVACY_ALL;
}

static const struct privacy_item *
first_block(const struct privacy_list *l, struct str jid)
{
	struct privacy_item *i = NULL;

	if (l)
		HASH_FIND(hh, l->jids, jid.p, jid.n, i);
	while (i && !block_is(i))
		i = i->same;
	return i;
}

bool
block_has(const struct privacy_list *l, struct str jid)
{
	return first_block(l, jid) != NULL;
}

bool
block_covers(const struct privacy_list *l, struct str jid)
{
	struct jid j = jid_split(jid);

	return block_has(l, j.full) || block_has(l, j.bare) || block_has(l, j.domain);
}

/* A JID that is there twice is blocked once. */
struct str *
block_jids(struct arena *a, const struct privacy_list *l, unsigned *n_r)
{
	struct str *list = arena_alloc(a, ((l ? l->n_items : 0) + 1) * sizeof(*list));
	unsigned n = 0;

	for (unsigned i = 0; l && i < l->n_items; i++)
		if (first_block(l, l->items[i].value) == &l->items[i])
			list[n++] = l->items[i].value;
	*n_r = n;
	return list;
}

void
block_write_items(struct xml_writer *w, const struct privacy_list *l)
{
	struct arena a = {0};
	unsigned n;
	const struct str *jids = block_jids(&a, l, &n);

	for (unsigned i = 0; i < n; i++) {
		xw_open(w, (struct str){0}, S("item"));
		xw_attr(w, "jid", jids[i]);
		xw_close(w);
	}
	arena_deinit(&a);
}
