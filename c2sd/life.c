/* c2sd from start to stop: what is opened with privilege, which threads there are, what the timers do. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "session.h"
#include "sources.h"

#define HANDSHAKES_MAX 256 /* waiting for a worker; beyond that accepting stops */
#define WORKERS_MAX 8

/* ---- with privilege ---- */

static int
read_authd_public(struct c2sd *c, struct err *err)
{
	int fd = open("authd.pub", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, c->authd_public, sizeof(c->authd_public)) : -1;

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(c->authd_public))
		return err_set(err, "authd.pub: %s; it is written by \"jackdawctl init\"",
		    n < 0 ? strerror(errno) : "not 32 bytes");
	return 0;
}

static int
open_gates(struct c2sd *c, struct err *err)
{
	struct listener_settings l[LISTENERS_MAX];
	unsigned n = c2sd_listeners(c->daemon, l);

	for (unsigned i = 0; i < n; i++) {
		struct gate *g = &c->gates[i];

		*g = (struct gate){.c2sd = c, .settings = l[i]};
		g->fd = service_listen_tcp(
		    c->daemon, l[i].title, l[i].address, (uint16_t)l[i].port, err);
		if (g->fd < 0)
			return -1;
		c->n_gates++;
	}
	return 0;
}

static void
read_exempt(struct c2sd *c)
{
	const struct setting_strings *list = &c2sd_settings(c)->exempt;

	c->n_exempt = 0;
	for (size_t i = 0; i < list->n; i++)
		if (network_parse(str_z(list->v[i]), &c->exempt[c->n_exempt]))
			c->n_exempt++;
}

int
c2sd_open(struct daemon *d, struct err *err)
{
	struct c2sd *c = NEW(struct c2sd);

	d->state = c;
	c->daemon = d;
	list_init(&c->dirty);
	list_init(&c->paused);
	c->sources = source_table_new();
	read_exempt(c);
	if (read_authd_public(c, err) != 0 || open_gates(c, err) != 0 || tls_global_init(err) != 0)
		return -1;
	c->tls = tls_context_new("xmpp-client");
	c->chains = chains_new(c->tls);
	return 0;
}

/* ---- threads ---- */

static void
on_pool(void *ctx)
{
	struct c2sd *c = ctx;

	tls_pool_reap(c->pool);
}

static void
wake_for_pool(void *ctx)
{
	loop_wake_send(((struct c2sd *)ctx)->pool_wake);
}

int
c2sd_threads(struct daemon *d, struct err *err)
{
	struct c2sd *c = d->state;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;

	(void)err;
	c->pool_wake = loop_wake_new(d->loop, on_pool, c);
	c->pool = tls_pool_new(workers, HANDSHAKES_MAX, wake_for_pool, c);
	return 0;
}

/* ---- certificates ---- */

static void chains_connect(void *ctx);

static void
chains_retry(struct c2sd *c)
{
	if (c->chains_watch)
		loop_watch_free(&c->chains_watch);
	loop_timer_start(c->chains_retry, chains_retry_ms(c->chains), 0);
}

static void
on_chains(void *ctx, int events)
{
	struct c2sd *c = ctx;
	struct err err = {.text = ""};
	enum chains_event e;

	(void)events;
	while ((e = chains_read(c->chains, &err)) == CHAINS_UPDATED) {
		log_info("certificates from keyd are in force");
		for (unsigned i = 0; i < c->n_gates; i++)
			if (c->gates[i].listener)
				listener_resume(c->gates[i].listener);
	}
	if (e == CHAINS_DOWN) {
		log_warn("keyd: %s", err.text);
		chains_retry(c);
	}
}

static void
chains_connect(void *ctx)
{
	struct c2sd *c = ctx;
	struct err err = {.text = ""};
	int fd = chains_open(c->chains, NULL, &err);

	if (fd < 0) {
		chains_retry(c);
		return;
	}
	c->chains_watch = loop_watch_new(c->daemon->loop, fd, on_chains, c);
	loop_watch_set(c->chains_watch, LOOP_READ);
}

/* ---- the turn and the tick ---- */

/* What was queued in this turn leaves in one record and one write per client. */
static void
on_turn(void *ctx)
{
	struct c2sd *c = ctx;

	LIST_FOREACH_SAFE(&c->dirty, it, nx) {
		client_flush(CONTAINER_OF(it, struct client, dirty));
	}
}

static void
resume_shaped(struct c2sd *c)
{
	uint64_t now_us = clock_mono_us();

	if (!bus_has_credit(c->daemon->bus, ROLE_SESSIOND))
		return;
	LIST_FOREACH_SAFE(&c->paused, it, nx) {
		struct client *client = CONTAINER_OF(it, struct client, paused);

		if (shape_take(client, 0, now_us))
			continue;
		list_remove(it);
		client_go_on(client);
	}
}

static void
on_tick(void *ctx)
{
	struct c2sd *c = ctx;
	uint64_t now = loop_now_ms(c->daemon->loop);
	struct client *client, *next;

	HASH_ITER(hh, c->clients, client, next)
		client_tick(client, now);
	resume_shaped(c);
	source_sweep(c->sources, now);
	for (unsigned i = 0; i < c->n_gates; i++)
		listener_resume(c->gates[i].listener);
}

/* ---- start, reload, stop ---- */

static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;
	const struct c2sd *c = g->c2sd;

	return c2sd_may_serve(c) && c->n_clients < (size_t)c2sd_settings(c)->connections_max &&
	    tls_pool_waiting(c->pool) < HANDSHAKES_MAX;
}

static void
on_accepted(void *ctx, int fd)
{
	client_accept(ctx, fd);
}

int
c2sd_start(struct daemon *d, struct err *err)
{
	struct c2sd *c = d->state;

	(void)err;
	for (unsigned i = 0; i < c->n_gates; i++) {
		struct gate *g = &c->gates[i];

		g->listener = listener_new(d->loop, g->fd, on_may_accept, on_accepted, g);
	}
	c->hook = loop_hook_new(d->loop, on_turn, c);
	c->tick = loop_timer_new(d->loop, on_tick, c);
	loop_timer_start(c->tick, 1000, 1000);
	c->chains_retry = loop_timer_new(d->loop, chains_connect, c);
	chains_connect(c);
	return 0;
}

void
c2sd_reloaded(struct daemon *d, const void *old)
{
	(void)old;
	read_exempt(d->state);
}

static void
end_clients(struct c2sd *c)
{
	struct client *client, *next;

	HASH_ITER(hh, c->clients, client, next) {
		client_end(client, STREAM_SYSTEM_SHUTDOWN, NULL);
		if (client->conn)
			conn_close(client->conn, 0);
	}
}

void
c2sd_stop(struct daemon *d)
{
	struct c2sd *c = d->state;

	if (!c)
		return;
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].listener)
			listener_free(&c->gates[i].listener);
	end_clients(c);
	tls_pool_free(&c->pool);
	if (c->chains_watch)
		loop_watch_free(&c->chains_watch);
	if (c->chains_retry)
		loop_timer_free(&c->chains_retry);
	if (c->tick)
		loop_timer_free(&c->tick);
	if (c->hook)
		loop_hook_free(&c->hook);
	if (c->pool_wake)
		loop_wake_free(&c->pool_wake);
	chains_free(&c->chains);
	tls_context_free(&c->tls);
	source_table_free(&c->sources);
	seal_deinit(&c->seal);
}
