/* See handshake.h. */
#include "handshake.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define HANDSHAKES_MAX 256 /* waiting for a worker; beyond that they are due */
#define WORKERS_MAX 8

struct handshake {
	struct tls_job job;
	struct handshakes *all;
	const struct handshake_events *events; /* NULL: the owner is gone */
	void *ctx;
	struct list due; /* in all->due when the pool had no room */
	struct tls *tls;
	struct buf in, out; /* the worker's while it runs; `in` is one read at most */
	struct err err;
	enum tls_state result;
	bool is_running;
};

/* ---- one handshake ---- */

static void
destroy(struct handshake *h)
{
	list_remove(&h->due);
	tls_free(&h->tls);
	buf_deinit(&h->in);
	buf_deinit(&h->out);
	free(h);
}

static void
take_step(struct tls_job *job)
{
	struct handshake *h = CONTAINER_OF(job, struct handshake, job);

	h->result = tls_handshake(h->tls, &h->in, &h->out, &h->err);
}

static void
tell_open(struct handshake *h)
{
	struct tls *tls = h->tls;

	h->tls = NULL;
	h->events->open(h->ctx, tls, buf_str(&h->in));
	destroy(h);
}

/* The owner may free it while it is told. */
static void
tell_failed(const struct handshake *h)
{
	char text[sizeof(h->err.text)];

	str_copy(text, sizeof(text), str_z(h->err.text));
	h->events->failed(h->ctx, text);
}

static void
on_done(struct tls_job *job)
{
	struct handshake *h = CONTAINER_OF(job, struct handshake, job);

	h->is_running = false;
	if (!h->events) {
		destroy(h);
		return;
	}
	h->events->write(h->ctx, buf_str(&h->out));
	buf_clear(&h->out);
	if (h->result == TLS_OPEN)
		tell_open(h);
	else if (h->result == TLS_HANDSHAKE)
		h->events->more(h->ctx);
	else
		tell_failed(h);
}

static bool
submit(struct handshake *h)
{
	h->is_running = tls_pool_submit(h->all->pool, &h->job);
	return h->is_running;
}

struct handshake *
handshake_new(
    struct handshakes *hs, struct tls *tls, const struct handshake_events *events, void *ctx)
{
	struct handshake *h = NEW(struct handshake);

	h->all = hs;
	h->events = events;
	h->ctx = ctx;
	h->tls = tls;
	h->job.run = take_step;
	h->job.done = on_done;
	list_init(&h->due);
	return h;
}

bool
handshake_feed(struct handshake *h, struct str bytes)
{
	if (h->is_running)
		bug("a socket is read while a worker has its handshake");
	buf_add_str(&h->in, bytes);
	if (tls_handshake_is_light(h->tls)) {
		take_step(&h->job);
		on_done(&h->job);
		return false;
	}
	if (list_empty(&h->due) && !submit(h))
		list_add(&h->all->due, &h->due);
	return true;
}

void
handshake_free(struct handshake **hp)
{
	struct handshake *h = *hp;

	*hp = NULL;
	if (!h)
		return;
	h->events = NULL;
	if (!h->is_running)
		destroy(h);
}

/* ---- all of them ---- */

static void
on_wake(void *ctx)
{
	struct handshakes *hs = ctx;

	tls_pool_reap(hs->pool);
	handshakes_submit_due(hs);
}

static void
send_wake(void *ctx)
{
	loop_wake_send(((struct handshakes *)ctx)->wake);
}

void
handshakes_init(struct handshakes *hs)
{
	list_init(&hs->due);
}

void
handshakes_threads(struct handshakes *hs, struct loop *loop)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long free = cores - 1; /* one is the loop's: those who are in come first */
	unsigned workers = free < 1 ? 1 : free > WORKERS_MAX ? WORKERS_MAX : (unsigned)free;

	hs->wake = loop_wake_new(loop, on_wake, hs);
	hs->pool = tls_pool_new(workers, HANDSHAKES_MAX, send_wake, hs);
}

void
handshakes_submit_due(struct handshakes *hs)
{
	LIST_FOREACH_SAFE(&hs->due, it, nx) {
		if (!submit(CONTAINER_OF(it, struct handshake, due)))
			return;
		list_remove(it);
	}
}

bool
handshakes_are_due(const struct handshakes *hs)
{
	return !list_empty(&hs->due);
}

void
handshakes_deinit(struct handshakes *hs)
{
	tls_pool_free(&hs->pool);
	loop_wake_free(&hs->wake);
}
