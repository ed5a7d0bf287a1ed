/* Worker threads for handshakes: a job belongs either to the loop or to one worker, never to both; the
 * hand-over is a queue. Threads are started before the sandbox closes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct tls_pool;

struct tls_job {
	struct list link; /* the pool's */
	bool cancelled;   /* the pool's: shut down before run; set when done is called */
	void (*run)(struct tls_job *job); /* on a worker */
	void (*done)(
	    struct tls_job *job); /* on the loop, after run; always called, also at shutdown */
};

/* wake: called from any thread when results wait (uv_async_send), with the pool locked: it only sends the word,
 * and the owner then calls tls_pool_reap. */
struct tls_pool *tls_pool_new(
    unsigned workers, size_t max_queued, void (*wake)(void *ctx), void *ctx);
/* Waits for the jobs that run; those that still wait are cancelled. Calls done for all of them. */
void tls_pool_free(struct tls_pool **p);
/* False when max_queued jobs wait: the caller stops accepting. */
bool tls_pool_submit(struct tls_pool *p, struct tls_job *job);
/* Runs the done callbacks of finished jobs on the calling (loop) thread. */
void tls_pool_reap(struct tls_pool *p);
/* Jobs that no worker has begun. */
size_t tls_pool_waiting(const struct tls_pool *p);
