/* See ledger.h. */
#include "ledger.h"

#include <stdlib.h>

#include "base/mem.h"

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

const struct ledger_entry *
ledger_find(const struct ledger *l, const struct opid *op)
{
	uint32_t mark = ledger_mark(op);

	for (unsigned i = 0; i < l->n; i++) {
		const struct opid *have = &l->entries[i].op;

		if (l->marks[i] == mark && have->n == op->n && have->kind == op->kind &&
		    id_eq(&have->origin, &op->origin))
			return &l->entries[i];
	}
	return NULL;
}

void
ledger_add(struct ledger *l, const struct opid *op, uint64_t k)
{
	unsigned i;

	if (!ledger_wants(op))
		return;
	if (l->n == l->cap && l->cap < LEDGER_MAX) {
		l->cap = l->cap ? l->cap * 2 : 8;
		if (l->cap > LEDGER_MAX)
			l->cap = LEDGER_MAX;
		l->marks = mem_grow(l->marks, l->cap * sizeof(*l->marks));
		l->entries = mem_grow(l->entries, l->cap * sizeof(*l->entries));
	}
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
