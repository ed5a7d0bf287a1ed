/* Which stanzas components were given lately, by (origin, n, kind, addresses) (BUS.md §7): when sessiond dies, its successor may
 * send again what it does not know to be done. */
#pragma once

#include "base/list.h"
#include "bus/bus.h"

#include <uthash.h>

#define LEDGER_MAX 8192 /* the oldest are forgotten */

struct outgoing;

struct ledger_key {
	struct id128 origin;
	uint64_t n, kind;
	uint64_t stanza; /* a hash of addresses, kind and type: one stanza may become several for one recipient */
};

struct ledger_entry {
	struct list link;
	struct ledger_key key;
	struct outgoing *outgoing; /* NULL: written */
	UT_hash_handle hh;
};

struct ledger {
	struct ledger_entry *by_key;
	struct list order; /* the oldest first */
	unsigned n;
};

void ledger_init(struct ledger *l);
void ledger_deinit(struct ledger *l);
/* NULL: it is new, or derived from no stanza. */
struct ledger_entry *ledger_find(
    const struct ledger *l, const struct opid *op, const struct stanza *st);
/* o->entry points to the entry from now on, until one of both goes. */
void ledger_add(
    struct ledger *l, const struct opid *op, const struct stanza *st, struct outgoing *o);
