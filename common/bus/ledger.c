/* See ledger.h. An id is forgotten by all ledgers or by none: the one that gives it again asks all the others. */
#include "bus/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUCKETS_FIRST 64

/* What is just state may come twice without harm, and there is so much of it that it would push the messages out. */
bool
ledger_wants(const struct opid *op)
{
	switch ((enum op_kind)op->kind) {
	case OP_PRESENCE:
	case OP_PROBE:
	case OP_PROBE_ANSWER:
	case OP_ROSTER_PUSH:
		return false;
	case OP_STANZA:
	case OP_DELIVERY:
	case OP_ARCHIVE_FROM:
	case OP_ARCHIVE_TO:
	case OP_OWED:
	case OP_CARBON:
	case OP_ROSTER:
	case OP_ROSTER_CONTACT:
	case OP_BOUNCE:
	case OP_ANSWER:
	case OP_BLOB:
	case OP_OFFLINE_FLUSH:
	case OP_SUBSCRIPTION:
	case OP_KIND_COUNT:
		break;
	}
	return !id_is_zero(&op->origin);
}

/* ---- the index ---- */

void
ledger_index_init(struct ledger_index *x)
{
	*x = (struct ledger_index){.n_buckets = BUCKETS_FIRST};
	slab_init(&x->slab, sizeof(struct ledger_entry));
	x->buckets = mem_new_array(BUCKETS_FIRST, sizeof(struct ledger_entry *));
}

void
ledger_index_deinit(struct ledger_index *x)
{
	slab_deinit(&x->slab);
	free(x->buckets);
	x->buckets = NULL;
}

/* Origins are random already. */
static struct ledger_entry **
bucket_of(const struct ledger_index *x, const struct id128 *origin, uint64_t n)
{
	uint64_t h;

	memcpy(&h, origin->b, sizeof(h));
	h = (h ^ n) * 0x9e3779b97f4a7c15u;
	return &x->buckets[(h >> 32) & (x->n_buckets - 1)];
}

static void
index_grow(struct ledger_index *x)
{
	struct ledger_entry **had = x->buckets;
	size_t n = x->n_buckets;

	x->n_buckets = 2 * n;
	x->buckets = mem_new_array(x->n_buckets, sizeof(struct ledger_entry *));
	for (size_t i = 0; i < n; i++) {
		for (struct ledger_entry *e = had[i], *next; e; e = next) {
			struct ledger_entry **b = bucket_of(x, &e->op.origin, e->op.n);

			next = e->next;
			e->next = *b;
			*b = e;
		}
	}
	free(had);
}

static bool
is_of(const struct ledger_entry *e, const struct id128 *origin, uint64_t n)
{
	return e->op.n == n && id_eq(&e->op.origin, origin);
}

/* ---- one ledger ---- */

void
ledger_init(struct ledger *l, struct ledger_index *x)
{
	l->index = x;
	l->n = 0;
	list_init(&l->entries);
}

static void
entry_free(struct ledger_entry *e)
{
	struct ledger_index *x = e->ledger->index;
	struct ledger_entry **at = bucket_of(x, &e->op.origin, e->op.n);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	list_remove(&e->link);
	e->ledger->n--;
	x->n--;
	slab_put(&x->slab, e);
}

void
ledger_deinit(struct ledger *l)
{
	LIST_FOREACH_SAFE(&l->entries, it, nx)
		entry_free(CONTAINER_OF(it, struct ledger_entry, link));
}

static struct ledger_entry *
entry_find(const struct ledger *l, const struct opid *op)
{
	struct ledger_entry *e = *bucket_of(l->index, &op->origin, op->n);

	while (e && !(e->ledger == l && e->op.kind == op->kind && is_of(e, &op->origin, op->n)))
		e = e->next;
	return e;
}

const struct ledger_entry *
ledger_find(const struct ledger *l, const struct opid *op)
{
	return entry_find(l, op);
}

void
ledger_add(struct ledger *l, const struct opid *op, uint64_t k, enum ledger_hold hold)
{
	struct ledger_index *x = l->index;
	struct ledger_entry *e, **b;

	if (!ledger_wants(op))
		return;
	if (l->n == LEDGER_MAX)
		entry_free(CONTAINER_OF(l->entries.next, struct ledger_entry, link));
	if (x->n == x->n_buckets)
		index_grow(x);
	e = slab_get(&x->slab);
	e->ledger = l;
	e->k = k;
	e->op = *op;
	e->hold = hold;
	list_init(&e->link);
	list_add(&l->entries, &e->link);
	b = bucket_of(x, &op->origin, op->n);
	e->next = *b;
	*b = e;
	l->n++;
	x->n++;
}

void
ledger_forget(struct ledger *l, const struct opid *op)
{
	struct ledger_entry *e = ledger_wants(op) ? entry_find(l, op) : NULL;

	if (e)
		entry_free(e);
}

void
ledger_number(struct ledger *l, const struct opid *op, uint64_t k)
{
	struct ledger_entry *e = ledger_wants(op) ? entry_find(l, op) : NULL;

	if (e)
		e->k = k;
}

/* ---- settled ---- */

static bool
may_go(const struct ledger_index *x, const struct id128 *origin, uint64_t n)
{
	for (const struct ledger_entry *e = *bucket_of(x, origin, n); e; e = e->next)
		if (is_of(e, origin, n) && (!e->is_settled || e->hold != LEDGER_FREE))
			return false;
	return true;
}

static void
forget_all(struct ledger_index *x, const struct id128 *origin, uint64_t n, ledger_forgets_fn *fn,
    void *ctx)
{
	for (struct ledger_entry *e = *bucket_of(x, origin, n), *next; e; e = next) {
		struct ledger *l = e->ledger;
		struct opid op = e->op;

		next = e->next;
		if (!is_of(e, origin, n))
			continue;
		entry_free(e);
		if (fn)
			fn(ctx, l, &op);
	}
}

void
ledger_settle(struct ledger_index *x, const struct id128 *origin, uint64_t n, ledger_forgets_fn *fn,
    void *ctx)
{
	bool all_free = true;

	for (struct ledger_entry *e = *bucket_of(x, origin, n); e; e = e->next) {
		if (!is_of(e, origin, n))
			continue;
		e->is_settled = true;
		all_free &= e->hold == LEDGER_FREE;
	}
	if (all_free)
		forget_all(x, origin, n, fn, ctx);
}

void
ledger_release(struct ledger *l, const struct opid *op, ledger_forgets_fn *fn, void *ctx)
{
	struct ledger_entry *e = ledger_wants(op) ? entry_find(l, op) : NULL;

	if (!e || e->hold != LEDGER_GIVEN)
		return;
	e->hold = LEDGER_FREE;
	if (e->is_settled && may_go(l->index, &op->origin, op->n))
		forget_all(l->index, &op->origin, op->n, fn, ctx);
}

void
ledger_pin(struct ledger_index *x, const struct id128 *origin, uint64_t n)
{
	for (struct ledger_entry *e = *bucket_of(x, origin, n); e; e = e->next)
		if (is_of(e, origin, n))
			e->hold = LEDGER_STORED;
}
