/* See ledger.h. */
#include "ledger.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"
#include "component.h"

static uint64_t
hash_of(const struct stanza *st)
{
	static const unsigned char fixed[crypto_shorthash_KEYBYTES] = "jackdaw ledger.";
	const struct str parts[] = {st->from, st->to, str_of(&st->kind, 1), str_of(&st->type, 1)};
	uint64_t hash = 0;

	for (size_t i = 0; i < COUNT(parts); i++) {
		uint64_t part;

		crypto_shorthash(
		    (unsigned char *)&part, (const unsigned char *)parts[i].p, parts[i].n, fixed);
		hash = hash * 31 + part;
	}
	return hash;
}

static struct ledger_key
key_of(const struct opid *op, const struct stanza *st)
{
	return (struct ledger_key){
	    .origin = op->origin, .n = op->n, .kind = op->kind, .stanza = hash_of(st)};
}

void
ledger_init(struct ledger *l)
{
	list_init(&l->order);
}

static void
entry_free(struct ledger_entry *e)
{
	if (e->outgoing)
		e->outgoing->entry = NULL;
	list_remove(&e->link);
	free(e);
}

static void
forget_oldest(struct ledger *l)
{
	struct ledger_entry *e = CONTAINER_OF(l->order.next, struct ledger_entry, link);

	HASH_DEL(l->by_key, e);
	l->n--;
	entry_free(e);
}

void
ledger_deinit(struct ledger *l)
{
	HASH_CLEAR(hh, l->by_key);
	LIST_FOREACH_SAFE(&l->order, it, nx)
		entry_free(CONTAINER_OF(it, struct ledger_entry, link));
	l->n = 0;
}

struct ledger_entry *
ledger_find(const struct ledger *l, const struct opid *op, const struct stanza *st)
{
	struct ledger_key key = key_of(op, st);
	struct ledger_entry *e;

	HASH_FIND(hh, l->by_key, &key, sizeof(key), e);
	return e;
}

void
ledger_add(struct ledger *l, const struct opid *op, const struct stanza *st, struct outgoing *o)
{
	struct ledger_entry *e;

	if (id_is_zero(&op->origin))
		return;
	if (l->n == LEDGER_MAX)
		forget_oldest(l);
	e = NEW(struct ledger_entry);
	e->key = key_of(op, st);
	e->outgoing = o;
	o->entry = e;
	list_add(&l->order, &e->link);
	HASH_ADD(hh, l->by_key, key, sizeof(e->key), e);
	l->n++;
}
