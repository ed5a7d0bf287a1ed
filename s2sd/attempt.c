/* See attempt.h. */
#include "attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define AGAIN_MAX 4
#define AGAIN_MS 100 /* the first time; then twice as much each time */

static void
destroy(struct attempt *a)
{
	struct stream *s = a->stream;

	list_remove(&a->link);
	dial_free(&a->dial);
	a->stream = NULL;
	if (s) {
		s->attempt = NULL;
		stream_end(s, STREAM_OK, NULL);
	}
	free(a->local);
	free(a->remote);
	free(a);
}

void
attempt_free(struct attempt **ap)
{
	struct attempt *a = *ap;

	*ap = NULL;
	if (a)
		destroy(a);
}

static void
fail(struct attempt *a, enum stanza_error error, const char *why)
{
	const struct attempt_events *events = a->events;
	void *ctx = a->ctx;
	char text[sizeof(a->why)];

	log_info("%s to %s: no link: %s", a->local, a->remote, why);
	str_copy(text, sizeof(text), str_z(why));
	destroy(a);
	events->failed(ctx, error, text);
}

/* ---- dial.h ---- */

static void
on_open(void *ctx, int fd, const struct dial_target *target)
{
	struct attempt *a = ctx;

	a->target = *target;
	conn_set_nodelay(fd);
	door_limit_silence(&a->s2sd->door, fd);
	a->stream = stream_connect(a, fd);
}

static bool
try_again(struct attempt *a)
{
	if (!a->is_restarting || a->n_again == AGAIN_MAX)
		return false;
	dial_free(&a->dial);
	dialer_forget(a->s2sd->dialer, str_z(a->remote));
	a->again_ms = s2sd_now_ms(a->s2sd) + (AGAIN_MS << a->n_again++);
	return true;
}

/* What the last candidate said is more to the point than that there is no other. */
static void
on_failed(void *ctx, enum dial_error error, const char *step)
{
	struct attempt *a = ctx;

	if (try_again(a))
		return;
	if (a->why[0])
		fail(a, a->error, a->why);
	else
		fail(a,
		    dial_error_is_not_found(error) ? SE_REMOTE_SERVER_NOT_FOUND
						   : SE_REMOTE_SERVER_TIMEOUT,
		    step);
}

static const struct dial_events events = {.open = on_open, .failed = on_failed};

struct attempt *
attempt_new(struct s2sd *d, const struct attempt_for *f)
{
	struct attempt *a = NEW(struct attempt);

	a->s2sd = d;
	a->local = str_dup(f->local);
	a->remote = str_dup(f->remote);
	a->is_verification = f->is_verification;
	a->events = f->events;
	a->ctx = f->ctx;
	a->deadline_ms = s2sd_now_ms(d) + (uint64_t)s2sd_settings(d)->setup_ms;
	list_add(&d->attempts, &a->link);
	a->dial = dial_new(d->dialer, str_z(a->remote), &events, a);
	return a;
}

/* ---- its stream ---- */

void
attempt_ready(struct attempt *a)
{
	const struct attempt_events *ev = a->events;
	struct stream *s = a->stream;
	void *ctx = a->ctx;

	a->stream = NULL;
	s->attempt = NULL;
	stream_set_state(s, S2S_OPEN);
	stream_log(s, LOG_INFO, "%s%s", a->is_verification ? "open for a verification" : "linked",
	    s->wire.tls ? ", with TLS" : ", without TLS");
	destroy(a);
	ev->ready(ctx, s);
}

void
attempt_lost(struct attempt *a, enum stanza_error error, bool is_restarting, const char *why)
{
	a->stream = NULL;
	a->is_restarting = is_restarting;
	a->error = error;
	snprintf(a->why, sizeof(a->why), "%s port %u: %s", a->target.address, a->target.port, why);
	dial_next(a->dial);
}

static void
expire(struct attempt *a)
{
	char why[sizeof(a->why)];

	if (a->stream)
		snprintf(why, sizeof(why), "%s port %u: no stream in time", a->target.address,
		    a->target.port);
	else
		snprintf(why, sizeof(why), "%s", a->why[0] ? a->why : "no connection in time");
	fail(a, SE_REMOTE_SERVER_TIMEOUT, why);
}

bool
attempt_tick(struct attempt *a, uint64_t now_ms)
{
	if (now_ms >= a->deadline_ms) {
		expire(a);
		return true;
	}
	if (!a->dial && now_ms >= a->again_ms)
		a->dial = dial_new(a->s2sd->dialer, str_z(a->remote), &events, a);
	return false;
}
