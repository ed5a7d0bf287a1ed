/* What time does to links, ten times a second: strangers over their deadline, set-ups that take too long, stanzas that have waited too
 * long, streams that carry nothing, sockets that take nothing. */
#include "attempt.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ending.h"
#include "pair.h"

static void
tick_attempts(struct s2sd *d, uint64_t now_ms)
{
	bool again = true;

	/* What fails may begin another one. */
	while (again) {
		again = false;
		LIST_FOREACH(&d->attempts, it) {
			again = attempt_tick(CONTAINER_OF(it, struct attempt, link), now_ms);
			if (again)
				break;
		}
	}
}

static void
on_deadline(struct wheel_node *due, void *ctx)
{
	struct stream *s = CONTAINER_OF(due, struct stream, due);

	(void)ctx;
	if (s->wire.handshake)
		stream_lost(s, "no TLS within the time allowed");
	else
		stream_end(s, STREAM_CONNECTION_TIMEOUT, "no proof within the time allowed");
}

static void
close_idle(struct stream *s, uint64_t now_ms)
{
	uint64_t idle_ms = (uint64_t)s2sd_settings(s->s2sd)->idle_seconds * 1000;
	uint64_t allowed_ms = s->is_out ? idle_ms : 2 * idle_ms;

	if (!list_empty(&s->sent) || !list_empty(&s->sm.arrivals))
		return;
	if (now_ms - s->used_ms >= allowed_ms)
		stream_finish(s, STREAM_OK);
}

static void
tick_stream(struct stream *s, uint64_t now_ms)
{
	if (s->deadline_ms && now_ms >= s->deadline_ms)
		stream_lost(
		    s, stream_is_ending(s) ? "it does not close its stream" : "no answer in time");
	if (s->state == S2S_OPEN)
		sm_tick(s, now_ms);
	if (s->state == S2S_OPEN)
		close_idle(s, now_ms);
}

/* Ending one may end another one: so the list goes round, each to the end before it is looked at. */
static void
tick_open(struct s2sd *d, uint64_t now_ms)
{
	size_t n = 0;

	LIST_FOREACH(&d->open, it)
		n++;
	for (; n > 0 && !list_empty(&d->open); n--) {
		struct list *it = d->open.next;

		list_remove(it);
		list_add(&d->open, it);
		tick_stream(CONTAINER_OF(it, struct stream, link), now_ms);
	}
}

/* RFC 6120 §13.7.2.3 */
static void
on_lapsed(void *stream, const char *why)
{
	struct stream *s = stream;

	stream_log(s, LOG_INFO, "its certificate is not taken any more: %s", why);
	stream_finish(s, STREAM_RESET);
}

static void
tick_pairs(struct s2sd *d, uint64_t now_ms)
{
	struct pair *p, *next;

	HASH_ITER(hh, d->pairs, p, next)
		pair_tick(p, now_ms);
}

void
s2sd_tick(void *s2sd)
{
	struct s2sd *d = s2sd;
	uint64_t now_ms = s2sd_now_ms(d);

	tick_attempts(d, now_ms);
	wheel_turn(&d->deadlines, now_ms, on_deadline, NULL);
	tick_open(d, now_ms);
	tls_context_look_at_peers(d->tls, clock_wall_us() / 1000000, on_lapsed);
	tick_pairs(d, now_ms);
	wires_check_stalled(
	    &d->wires, now_ms, (uint64_t)s2sd_settings(d)->door.stall_seconds * 1000);
	door_sweep(&d->door, now_ms);
	handshakes_submit_due(&d->handshakes);
	listen_resume(d);
}
