/* c2sd's copy of a session: the numbers of both directions and the record that a new sessiond is told (BUS.md §8, §9).
 *
 *   OPEN ──its client has gone: session_close──▶ CLOSING ──CLOSED and all stanzas are acknowledged──▶ freed
 *     └──RELEASE: session_release (also when CLOSING)──▶ freed at once; its stanzas are withdrawn
 *
 * Owned by the map in struct c2sd. Until sessiond has acknowledged CLOSED, the copy is one of the two holders. */
#pragma once

#include "base/map.h"
#include "client.h"
#include "sm.h"

enum session_state {
	SESSION_OPEN,
	SESSION_CLOSING,
};

struct session {
	struct c2sd *c2sd;
	uint64_t number; /* of the connection: the handle */
	UT_hash_handle hh;
	enum session_state state;
	struct client *client; /* NULL when CLOSING */

	struct id128 sid, token;
	char *jid; /* full */
	size_t bare_len;
	uint64_t epoch, generation;
	char *source;
	int64_t since_us;
	uint8_t capability[64];
	size_t capability_len;
	bool sm; /* stream management is on (XEP-0198) */
	struct sm sm_stream;

	uint64_t n, done; /* stanzas from the client: sent on; in sessiond's custody, all up to */
	uint64_t k;       /* stanzas to the client: taken from sessiond */
	uint64_t written; /* of them the kernel has, all up to */
	uint64_t acked;   /* by the client (XEP-0198) */
	struct list unacked; /* copies of what the client has not acknowledged; bounded by sessiond (UNACKED_MAX) */
	struct list inflight; /* stanzas and CLOSED, unacknowledged; bounded by the bus's window */
	size_t away_bytes; /* of those for other servers: from the setting on the client is not read */
	unsigned away_turn; /* what was sent in an earlier one does not count any more */
	struct report report;

	uint8_t presence, priority;
	uint32_t flags;
	struct buf presence_payload, directed; /* encoded as the bus has them */
	uint32_t n_directed;
	struct ledger ledger; /* sessiond's, for the next one */
};

struct session *session_new(struct c2sd *c, uint64_t number, const struct rec_session *r);
struct session *session_find(const struct c2sd *c, uint64_t number);
/* The connection is gone. clean: the client closed its stream itself. s may be freed when this returns. */
void session_close(struct session *s, bool clean);
/* sessiond has ended it: nothing of it is told to anyone any more. */
void session_release(struct session *s);
/* When the bus is gone: everything at once. */
void sessions_free(struct c2sd *c);

static inline struct str
session_bare(const struct session *s)
{
	return str_of(s->jid, s->bare_len);
}

struct endpoint session_home(const struct session *s);

/* The record as it is now; lists point into the session, and some into arrays. */
struct record {
	struct rec_session r;
	struct rec_unacked *unacked;
	struct rec_ledger_entry *ledger;
};
void session_record(const struct session *s, struct record *rec);
void session_record_deinit(struct record *rec);
void session_presence(struct session *s, const struct msg_PRESENCE_COPY *m);
void session_capability(struct session *s, struct str capability, uint64_t generation);
/* With stream management: keeps a copy until the client has acknowledged it, since a new sessiond must be told. */
void session_unacked_add(struct session *s, const struct rec_unacked *u);
void session_unacked_drop(struct session *s);
/* All of them again, on the stream of now. */
void session_unacked_write(struct session *s);

/* A custody for stanza n (0: CLOSED); the caller sends under it and lets it go. away: bytes for another server. */
struct custody *session_inflight(struct session *s, uint64_t n, size_t away);
/* What is under way does not count any more: it waits for something else. */
void session_forget_away(struct session *s);
