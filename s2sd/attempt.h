/* The way to an outgoing stream: find the server, connect, negotiate; when one candidate is no good, the next, until setup_ms are over.
 *
 *   attempt_new ──dial──▶ connected ──stream.h──▶ ready
 *                  ▲          └──attempt_lost──┐     any ──no candidate, deadline──▶ failed
 *                  └──────────dial_next────────┘ */
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
	uint64_t deadline_ms;
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
/* Its stream has ended. */
void attempt_lost(struct attempt *a, enum stanza_error error, const char *why);
void attempt_expire(struct attempt *a);
