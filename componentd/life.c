/* componentd from start to stop: what is opened with privilege, which threads there are, what a turn ends with, what time does. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream.h"

#define DRAIN_MS 8000 /* whoever starts and stops daemons waits for 10 s */
#define STUCK_MS \
	3000 /* nobody takes anything: who is away for so long is presumed dead (BUS.md §3.7) */

/* ---- with privilege, threads ---- */

struct componentd *
componentd_new(struct daemon *d)
{
	struct componentd *c = NEW(struct componentd);

	d->state = c;
	c->daemon = d;
	door_init(&c->door);
	door_set(&c->door, &componentd_settings(c)->door);
	handshakes_init(&c->handshakes);
	wires_init(&c->wires, links_have_credit, c);
	c->readers = xml_pool_new();
	ledger_init(&c->ledger);
	list_init(&c->strangers);
	list_init(&c->closing);
	list_init(&c->fresh);
	return c;
}

int
componentd_open(struct daemon *d, struct err *err)
{
	struct componentd *c = componentd_new(d);

	if (listen_open(c, err) != 0)
		return -1;
	if (!listen_has_tls(c))
		return 0;
	if (tls_global_init(err) != 0)
		return -1;
	c->tls = tls_context_new(NULL);
	certs_init(&c->certs, c->tls);
	return 0;
}

int
componentd_threads(struct daemon *d, struct err *err)
{
	struct componentd *c = d->state;

	(void)err;
	if (c->tls)
		handshakes_threads(&c->handshakes, d->loop);
	return 0;
}

/* ---- before the stop ---- */

/* What components said must be with others before we go. */
static bool
is_drained(const struct componentd *c)
{
	struct component *it, *next;

	HASH_ITER(hh, c->components, it, next)
		if (it->n_streams > 0)
			return false;
	return bus_stats(componentd_bus(c)).kept_frames == 0;
}

static void
end_late_streams(struct component *c, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&c->streams, it, nx) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		if (now_ms >= s->deadline_ms)
			stream_end(s, STREAM_OK, NULL);
	}
}

/* Those who would take it are not there, and may not come before the next componentd. */
static bool
is_stuck(struct componentd *c, uint64_t now_ms)
{
	size_t kept = bus_stats(componentd_bus(c)).kept_frames;

	if (kept != c->drain_kept)
		c->drain_since_ms = now_ms;
	c->drain_kept = kept;
	return kept > 0 && now_ms - c->drain_since_ms >= STUCK_MS;
}

static void
drain_step(struct componentd *c)
{
	uint64_t now_ms = componentd_now_ms(c);
	struct component *it, *next;

	HASH_ITER(hh, c->components, it, next)
		end_late_streams(it, now_ms);
	if (is_drained(c)) {
		service_quit(c->daemon);
	} else if (is_stuck(c, now_ms) || now_ms >= c->drain_until_ms) {
		log_warn("%zu stanzas of components are lost: nobody has taken them", c->drain_kept);
		service_quit(c->daemon);
	}
}

static void
end_streams(struct list *streams)
{
	while (!list_empty(streams))
		stream_end(
		    CONTAINER_OF(streams->next, struct stream, link), STREAM_SYSTEM_SHUTDOWN, NULL);
}

/* Nothing new is delivered: it comes to the next componentd. */
bool
componentd_drain(struct daemon *d)
{
	struct componentd *c = d->state;
	struct component *it, *next;

	c->run = COMPONENTD_DRAINING;
	c->drain_since_ms = componentd_now_ms(c);
	c->drain_until_ms = c->drain_since_ms + DRAIN_MS;
	listen_stop(c);
	end_streams(&c->strangers);
	HASH_ITER(hh, c->components, it, next)
		LIST_FOREACH_SAFE(&it->streams, at, nx)
			stream_farewell(CONTAINER_OF(at, struct stream, link));
	return !is_drained(c);
}

/* ---- turns and ticks ---- */

void
componentd_turn(void *componentd)
{
	struct componentd *c = componentd;

	wires_turn(&c->wires, componentd_now_ms(c));
	while (!list_empty(&c->fresh))
		stream_mark(CONTAINER_OF(c->fresh.next, struct stream, fresh));
	if (c->run == COMPONENTD_DRAINING)
		drain_step(c);
}

static void
tick_strangers(struct componentd *c, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&c->strangers, it, nx) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		if (now_ms < s->deadline_ms)
			continue;
		if (s->stage == STAGE_HANDSHAKE)
			stream_lost(s, "no TLS within the time allowed");
		else
			stream_end(
			    s, STREAM_CONNECTION_TIMEOUT, "no handshake within the time allowed");
	}
}

/* Of a socket that takes some of it; and a blank now and then, so that TCP finds out who is gone (F-24). */
static void
tick_component(struct component *c, uint64_t now_ms)
{
	uint64_t keepalive_ms =
	    (uint64_t)componentd_settings(c->componentd)->keepalive_seconds * 1000;

	LIST_FOREACH(&c->streams, it) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		stream_settle(s);
		if (s->stage == STAGE_LEAVING || now_ms - s->said_ms < keepalive_ms)
			continue;
		s->said_ms = now_ms;
		wire_write(&s->wire, S(" "));
	}
}

void
componentd_tick(void *componentd)
{
	struct componentd *c = componentd;
	uint64_t now_ms = componentd_now_ms(c);
	struct component *it, *next;

	tick_strangers(c, now_ms);
	HASH_ITER(hh, c->components, it, next)
		tick_component(it, now_ms);
	if (c->run == COMPONENTD_RUNNING)
		components_tick(c);
	wires_check_stalled(
	    &c->wires, now_ms, (uint64_t)componentd_settings(c)->door.stall_seconds * 1000);
	door_sweep(&c->door, now_ms);
	if (c->tls)
		handshakes_submit_due(&c->handshakes);
	listen_resume(c);
}

/* ---- start, reload ---- */

int
componentd_start(struct daemon *d, struct err *err)
{
	struct componentd *c = d->state;

	(void)err;
	c->started_ms = componentd_now_ms(c);
	components_refresh(c);
	listen_start(c);
	c->hook = loop_hook_new(d->loop, componentd_turn, c);
	c->tick = loop_timer_new(d->loop, componentd_tick, c);
	loop_timer_start(c->tick, TICK_MS, TICK_MS);
	if (c->tls)
		certs_start(&c->certs, d->loop, &c->gates);
	return 0;
}

void
componentd_reloaded(struct daemon *d, const void *old)
{
	struct componentd *c = d->state;

	(void)old;
	door_set(&c->door, &componentd_settings(c)->door);
	components_refresh(c);
}

/* ---- stop ---- */

static void
componentd_free(struct componentd *c)
{
	wires_deinit(&c->wires);
	xml_pool_free(&c->readers);
	tls_context_free(&c->tls);
	door_deinit(&c->door);
	c->daemon->state = NULL;
	free(c);
}

void
componentd_stream_gone(struct componentd *c)
{
	if (c->run == COMPONENTD_STOPPED && c->n_streams == 0)
		componentd_free(c);
	else
		listen_resume(c);
}

/* The bus has gone already: what is not written comes again to the next componentd. */
void
componentd_stop(struct daemon *d)
{
	struct componentd *c = d->state;
	struct component *it, *next;

	if (!c)
		return;
	listen_stop(c);
	end_streams(&c->strangers);
	HASH_ITER(hh, c->components, it, next)
		end_streams(&it->streams);
	components_free(c);
	ledger_deinit(&c->ledger);
	if (c->tls) {
		handshakes_deinit(&c->handshakes);
		certs_deinit(&c->certs);
	}
	loop_timer_free(&c->tick);
	loop_hook_free(&c->hook);
	c->run = COMPONENTD_STOPPED;
	if (c->n_streams == 0)
		componentd_free(c);
}
