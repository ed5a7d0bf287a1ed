/* The TLS handshake, step by step on a worker, since keyd's signature is waited for there. The connection of TLS belongs either to
 * the worker (is_running) or to the loop, never to both; reading the socket is paused meanwhile.
 *
 *   handshake_begin ──bytes come──▶ due ──▶ running ──handshake_done──▶ waiting for bytes, or: finished, failed
 *
 * Owned by its client; by itself from handshake_forget on, until the worker is done. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "negotiate.h"

struct handshake {
	struct tls_job job;
	struct client *client; /* NULL: gone */
	struct list due;       /* in c2sd's list when the pool had no room */
	struct tls *tls;
	struct buf in, out; /* the worker's while it runs; `in` is one read at most */
	struct err err;
	enum tls_state result;
	bool is_running;
};

static void
handshake_free(struct handshake *h)
{
	list_remove(&h->due);
	tls_free(&h->tls);
	buf_deinit(&h->in);
	buf_deinit(&h->out);
	free(h);
}

static void
on_worker(struct tls_job *job)
{
	struct handshake *h = CONTAINER_OF(job, struct handshake, job);

	h->result = tls_handshake(h->tls, &h->in, &h->out, &h->err);
}

/* What came behind the handshake is the first of the stream. */
static void
handshake_succeeded(struct client *c, struct handshake *h)
{
	client_log(c, LOG_DEBUG, "%s", tls_describe(h->tls));
	c->tls = h->tls;
	h->tls = NULL;
	c->handshake = NULL;
	buf_add_str(&c->cipher, buf_str(&h->in));
	handshake_free(h);
	client_set_state(c, CLIENT_HEADER);
	stream_restart(c);
}

static void
handshake_failed(struct client *c, const struct handshake *h)
{
	char text[sizeof(h->err.text)];

	str_copy(text, sizeof(text), str_z(h->err.text));
	client_lost(c, text);
}

static void
handshake_done(struct tls_job *job)
{
	struct handshake *h = CONTAINER_OF(job, struct handshake, job);
	struct client *c = h->client;

	h->is_running = false;
	if (!c) {
		handshake_free(h);
		return;
	}
	conn_write(c->conn, buf_str(&h->out));
	buf_clear(&h->out);
	if (h->result == TLS_OPEN) {
		handshake_succeeded(c, h);
	} else if (h->result != TLS_HANDSHAKE) {
		handshake_failed(c, h);
		return;
	}
	client_resume(c, PAUSE_ANSWER);
}

static bool
handshake_submit(struct handshake *h)
{
	h->is_running = tls_pool_submit(h->client->c2sd->pool, &h->job);
	return h->is_running;
}

void
handshakes_submit_due(struct c2sd *c)
{
	LIST_FOREACH_SAFE(&c->handshakes_due, it, nx) {
		if (!handshake_submit(CONTAINER_OF(it, struct handshake, due)))
			return;
		list_remove(it);
	}
}

void
handshake_begin(struct client *c)
{
	struct c2sd *d = c->c2sd;
	const char *domain = c->nego->domain;
	uint64_t limit_ms = c2sd_now_ms(d) + (uint64_t)c2sd_settings(d)->tls_seconds * 1000;
	struct handshake *h = NEW(struct handshake);

	if (c->listener_tls != LISTENER_DIRECT) {
		client_write(c, S("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		client_flush(c);
	}
	h->client = c;
	h->job.run = on_worker;
	h->job.done = handshake_done;
	list_init(&h->due);
	h->tls = tls_new(d->tls, domain ? str_z(domain) : S(""));
	c->handshake = h;
	client_set_state(c, CLIENT_HANDSHAKE);
	if (limit_ms < c->deadline_ms)
		c->deadline_ms = limit_ms;
}

void
handshake_input(struct client *c, struct str bytes)
{
	struct handshake *h = c->handshake;

	if (h->is_running)
		bug("a client's socket is read while a worker has its handshake");
	buf_add_str(&h->in, bytes);
	client_pause(c, PAUSE_ANSWER);
	if (list_empty(&h->due) && !handshake_submit(h))
		list_add(&c->c2sd->handshakes_due, &h->due);
}

void
handshake_forget(struct client *c)
{
	struct handshake *h = c->handshake;

	c->handshake = NULL;
	if (!h)
		return;
	h->client = NULL;
	if (!h->is_running)
		handshake_free(h);
}
