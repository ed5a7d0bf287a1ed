/* A listening socket with a budget. libuv's own accept closes connections when descriptors run out and spins
 * (SECURITY.md §3.9), so it is accept4 on a watched descriptor. Owns the listening descriptor.
 *
 *   LISTENING --may_accept says no, listener_pause--> PAUSED --listener_resume--> LISTENING
 *   LISTENING --EMFILE and the like--> RESTING --100 ms, listener_resume--> LISTENING
 *   LISTENING --over its share of the time--> PACED --paid back--> LISTENING
 *
 * However many come at once, letting them in takes a quarter of the loop's time and comes last in each turn: those who are there have
 * the rest, and the others wait in the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"

#define ACCEPTS_PER_TURN 8 /* who is there already has a turn between them */
#define REST_MS 100
#define SHARE 4         /* a quarter */
#define OWED_MAX_US 100 /* so much at a time */

enum listener_state {
	LISTENER_LISTENING,
	LISTENER_PAUSED,
	LISTENER_RESTING,
	LISTENER_PACED,
};

struct listener {
	enum listener_state state;
	int fd;
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_later later; /* somebody is there */
	struct loop_timer *rest;
	uint64_t owed_us, paid_us; /* time spent on accepting, and up to when it is paid back */
	bool (*may_accept)(void *ctx);
	void (*accepted)(void *ctx, int fd);
	int (*take)(void *ctx); /* NULL: accept4 */
	void *ctx;
	bool *freed; /* set when freed by the callback that is running */
};

static void
listener_enter(struct listener *s, enum listener_state state)
{
	s->state = state;
	loop_watch_set(s->watch, state == LISTENER_LISTENING ? LOOP_READ : 0);
	if (state == LISTENER_RESTING)
		loop_timer_start(s->rest, REST_MS, 0);
	else if (state == LISTENER_PACED)
		loop_timer_start(s->rest, 1 + s->owed_us * SHARE / 1000, 0);
	else
		loop_timer_stop(s->rest);
}

/* Time pays back what was spent. */
static void
listener_account(struct listener *s, uint64_t began_us)
{
	uint64_t now_us = clock_mono_us(), paid = (began_us - s->paid_us) / SHARE;

	s->owed_us = (s->owed_us > paid ? s->owed_us - paid : 0) + now_us - began_us;
	s->paid_us = now_us;
	if (s->owed_us > OWED_MAX_US && s->state == LISTENER_LISTENING)
		listener_enter(s, LISTENER_PACED);
}

/* False when there is nothing more to accept in this turn. */
static bool
listener_accept_one(struct listener *s)
{
	if (s->may_accept && !s->may_accept(s->ctx)) {
		listener_enter(s, LISTENER_PAUSED);
		return false;
	}
	int fd =
	    s->take ? s->take(s->ctx) : accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		s->accepted(s->ctx, fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		listener_enter(s, LISTENER_RESTING);
		return false;
	}
	/* Anything else concerns one connection that is gone already. */
	return errno != EAGAIN && errno != EWOULDBLOCK;
}

static void
accept_some(struct loop_later *w)
{
	struct listener *s = CONTAINER_OF(w, struct listener, later);
	uint64_t began_us = clock_mono_us();
	bool freed = false;
	if (s->state != LISTENER_LISTENING)
		return;
	s->freed = &freed;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		bool more = listener_accept_one(s);
		if (freed)
			return;
		if (!more || s->state != LISTENER_LISTENING ||
		    clock_mono_us() - began_us > OWED_MAX_US)
			break;
	}
	s->freed = NULL;
	listener_account(s, began_us);
}

static void
on_connection(void *ctx, int events)
{
	(void)events;
	struct listener *s = ctx;
	loop_later(s->loop, &s->later);
}

static void
on_rested(void *ctx)
{
	listener_enter(ctx, LISTENER_LISTENING);
}

struct listener *
listener_new(struct loop *l, int fd, bool (*may_accept)(void *ctx),
    void (*accepted)(void *ctx, int fd), void *ctx)
{
	struct listener *s = NEW(struct listener);
	s->fd = fd;
	s->loop = l;
	loop_later_init(&s->later, accept_some);
	s->may_accept = may_accept;
	s->accepted = accepted;
	s->ctx = ctx;
	s->watch = loop_watch_new(l, fd, on_connection, s);
	s->rest = loop_timer_new(l, on_rested, s);
	listener_enter(s, LISTENER_LISTENING);
	return s;
}

void
listener_set_take(struct listener *s, int (*take)(void *ctx))
{
	s->take = take;
}

void
listener_pause(struct listener *s)
{
	listener_enter(s, LISTENER_PAUSED);
}

bool
listener_is_listening(const struct listener *s)
{
	return s->state == LISTENER_LISTENING;
}

void
listener_resume(struct listener *s)
{
	if (s->state == LISTENER_PAUSED || s->state == LISTENER_RESTING)
		listener_enter(s, LISTENER_LISTENING);
}

void
listener_free(struct listener **sp)
{
	struct listener *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	if (s->freed)
		*s->freed = true;
	loop_later_cancel(&s->later);
	loop_watch_free(&s->watch);
	loop_timer_free(&s->rest);
	close(s->fd);
	free(s);
}
