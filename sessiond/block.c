/* See block.h. */
#include "block.h"

#include <stdlib.h>

#include "account.h"

bool
block_has(const struct block_list *b, struct str jid)
{
	struct blocked *i;

	HASH_FIND(hh, b->items, jid.p, jid.n, i);
	return i;
}

bool
block_add(struct block_list *b, struct str jid)
{
	struct blocked *i;

	if (block_has(b, jid))
		return true;
	if (HASH_CNT(hh, b->items) >= BLOCK_ITEMS_MAX || b->bytes + jid.n > BLOCK_BYTES_MAX)
		return false;
	i = mem_new(sizeof(*i) + jid.n);
	memcpy(i + 1, jid.p, jid.n);
	i->jid = str_of(i + 1, jid.n);
	b->bytes += jid.n;
	HASH_ADD_KEYPTR(hh, b->items, i->jid.p, i->jid.n, i);
	return true;
}

void
block_remove(struct block_list *b, struct str jid)
{
	struct blocked *i;

	HASH_FIND(hh, b->items, jid.p, jid.n, i);
	if (!i)
		return;
	b->bytes -= i->jid.n;
	HASH_DEL(b->items, i);
	free(i);
}

void
block_clear(struct block_list *b)
{
	struct blocked *i, *next;

	HASH_ITER(hh, b->items, i, next)
		block_remove(b, i->jid);
}

void
block_load(struct block_list *b, struct str data)
{
	struct arena a = {0};
	const struct xml_node *list = xml_tree_parse(&a, data, S("jabber:client"));

	block_clear(b);
	for (const struct xml_node *n = list ? list->children : NULL; n; n = n->next)
		block_add(b, xml_node_attr(n, "jid", NULL));
	arena_deinit(&a);
}

void
block_write_items(struct xml_writer *w, const struct block_list *b)
{
	for (const struct blocked *i = b->items; i; i = i->hh.next) {
		xw_open(w, (struct str){0}, S("item"));
		xw_attr(w, "jid", i->jid);
		xw_close(w);
	}
}

bool
block_item_covers(struct str item, struct str jid)
{
	struct jid i = jid_split(item), j = jid_split(jid);

	if (!str_eq(i.domain, j.domain))
		return false;
	if (!str_empty(i.resource))
		return str_eq(item, jid);
	return str_empty(i.local) || str_eq(i.local, j.local);
}

bool
account_blocks(const struct account *a, struct str jid)
{
	struct jid j = jid_split(jid);

	if (!a->block.items || str_eq(j.bare, a->jid))
		return false;
	if (str_empty(j.local) && str_eq(j.domain, jid_split(a->jid).domain))
		return false;
	return block_has(&a->block, j.full) || block_has(&a->block, j.bare) ||
	    block_has(&a->block, j.domain);
}
