/* An endpoint on the bus: sends and receives messages through the router with the rules of BUS.md: channels with
 * their own sequence, keep lists, custody, replay, windows. One per process; all of it runs on the loop's thread.
 *
 * Glossary. frame: a message with its header. cause: the custody that holds back the acknowledgement of whatever
 * made us send. bound, stable: see BUS.md §1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "bus/messages.h"
#include "loop/loop.h"

struct bus;
struct custody;

struct endpoint {
	enum role role;
	uint8_t instance;
	uint64_t incarnation; /* 0 in an address: whichever is current (stable frames) */
};

/* Fixed when a stanza enters, never changed by a replay. Zeroed: not derived from a stanza. */
struct opid {
	struct id128 origin;
	uint64_t n;
	uint16_t kind; /* enum op_kind */
};

/* A frame while it is handled; valid until the handler returns. */
struct bus_in {
	struct bus *bus;
	struct endpoint from;
	const struct bus_message *message;
	struct opid op;
	struct custody *custody; /* its acknowledgement: custody_hold to keep it back beyond the handler */
	struct str body;         /* the encoded message, for passing on unchanged */
};

struct bus_handler {
	enum msg_type type;
	uint32_t emits; /* roles (1 << ROLE_x) it may send to: it does not start while a window towards one is full */
	void (*handle)(
	    void *ctx, const struct bus_in *in, const void *msg); /* msg: struct msg_TYPE */
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
	/* A stable frame has waited too long. never_sent: it cannot have taken effect. Cause and requests as above. */
	void (*failed)(void *ctx, const struct bus_message *m, const void *msg,
	    const struct opid *op, struct custody *cause, bool never_sent);
	/* A window that was full towards this role is open again: edges resume reading. */
	void (*credit)(void *ctx, enum role role);
	/* Ids that nobody can bring again (BUS.md §7): ledgers forget them. */
	void (*settled)(void *ctx, const struct rec_settled *id);
	/* A new routing table is in force. */
	void (*routes)(void *ctx);
};

struct bus_config {
	enum role role;
	uint8_t instance;
	const char *socket_path;            /* relative to the working directory: "router.sock" */
	const struct bus_handler *handlers; /* up to an entry with type 0 */
	const struct bus_events *events;
	void *ctx;
	uint32_t window_bytes; /* per channel level; 0: 4 MiB */
	uint32_t wait_ms;      /* for a class that is down; 0: 60 s */
};

/* Starts connecting; reconnects for ever (20 ms → 1 s). Config and what it points to must outlive the bus. */
struct bus *bus_new(struct loop *loop, const struct bus_config *config);
void bus_free(struct bus **b);

enum bus_flags {
	/* never failed for time (STANZA of a stream with stream management, STORE) */
	BUS_PATIENT = 1 << 0,
};

/* Sends a message (msg: struct msg_TYPE, copied). A bound message needs to->incarnation; one to an incarnation that is
 * not current is dropped (its cause is not held). cause and op may be NULL. Never fails: what cannot go now is kept. The
 * level must be above that of the frame `cause` belongs to (checked: bug). */
void bus_send(struct bus *b, const struct endpoint *to, enum msg_type type, const void *msg,
    const struct opid *op, struct custody *cause, unsigned flags);

/* While starting: only messages of these types (up to a 0) and answers are handled, others wait in their channels
 * in the order of arrival (BUS.md §9). NULL: everything again. */
void bus_admit_only(struct bus *b, const enum msg_type *types);

/* Says that (origin, n) can be brought by nobody again; sent on lazily along `to`. */
void bus_settle(struct bus *b, const struct endpoint *to, const struct id128 *origin, uint64_t n);

/* For a frame that the receiver's own checks refuse. A receiver cannot close its sender's link, so it asks the router to
 * (COMPLAIN); the frame itself counts as handled and is acknowledged, or it would come again for ever. Called by a
 * daemon that strangers can reach (an edge, ctl) it only drops the frame. */
void bus_protocol_error(struct bus *b, const struct bus_in *in, const char *what);

/* Numbers for `status`, tests and bounds. */
struct bus_stats {
	uint64_t sent, received, resent, acked, dropped;
	size_t kept_frames, kept_bytes, waiting_frames, pending_requests;
};
struct bus_stats bus_stats(const struct bus *b);

/* The rest of the interface */
#include "bus/custody.h"
#include "bus/request.h"
#include "bus/route.h"
