/* What was sent on a session and may be brought again (BUS.md §7): by it nothing is delivered twice. */
#pragma once

#include "bus/bus.h"

/* Ids that were sent on a session and may be brought again; the oldest is forgotten at the cap. The marks are a
 * compact index: most searches read nothing else. */
#define LEDGER_MAX 1000

struct ledger_entry {
	uint64_t k; /* 0 while it waits in the queue */
	struct opid op;
};

struct ledger {
	uint32_t *marks;
	struct ledger_entry *entries;
	unsigned n, cap, oldest;
};

/* Does this kind of effect belong into a ledger at all? */
bool ledger_wants(const struct opid *op);
void ledger_add(struct ledger *l, const struct opid *op, uint64_t k);
const struct ledger_entry *ledger_find(const struct ledger *l, const struct opid *op);
/* It was not sent after all. */
void ledger_forget(struct ledger *l, const struct opid *op);
/* What waited has got its number. */
void ledger_number(struct ledger *l, const struct opid *op, uint64_t k);
void ledger_deinit(struct ledger *l);
