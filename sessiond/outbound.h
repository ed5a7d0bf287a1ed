/* What goes to a session: numbering (k), the ledger of what was sent, the window of what the edge has not yet written, and
 * the queue behind it (BUS.md §5, §7). sessiond decides what is delivered; the edge never drops a duplicate itself. */
#pragma once

#include "act.h"
#include "bus/ledger.h"

struct account;
struct session;

/* Over either nothing more is sent until the client acknowledges something: its queue grows, and if that lasts, it ends. */
#define UNACKED_MAX 1000
#define UNACKED_BYTES_MAX \
	(512 * 1024) /* the record of a detached session goes into one frame with them */

struct outbox {
	struct list waiting; /* in sd->queues while something is queued */
	uint64_t k;          /* number of the last stanza sent */
	uint64_t written;    /* the highest that the edge reported */
	struct list sent;    /* struct outgoing: numbered, not yet written to the client */
	struct list unacked; /* struct outgoing: written, the client has not acknowledged; only with stream management */
	struct list queue; /* struct outgoing: behind the window; settings queue_bytes, then the session ends */
	size_t sent_bytes, unacked_bytes, queue_bytes;
	unsigned n_unacked;
	bool is_acked; /* stream management: what is above `acked` is settled by the client's word */
	uint64_t acked;       /* all up to this are */
	uint64_t progress_ms; /* when something was written last, or the queue began */
	struct ledger ledger;
};

struct outgoing {
	struct list link;
	uint64_t k;
	struct opid op;
	int64_t stamp_us;
	uint64_t row; /* of the offline message; 0: none */
	size_t bytes;
	struct act act;    /* in the queue: what waits for it; else just whose it is */
	struct stanza *st; /* owned; NULL when it need not be sent again once it is on its way */
};

/* One stanza for one session. */
struct delivery {
	const struct act *act;
	struct opid op;
	const struct stanza *st;
	int64_t stamp_us;
	uint64_t row;
};

void outbound_init(struct outbox *o, struct ledger_index *ids);
void outbound_deinit(struct sessiond *sd, struct outbox *o);

/* False when the session's ledger has the id: it was sent before. What can wait until the client is active waits. */
bool outbound_send(struct session *s, const struct delivery *d);
/* The same, past what is held for an inactive client (hold.h). */
bool outbound_send_now(struct session *s, const struct delivery *d);
/* The short form: now, no row. */
bool outbound_stanza(
    struct session *s, const struct act *act, struct opid op, const struct stanza *st);
bool outbound_knows(const struct session *s, const struct opid *op);

/* The same piece of state for many sessions: one frame per edge. Its `to` must be empty (each one's bare JID). Between begin
 * and end nothing else may be sent to these sessions: their numbers are given at once, the frame goes later. */
struct fanout {
	const struct act *act;
	struct opid op;
	const struct stanza *st;
	struct endpoint edge;
	struct rec_target *targets;
	uint32_t n;
};
void fanout_begin(struct fanout *f, const struct act *act, struct opid op, const struct stanza *st);
void fanout_add(struct fanout *f, struct session *s);
void fanout_end(struct fanout *f);

/* The edge says: all up to k are written. False when k was never sent. */
bool outbound_written(struct session *s, const struct act *act, uint64_t k);
/* The client says so: all up to k. False when k was never sent. */
bool outbound_acked(struct session *s, const struct act *act, uint64_t k);
/* So much more, or less, of what comes for this account waits behind the queues of its sessions, and counts as if it were in them. */
void outbound_burden(struct account *a, size_t bytes);
void outbound_unburden(struct account *a, size_t bytes);
/* For whoever waits for what is queued: of the sessions that have taken nothing for a second, the one with the longest queue ends. */
void outbound_doom_stuck(struct sessiond *sd);
/* Dooms the sessions whose window is full for longer than is allowed: for a second, while too much is held back (inbound.h). */
void outbound_check_stalled(struct sessiond *sd, uint64_t now_ms);

/* The row of an offline message that was sent as k already (an earlier sessiond knew it): true when it is settled and the
 * row can go; otherwise it goes with WRITTEN or CLIENT_ACK. */
bool outbound_remember_row(struct session *s, uint64_t k, uint64_t row);

struct outgoing *outgoing_blank(struct sessiond *sd);
struct outgoing *outgoing_new(struct sessiond *sd, const struct delivery *d, size_t bytes);
void outgoing_free(struct outgoing *o);

/* The connection is gone. What was sent on it and is numbered from stream management on waits for the client's word, written or
 * not; *before_r gets what was sent earlier, *queue_r what was not sent yet (lists of struct outgoing, now the caller's). */
void outbound_part(struct session *s, struct list *before_r, struct list *queue_r);
/* From a record: sent as k, not acknowledged. d->act is not used. */
void outbound_restore(struct session *s, uint64_t k, const struct delivery *d);
/* Only the first: another connection takes over. */
void outbound_gather(struct session *s);
/* The new connection's client has all up to k. Sends nothing. */
void outbound_settle(struct session *s, const struct act *act, uint64_t k);
/* From the queue into the window as far as it goes. */
void outbound_pump(struct session *s);
