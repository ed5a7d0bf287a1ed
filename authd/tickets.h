/* One-time tickets (C-5): who has proven which account on which connection. Minted at SASL success,
 * redeemed by sessiond, for the same handle as often as it asks (it may have been restarted in
 * between), until they expire. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"

struct tickets;

/* A connection of an edge: never the same twice. */
struct handle {
	uint64_t edge_incarnation;
	uint64_t conn;
};

/* max: of tickets alive; a login over it is refused for now. */
struct tickets *tickets_new(size_t max);
void tickets_free(struct tickets **t);

/* False when there are too many. generation: of the account's credentials when it proved itself. */
bool tickets_mint(struct tickets *t, struct str jid, uint64_t generation,
    const struct handle *handle, uint64_t expires_ms, struct id128 *ticket_r);

enum ticket_verdict {
	TICKET_GOOD,
	TICKET_UNKNOWN, /* never minted, expired, void, or of an authd before this one */
	TICKET_FOREIGN, /* of another connection */
};

/* jid_r is borrowed until the next change. */
enum ticket_verdict tickets_redeem(struct tickets *t, const struct id128 *ticket,
    const struct handle *handle, uint64_t now_ms, struct str *jid_r, uint64_t *generation_r);

/* The account is not what it was when it proved itself: its tickets are good for nothing (INV-17). */
void tickets_void(struct tickets *t, struct str jid);
/* Forgets the expired ones. */
void tickets_sweep(struct tickets *t, uint64_t now_ms);
size_t tickets_count(const struct tickets *t);
