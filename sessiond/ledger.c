/* See ledger.h. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MARKS_PER_BLOCK 16u
#define BLOCKS(n) (((n) + MARKS_PER_BLOCK - 1) / MARKS_PER_BLOCK)

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

static uint32_t
ledger_mark(const struct opid *op)
{
	uint32_t mark;

	memcpy(&mark, op->origin.b, sizeof(mark));
	return mark ^ (uint32_t)(op->n * 2654435761u) ^ op->kind;
}

/* A loop that the compiler turns into a few instructions: most ids are in no block. */
static bool
block_has(const uint32_t *marks, uint32_t mark)
{
	uint32_t hit = 0;

	for (unsigned i = 0; i < MARKS_PER_BLOCK; i++)
		hit |= marks[i] == mark;
	return hit != 0;
}

static const struct ledger_entry *
block_find(const struct ledger *l, unsigned from, uint32_t mark, const struct opid *op)
{
	for (unsigned i = from; i < from + MARKS_PER_BLOCK && i < l->n; i++) {
		const struct opid *have = &l->entries[i].op;

		if (l->marks[i] == mark && have->n == op->n && have->kind == op->kind &&
		    id_eq(&have->origin, &op->origin))
			return &l->entries[i];
	}
	return NULL;
}

const struct ledger_entry *
ledger_find(const struct ledger *l, const struct opid *op)
{
	uint32_t mark = ledger_mark(op);
	const struct ledger_entry *e = NULL;

	for (unsigned i = 0; i < l->n && !e; i += MARKS_PER_BLOCK)
		if (block_has(l->marks + i, mark))
			e = block_find(l, i, mark, op);
	return e;
}

/* Whole blocks of marks; what is not in use yet is zero. */
static void
ledger_grow(struct ledger *l)
{
	unsigned had = BLOCKS(l->cap) * MARKS_PER_BLOCK, have;

	l->cap = l->cap ? l->cap * 2 : MARKS_PER_BLOCK;
	if (l->cap > LEDGER_MAX)
		l->cap = LEDGER_MAX;
	have = BLOCKS(l->cap) * MARKS_PER_BLOCK;
	l->marks = mem_grow(l->marks, have * sizeof(*l->marks));
	memset(l->marks + had, 0, (have - had) * sizeof(*l->marks));
	l->entries = mem_grow(l->entries, l->cap * sizeof(*l->entries));
}

void
ledger_add(struct ledger *l, const struct opid *op, uint64_t k)
{
	unsigned i;

	if (!ledger_wants(op))
		return;
	if (l->n == l->cap && l->cap < LEDGER_MAX)
		ledger_grow(l);
	i = l->n < l->cap ? l->n++ : l->oldest++;
	if (l->oldest == LEDGER_MAX)
		l->oldest = 0;
	l->marks[i] = ledger_mark(op);
	l->entries[i] = (struct ledger_entry){.k = k, .op = *op};
}

void
ledger_forget(struct ledger *l, const struct opid *op)
{
	const struct ledger_entry *e = ledger_wants(op) ? ledger_find(l, op) : NULL;

	if (e)
		l->entries[e - l->entries].op = (struct opid){.n = 0};
}

void
ledger_number(struct ledger *l, const struct opid *op, uint64_t k)
{
	const struct ledger_entry *e = ledger_wants(op) ? ledger_find(l, op) : NULL;

	if (e)
		l->entries[e - l->entries].k = k;
}

void
ledger_deinit(struct ledger *l)
{
	free(l->marks);
	free(l->entries);
}
