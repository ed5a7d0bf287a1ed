/* Handshakes of TLS on worker threads, since keyd's signature is waited for there (SECURITY.md §2.6). Knows neither the connection
 * nor who it is: bytes go in by handshake_feed, what comes of it is told by events, on the loop.
 *
 *   handshake_new ──handshake_feed──▶ due ──▶ running ──▶ more (feed again), open or failed
 *                          └── the last step of TLS 1.3, which is cheap, on the loop ──▶ ┘
 *
 * TLS belongs either to a worker or to the loop, never to both: from handshake_feed until an event the owner does not read its
 * socket. Deadlines are the owner's. */
#pragma once

#include "base/list.h"
#include "loop/loop.h"
#include "tls/pool.h"
#include "tls/tls.h"

struct handshake;

/* One per process. */
struct handshakes {
	struct tls_pool *pool;
	struct loop_wake *wake;
	struct list due; /* for which the pool had no room: at most one for each connection that is let in */
};

struct handshake_events {
	/* For the peer, before the event that the step ends with. Must not free the handshake. */
	void (*write)(void *ctx, struct str bytes);
	/* The socket may be read again. */
	void (*more)(void *ctx);
	/* Done: tls is the owner's now, `rest` (borrowed) came behind the handshake. The handshake frees itself. */
	void (*open)(void *ctx, struct tls *tls, struct str rest);
	/* The owner calls handshake_free, now or later. */
	void (*failed)(void *ctx, const char *why);
};

void handshakes_init(struct handshakes *hs);
/* Starts the workers: before the sandbox. */
void handshakes_threads(struct handshakes *hs, struct loop *loop);
/* Gives the pool what it had no room for; call it now and then. While some are due, nobody new should be let in. */
void handshakes_submit_due(struct handshakes *hs);
bool handshakes_are_due(const struct handshakes *hs);
/* Waits for the workers, stops them. */
void handshakes_deinit(struct handshakes *hs);

/* Takes tls. ctx goes to the events, which must live as long as the handshake. */
struct handshake *handshake_new(
    struct handshakes *hs, struct tls *tls, const struct handshake_events *events, void *ctx);
/* Bytes of the peer: one read at most; none to begin as a client (tls_new_client). True: a worker has it, and the socket is not
 * read until the event. False: the step was a light one (tls/tls.h), and its event has come. */
bool handshake_feed(struct handshake *h, struct str bytes);
/* The owner is gone: no event any more. A worker may still be busy with it. */
void handshake_free(struct handshake **h);
