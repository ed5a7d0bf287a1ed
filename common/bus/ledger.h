/* What was sent on sessions and may be brought again (BUS.md §7): by it nothing is delivered twice. sessiond asks its ledgers
 * before it sends; an edge keeps the same for the next sessiond. All ledgers of a process are found by stanza through one
 * index, so that a stanza that is settled is forgotten by all of them at once.
 *
 * Glossary. settled: nobody who sends the stanza can bring it again. held: this process itself, or storaged, still may. */
#pragma once

#include "base/list.h"
#include "base/slab.h"
#include "bus/bus.h"

/* Ids of one ledger; the oldest is forgotten at the cap. */
#define LEDGER_MAX 1000

enum ledger_hold {
	LEDGER_FREE,
	LEDGER_GIVEN,  /* its client may not have it: then it is given again */
	LEDGER_STORED, /* a row may bring it: it stays until the cap */
};

struct ledger_entry {
	struct ledger_entry *next; /* in its bucket */
	struct ledger *ledger;
	struct opid op;
	enum ledger_hold hold;
	bool is_settled;
	uint64_t k;       /* 0 while it waits in the queue */
	struct list link; /* in ledger.entries, the oldest first */
};

struct ledger_index {
	struct slab slab;
	struct ledger_entry **buckets; /* by origin and n */
	size_t n, n_buckets;
};

struct ledger {
	struct ledger_index *index;
	struct list entries;
	unsigned n;
};

void ledger_index_init(struct ledger_index *x);
/* After all of its ledgers. */
void ledger_index_deinit(struct ledger_index *x);
void ledger_init(struct ledger *l, struct ledger_index *x);
void ledger_deinit(struct ledger *l);

/* Does this kind of effect belong into a ledger at all? */
bool ledger_wants(const struct opid *op);
void ledger_add(struct ledger *l, const struct opid *op, uint64_t k, enum ledger_hold hold);
const struct ledger_entry *ledger_find(const struct ledger *l, const struct opid *op);
/* It was not sent after all. */
void ledger_forget(struct ledger *l, const struct opid *op);
/* What waited has got its number. */
void ledger_number(struct ledger *l, const struct opid *op, uint64_t k);

/* Told for each ledger that forgets (origin, n); ctx is that of the call. NULL: nobody is. */
typedef void ledger_forgets_fn(void *ctx, struct ledger *l, const struct opid *op);

/* (origin, n) is settled: all forget it as soon as none holds it. */
void ledger_settle(struct ledger_index *x, const struct id128 *origin, uint64_t n,
    ledger_forgets_fn *fn, void *ctx);
/* The client has what was given to it. */
void ledger_release(struct ledger *l, const struct opid *op, ledger_forgets_fn *fn, void *ctx);
/* The stanza is given again, now or later: whoever knows it must go on knowing it. */
void ledger_pin(struct ledger_index *x, const struct id128 *origin, uint64_t n);
