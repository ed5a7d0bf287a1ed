/* XEP-0191: what is blocked are items of the default privacy list (§5), which these commands edit; without one the first block
 * makes it. */
#include <stdio.h>

#include "answers.h"
#include "base/mem.h"
#include "privacy_change.h"

#define NS_BLOCKING S("urn:xmpp:blocking")

void
blocking_get(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	privacy_remember_asker(iq);
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, NS_BLOCKING, S("blocklist"));
	block_write_items(&w, privacy_default(&iq->account->privacy));
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

/* Of a list that the user may have under our name, but not as the default one, nothing is to be enforced. */
static struct str
name_for(const struct iq *iq)
{
	struct str name = S(PRIVACY_BLOCKED);

	for (unsigned i = 2; privacy_named(&iq->account->privacy, name); i++)
		name = arena_printf(iq->arena, PRIVACY_BLOCKED "-%u", i);
	return name;
}

/* ---- the list as it will be ---- */

/* A map of the drops, so that many of them do not cost their number squared. */
struct dropped {
	struct str jid;
	UT_hash_handle hh;
};

static struct dropped *
map_drops(struct arena *a, const struct block_change *c)
{
	struct dropped *map = NULL, *d;

	for (unsigned i = 0; i < c->n_drops; i++) {
		HASH_FIND(hh, map, c->drops[i].p, c->drops[i].n, d);
		if (d)
			continue;
		d = arena_alloc(a, sizeof(*d));
		d->jid = c->drops[i];
		HASH_ADD_KEYPTR(hh, map, d->jid.p, d->jid.n, d);
	}
	return map;
}

static bool
is_dropped(struct dropped *map, const struct privacy_item *i)
{
	struct dropped *d = NULL;

	if (block_is(i))
		HASH_FIND(hh, map, i->value.p, i->value.n, d);
	return d;
}

static unsigned
add_blocks(struct privacy_item *items, const struct privacy_list *l, const struct block_change *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_adds; i++)
		if (!block_has(l, c->adds[i]))
			items[n++] = (struct privacy_item){.denies = true,
			    .kinds = PRIVACY_ALL,
			    .type = PRIVACY_JID,
			    .value = c->adds[i]};
	return n;
}

static unsigned
add_rest(struct privacy_item *items, const struct privacy_list *l, struct dropped *drops)
{
	unsigned n = 0;

	for (unsigned i = 0; l && i < l->n_items; i++)
		if (!is_dropped(drops, &l->items[i]))
			items[n++] = l->items[i];
	return n;
}

/* §5: blocked ones come first. */
static void
change(const struct iq *iq, const struct block_change *c)
{
	struct privacy_list *l = privacy_default(&iq->account->privacy);
	unsigned most = c->n_adds + (l ? l->n_items : 0), n;
	struct privacy_item *items = arena_alloc(iq->arena, (most + 1) * sizeof(*items));
	struct dropped *drops = map_drops(iq->arena, c);

	n = add_blocks(items, l, c);
	n += add_rest(items + n, l, drops);
	HASH_CLEAR(hh, drops);
	for (unsigned i = 0; i < n; i++)
		items[i].order = i + 1;
	if (n > PRIVACY_ITEMS_MAX)
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
	else if (n > 0)
		privacy_edit(iq, privacy_list_new(l ? l->name : name_for(iq), items, n), c);
	else if (l)
		privacy_drop(iq, l, c);
	else
		privacy_keep(iq, c);
}

/* ---- the commands ---- */

/* JIDs of the <item/>s below, in the IQ's arena. False: one is malformed, which was answered. */
static bool
read_items(const struct iq *iq, struct str **items_r, unsigned *n_r)
{
	struct jid_buf buf;
	struct jid j;
	unsigned n = 0;

	for (const struct xml_node *c = iq->node->children; c; c = c->next)
		n++;
	*items_r = arena_alloc(iq->arena, (n + 1) * sizeof(**items_r));
	*n_r = 0;
	for (const struct xml_node *c = iq->node->children; c; c = c->next) {
		if (!str_is(c->name, "item") || !str_eq(c->ns, NS_BLOCKING))
			continue;
		if (!jid_prepare(&j, &buf, xml_node_attr(c, "jid", NULL))) {
			iq_error(iq, SE_JID_MALFORMED);
			return false;
		}
		(*items_r)[(*n_r)++] = arena_str(iq->arena, j.full);
	}
	return true;
}

void
blocking_block(const struct iq *iq)
{
	struct block_change c = {0};
	struct str *items;

	if (!read_items(iq, &items, &c.n_adds))
		return;
	c.adds = items;
	if (c.n_adds == 0)
		iq_error(iq, SE_BAD_REQUEST);
	else
		change(iq, &c);
}

/* Borrowed from a list that will be gone when they are told. */
static struct str *
all_blocked(const struct iq *iq, unsigned *n_r)
{
	struct str *all = block_jids(iq->arena, privacy_default(&iq->account->privacy), n_r);

	for (unsigned i = 0; i < *n_r; i++)
		all[i] = arena_str(iq->arena, all[i]);
	return all;
}

/* §3.5: without items it is all of them. */
void
blocking_unblock(const struct iq *iq)
{
	struct block_change c = {0};
	struct str *items;

	if (!read_items(iq, &items, &c.n_drops))
		return;
	c.is_everything = c.n_drops == 0;
	c.drops = c.is_everything ? all_blocked(iq, &c.n_drops) : items;
	change(iq, &c);
}
