/* Stanzas that nobody can bring again (BUS.md §7, settled): sessiond knows that they are done, and so does the edge (its frames prove
 * it) or the durable row. Ledgers forget them, here, at the edges they were delivered through and in the shards they were sent
 * to. Not those that are still to be given again, or that a row of an offline message may bring (bus/ledger.h). */
#pragma once

#include "session.h"

/* The edge knows that this stanza of one of its clients is done. */
void settle_proven(struct sessiond *sd, const struct endpoint *edge, const struct opid *op);
/* Another shard says so of one of its clients. */
void settle_told(struct sessiond *sd, const struct endpoint *peer, const struct rec_settled *id);
/* Whoever may hold this session now knows that all up to here are done. */
void settle_up_to(struct session *s, uint64_t n);
/* The client has what was sent to it under this id. */
void settle_arrived(struct session *s, const struct opid *op);
/* The stanza goes to another shard. */
void settle_note_shard(struct sessiond *sd, unsigned instance, const struct opid *op);
