/* What goes out from one domain of ours to one of others: a queue, and the stream that it leaves on. Exists while it has either.
 *
 *   idle ──pair_send──▶ setting up (attempt.h) ──▶ linked ──the stream ends──▶ idle, or setting up again
 *                           └──failed: all that waits gets the error
 *
 * A stanza's custody is let go when the kernel has its bytes; with stream management when the peer has acknowledged it. */
#pragma once

#include "base/map.h"
#include "base/stanza.h"
#include "stream.h"
#include "xml/writer.h"

/* Streams that were lost before it was through, and such as the other side ended in good order: that is no fault, but has an
 * end, too. Then remote-server-timeout. */
#define ITEM_TRIES 3
#define ITEM_ENDS 12

/* A stanza on its way out. */
struct item {
	struct list link; /* in pair.queue or stream.sent */
	struct pair *pair;
	struct stanza *st;
	struct custody *custody;
	struct opid op;
	uint8_t level; /* of the frame that brought it; 0: we made it */
	uint8_t tries, ends;
	size_t bytes;
	uint64_t since_ms;
	uint64_t mark; /* the stream's out_total when it was written to the socket's queue; 0: the turn is not over */
	bool is_written; /* it is in stream.sent */
	bool is_counted; /* the peer acknowledges it by its number */
	uint32_t sm;
};

/* Whether what waits gets on. Only pace_look changes it (pace.h). */
enum pair_pace {
	PAIR_LIVE, /* the oldest is younger than live_ms: nothing is refused, the windows of the bus hold back who sends */
	PAIR_HELD, /* queue_bytes and queues_bytes hold; what is over them is refused */
};

struct pair {
	struct s2sd *s2sd;
	char *key; /* "local remote" */
	UT_hash_handle hh;
	char *local, *remote;
	struct list queue;
	enum pair_pace pace;
	size_t bytes;   /* of queue and stream.sent */
	size_t written; /* of stream.sent: from queue_bytes on nothing more is written */
	unsigned n_items;
	struct attempt *attempt;
	struct stream *stream; /* an outgoing one, or an incoming one of theirs that goes both ways */
	char why[256];         /* what was wrong the last time */
};

/* st is copied, custody held (may be NULL). What cannot be taken gets its error at once. */
struct outgoing {
	const struct stanza *st;
	struct custody *custody;
	struct opid op;
	uint8_t level;
};
void pair_send(struct s2sd *d, const struct outgoing *o);

/* It gets this error, and is gone. */
void item_fail(struct item *i, enum stanza_error error, const char *why);

struct pair *pair_find(const struct s2sd *d, struct str local, struct str remote);
/* An incoming stream has been proved and goes both ways: a pair that waits uses it, unless it has begun one of its own and its name
 * is the lesser one. */
void pair_offer(struct s2sd *d, struct stream *s, struct str local, struct str remote);
/* The stream is ending: with nothing of the pair's on it any more the pair is free. */
void pair_let_go(struct stream *s);
/* The pair's stream has ended: what was not through waits again. */
void pair_unlink(struct stream *s, const char *why);
/* Writes as much as the stream's socket takes. */
void pair_pump(struct pair *p);
/* The kernel has taken something of what was written on this stream. */
void pair_written(struct stream *s);
/* The turn is over: what was written is in the socket's queue. */
void pair_mark(struct stream *s);
/* The peer has acknowledged all up to this number (sm.h). */
void pair_acked(struct stream *s, uint32_t n);
/* Stream management is off after all. */
void pair_unacked_is_written(struct stream *s);
/* Gives up the set-up that is under way and begins another one. */
void pair_retry(struct pair *p);
/* What is due. p may be gone then. */
void pair_tick(struct pair *p, uint64_t now_ms);
/* Everything that waits gets this error. */
void pair_fail(struct pair *p, enum stanza_error error, const char *why);
/* Frees it if it has nothing. */
void pair_reap(struct pair *p);
/* At the end of the process. */
void pair_free(struct pair *p);
