/* The way to an outgoing stream: find the server, connect, negotiate; when one candidate is no good, the next, until setup_ms are over.
 *
 *   attempt_new ──dial──▶ connected ──stream.h──▶ ready
 *                  ▲          └──attempt_lost──┐     any ──no candidate, deadline──▶ failed
 *                  └──────────dial_next────────┘
 *
 * A server that is just being restarted has ended the connection, or says system-shutdown: then they are all tried again, a few times. */
#pragma once

#include "stream.h"
#include "xml/writer.h"

/* Behind either the attempt is gone. Never from inside attempt_new. */
struct attempt_events {
	void (*ready)(void *ctx, struct stream *s);
	void (*failed)(void *ctx, enum stanza_error error, const char *why);
};

struct attempt {
	struct s2sd *s2sd;
	struct list link;
	char *local, *remote;
	bool is_verification; /* who we are need not be proved */
	const struct attempt_events *events;
	void *ctx;
	struct dial *dial;
	struct stream *stream; /* NULL while it is dialled */
	struct dial_target target;
	enum stanza_error error; /* what was wrong with the last candidate */
	char why[256];
	bool is_restarting; /* the last candidate may just be */
	unsigned n_again;   /* at most AGAIN_MAX */
	uint64_t again_ms, deadline_ms;
};

struct attempt_for {
	struct str local, remote;
	bool is_verification;
	const struct attempt_events *events;
	void *ctx;
};
struct attempt *attempt_new(struct s2sd *d, const struct attempt_for *f);
/* No event any more. */
void attempt_free(struct attempt **a);
/* Its stream is as far as it has to be. */
void attempt_ready(struct attempt *a);
/* Its stream has ended: for good, or so that it may be there again in a moment. */
void attempt_lost(struct attempt *a, enum stanza_error error, bool is_restarting, const char *why);
/* What is due. True: it is gone, and maybe others. */
bool attempt_tick(struct attempt *a, uint64_t now_ms);
