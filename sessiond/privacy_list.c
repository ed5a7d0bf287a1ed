/* See privacy_list.h. Items of type jid are found by a map of their JIDs, the few others by going through them in order. */
#include "privacy_list.h"

#include <stdlib.h>

#include "base/mem.h"

/* ---- making ---- */

static int
by_order(const void *a, const void *b)
{
	const struct privacy_item *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

void
privacy_sort(struct privacy_item *items, unsigned n)
{
	qsort(items, n, sizeof(*items), by_order);
}

/* From the last to the first, so that the first of each JID is the one in the map. */
static void
index_jids(struct privacy_list *l)
{
	for (unsigned i = l->n_items; i-- > 0;) {
		struct privacy_item *item = &l->items[i], *other;

		if (item->type != PRIVACY_JID)
			continue;
		HASH_FIND(hh, l->jids, item->value.p, item->value.n, other);
		if (other)
			HASH_DEL(l->jids, other);
		item->same = other;
		HASH_ADD_KEYPTR(hh, l->jids, item->value.p, item->value.n, item);
	}
}

struct privacy_list *
privacy_list_new(struct str name, const struct privacy_item *items, unsigned n_items)
{
	struct privacy_list *l = NEW(struct privacy_list);
	size_t bytes = name.n;
	char *at;

	for (unsigned i = 0; i < n_items; i++)
		bytes += items[i].value.n;
	l->text = at = mem_new(bytes + 1);
	l->name = str_put(&at, name);
	l->n_items = n_items;
	l->items = mem_new_array(n_items + 1, sizeof(*l->items));
	for (unsigned i = 0; i < n_items; i++) {
		l->items[i] = items[i];
		l->items[i].value = str_put(&at, items[i].value);
		l->items[i].same = NULL;
	}
	privacy_sort(l->items, n_items);
	index_jids(l);
	return l;
}

void
privacy_list_free(struct privacy_list **lp)
{
	struct privacy_list *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	HASH_CLEAR(hh, l->jids);
	free(l->items);
	free(l->text);
	free(l);
}

/* ---- what a list says ---- */

static void
take_first(const struct privacy_item **best, const struct privacy_item *item, enum privacy_kind kind)
{
	while (item && !(item->kinds & kind))
		item = item->same;
	if (item && (!*best || item->order < (*best)->order))
		*best = item;
}

/* The forms that cover a JID: itself, its bare form, its domain. */
static const struct privacy_item *
first_of_jid(const struct privacy_list *l, const struct jid *j, enum privacy_kind kind)
{
	const struct str forms[] = {j->full, j->bare, j->domain};
	const struct privacy_item *best = NULL;

	for (size_t i = 0; l->jids && i < COUNT(forms); i++) {
		struct privacy_item *item;

		HASH_FIND(hh, l->jids, forms[i].p, forms[i].n, item);
		take_first(&best, item, kind);
	}
	return best;
}

static bool
has_group(const struct contact *c, struct str group)
{
	for (unsigned i = 0; c && i < c->n_groups; i++)
		if (str_eq(c->groups[i], group))
			return true;
	return false;
}

/* Who is not in the roster has none (§2.1). */
static const char *
subscription_of(const struct contact *c)
{
	bool to = c && c->is_listed && contact_has_to(c);
	bool from = c && c->is_listed && contact_has_from(c);

	if (to)
		return from ? "both" : "to";
	return from ? "from" : "none";
}

static bool
is_about(const struct privacy_item *item, const struct contact *c)
{
	switch ((enum privacy_type)item->type) {
	case PRIVACY_ANYBODY:
		return true;
	case PRIVACY_GROUP:
		return has_group(c, item->value);
	case PRIVACY_SUBSCRIPTION:
		return str_is(item->value, subscription_of(c));
	case PRIVACY_JID:
		break;
	}
	return false;
}

bool
privacy_list_denies(
    const struct privacy_list *l, const struct roster *r, struct str jid, enum privacy_kind kind)
{
	struct jid j = jid_split(jid);
	const struct privacy_item *first;
	const struct contact *c;

	if (!l)
		return false;
	first = first_of_jid(l, &j, kind);
	if (HASH_COUNT(l->jids) == l->n_items)
		return first && first->denies;
	c = roster_find(r, j.bare);
	for (unsigned i = 0; i < l->n_items && (!first || l->items[i].order < first->order); i++)
		if ((l->items[i].kinds & kind) && is_about(&l->items[i], c))
			return l->items[i].denies;
	return first && first->denies;
}

/* ---- an account's lists ---- */

struct privacy_list *
privacy_named(const struct privacy *p, struct str name)
{
	for (struct privacy_list *l = p->lists; l; l = l->next)
		if (str_eq(l->name, name))
			return l;
	return NULL;
}

struct privacy_list *
privacy_by_id(const struct privacy *p, unsigned id)
{
	for (struct privacy_list *l = p->lists; id && l; l = l->next)
		if (l->id == id)
			return l;
	return NULL;
}

struct privacy_list *
privacy_default(const struct privacy *p)
{
	return privacy_by_id(p, p->default_id);
}

unsigned
privacy_count(const struct privacy *p)
{
	unsigned n = 0;

	for (struct privacy_list *l = p->lists; l; l = l->next)
		n++;
	return n;
}

void
privacy_put(struct privacy *p, struct privacy_list *l, uint8_t new_id)
{
	struct privacy_list **at = &p->lists, *old;

	while (*at && !str_eq((*at)->name, l->name))
		at = &(*at)->next;
	old = *at;
	l->id = old ? old->id : new_id;
	l->next = old ? old->next : NULL;
	*at = l;
	privacy_list_free(&old);
}

void
privacy_remove(struct privacy *p, struct privacy_list *l)
{
	struct privacy_list **at = &p->lists;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (p->default_id == l->id)
		p->default_id = 0;
	privacy_list_free(&l);
}

void
privacy_clear(struct privacy *p)
{
	while (p->lists)
		privacy_remove(p, p->lists);
	p->default_id = 0;
}
