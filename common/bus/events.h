/* What the bus tells its owner besides messages. Included by bus/bus.h. */
#pragma once

#include "bus/bus.h"

/* Why a stable frame has failed. */
enum bus_failure {
	BUS_NEVER_SENT, /* it has waited too long, and cannot have taken effect */
	BUS_MAYBE_DONE, /* it has waited too long, and may have taken effect */
	BUS_POISON,     /* its receiver died of it, three times; now it is set aside */
};

/* All may be NULL. */
struct bus_events {
	/* Our link to the router is there (WELCOME taken) or lost. */
	void (*linked)(void *ctx, bool up);
	/* A peer is there with a new incarnation, before stable frames go to it: register (BUS.md §6.3). Also called, with
	 * the same incarnation, for one that was presumed dead (peer_gone) and is back. */
	void (*peer_new)(void *ctx, const struct endpoint *peer);
	/* This incarnation is dead: called before its bound frames are dropped and before peer_new of its successor. */
	void (*peer_gone)(void *ctx, const struct endpoint *peer);
	/* A bound frame to a dead incarnation is being dropped; `cause` (may be NULL) is released after the call: hold it,
	 * or send under it, to keep the chain (BUS.md §6.1). Not called for requests: their answer function is. */
	void (*lost)(void *ctx, const struct endpoint *peer, const struct bus_message *m,
	    const void *msg, const struct opid *op, struct custody *cause);
	/* A stable frame has waited too long, or is poison. Cause and requests as above. What is sent on the same channel in
	 * the place of poison takes its place in the order. */
	void (*failed)(void *ctx, const struct bus_message *m, const void *msg,
	    const struct opid *op, struct custody *cause, enum bus_failure why);
	/* A window that was full towards this role is open again: edges resume reading. */
	void (*credit)(void *ctx, enum role role);
	/* The peer knows that its frame with this id, not zero, has been acknowledged: told by its next frame on that
	 * channel, in order, at most once. Never for a frame that it took back (BUS.md §7). */
	void (*proven)(void *ctx, const struct endpoint *peer, const struct opid *op);
	/* Ids that nobody can bring again (BUS.md §7): ledgers forget them. */
	void (*settled)(void *ctx, const struct endpoint *peer, const struct rec_settled *id);
	/* A new routing table is in force. */
	void (*routes)(void *ctx);
};
