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

#include "bus/events.h"

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

/* Settled ids (BUS.md §7). A stanza (origin, n) is settled when two holders know that it is done: sessiond, whose `done`
 * is at least n, and the edge, of which `proven` tells; or the durable row. sessiond then forgets it in its own ledgers, and
 * calls bus_settle for each endpoint that has a ledger with it: the edges it was delivered through, the other shards it was
 * sent to. There the event `settled` brings it, and ledgers forget all kinds of (origin, n). Nothing depends on it: an
 * id that is not told (its receiver was away, a limit was reached) leaves the ledger at the ledger's cap.
 *
 * Says that (origin, n) can be brought by nobody again; told to `to` within SETTLE_AFTER_MS, up to SETTLE_MAX at once. */
void bus_settle(struct bus *b, const struct endpoint *to, const struct id128 *origin, uint64_t n);

/* For a frame that the receiver's own checks refuse. A receiver cannot close its sender's link, so it asks the router to
 * (COMPLAIN); the frame itself counts as handled and is acknowledged, or it would come again for ever. Called by a
 * daemon that strangers can reach (an edge, ctl) it only drops the frame. */
void bus_protocol_error(struct bus *b, const struct bus_in *in, const char *what);

/* Numbers for `status`, tests and bounds. */
struct bus_stats {
	uint64_t sent, received, resent, acked, dropped, dead_letters;
	size_t kept_frames, kept_bytes, waiting_frames, pending_requests;
};
struct bus_stats bus_stats(const struct bus *b);

/* The rest of the interface */
#include "bus/custody.h"
#include "bus/request.h"
#include "bus/route.h"
