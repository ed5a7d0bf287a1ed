/* c2sd's copy of a session: the numbers of both directions and the record that a new sessiond is told (BUS.md §8, §9). */
#pragma once

#include "client.h"

#define LEDGER_MAX 1000

struct session {
	const struct daemon *daemon;
	struct id128 sid, token;
	char *jid; /* full */
	size_t bare_len;
	uint64_t epoch, generation;
	char *source;
	int64_t since_us;
	uint8_t capability[64];
	size_t capability_len;
	bool sm;

	uint64_t n, done; /* stanzas from the client: sent on, and taken custody of (all up to) */
	uint64_t k, written;  /* stanzas to the client: queued, and reported as written */
	uint64_t acked;       /* by the client (XEP-0198) */
	struct list inflight; /* stanzas whose custody is awaited; bounded by the bus's window */

	uint8_t presence, priority;
	uint32_t flags;
	struct buf presence_payload, directed; /* encoded as the bus has them */
	uint32_t n_directed;
	struct rec_ledger_entry *ledger; /* ring of the last LEDGER_MAX deliveries */
	uint32_t ledger_len, ledger_cap;
};

struct session *session_new(const struct daemon *d, const struct rec_session *r);
/* Stanzas in flight forget the client; their custody goes on without it. */
void session_free(struct session **s);
/* The record as it is now; lists point into the session. */
void session_record(const struct session *s, struct rec_session *r);
void session_presence(struct session *s, const struct msg_PRESENCE_COPY *m);
void session_capability(struct session *s, struct str capability, uint64_t generation);
/* Remembers delivery k. */
void session_ledger_add(struct session *s, uint64_t k, const struct opid *op);

static inline struct str
session_bare(const struct session *s)
{
	return str_of(s->jid, s->bare_len);
}

/* deliver.c, stanza_in.c */
struct custody *session_inflight(struct client *c, uint64_t n);
/* Tells sessiond what has been written. */
void session_report_written(struct client *c);
