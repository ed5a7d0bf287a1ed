/* The layer over libuv. libuv closes handles asynchronously; here an object is gone for its owner when x_free
 * returns: its callback is cleared at once and the memory is freed by libuv's close callback.
 *
 * Once per turn, before the loop waits (uv_prepare): the hooks, the last one made first, so that what the upper layers
 * produce is seen by the lower ones; then the output of all connections. What this stirs up (loop_again) is
 * handled in the same turn, a few rounds at most, and never sleeps until the next event. Then those come who come last
 * (loop_later), a little of it, and what they have stirred up. */
#include "loop/loop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop_private.h"

#define ROUNDS_PER_TURN 8

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *ctx;
};

struct loop_watch {
	uv_poll_t uv;
	loop_watch_fn *fn;
	void *ctx;
	int events;
};

struct loop_wake {
	uv_async_t uv;
	loop_fn *fn;
	void *ctx;
};

struct loop_hook {
	struct list node;
	struct loop *loop;
	loop_fn *fn; /* NULL: freed while the hooks run */
	void *ctx;
};

struct loop_signal {
	uv_signal_t uv;
	loop_fn *fn;
	void *ctx;
};

/* libuv refuses only what is our bug or a lack of descriptors, and without a handle nothing works. */
static void
loop_must(int status, const char *what)
{
	if (status < 0)
		bug("%s: %s", what, uv_strerror(status));
}

static void
on_freed(uv_handle_t *handle)
{
	free(handle);
}

/* ---- turns ---- */

static void
loop_run_hooks(struct loop *l)
{
	for (struct list *it = l->hooks.next; it != &l->hooks; it = it->next) {
		struct loop_hook *h = CONTAINER_OF(it, struct loop_hook, node);
		if (h->fn)
			h->fn(h->ctx);
	}
	LIST_FOREACH_SAFE(&l->hooks, it, next) {
		struct loop_hook *h = CONTAINER_OF(it, struct loop_hook, node);
		if (h->fn)
			continue;
		list_remove(&h->node);
		free(h);
	}
}

static void
on_idle(uv_idle_t *handle)
{
	uv_idle_stop(handle);
}

/* False when the last round has stirred up more. */
static bool
loop_settle(struct loop *l)
{
	for (unsigned round = 0; round < ROUNDS_PER_TURN; round++) {
		l->again = false;
		loop_run_hooks(l);
		conn_flush_dirty(l);
		if (!l->again)
			return true;
	}
	return false;
}

static void
loop_serve_later(struct loop *l)
{
	uint64_t began_us = clock_mono_us();
	do {
		struct loop_later *w = CONTAINER_OF(l->later.next, struct loop_later, node);
		list_remove(&w->node);
		w->fn(w);
	} while (!list_empty(&l->later) && clock_mono_us() - began_us < LOOP_LATER_US);
}

static void
on_prepare(uv_prepare_t *handle)
{
	struct loop *l = CONTAINER_OF(handle, struct loop, prepare);
	bool is_settled = loop_settle(l);
	if (!list_empty(&l->later)) {
		loop_serve_later(l);
		is_settled &= loop_settle(l);
	}
	if (!is_settled || !list_empty(&l->later))
		uv_idle_start(&l->idle, on_idle);
}

void
loop_later_init(struct loop_later *w, void (*fn)(struct loop_later *w))
{
	list_init(&w->node);
	w->fn = fn;
}

void
loop_later(struct loop *l, struct loop_later *w)
{
	if (list_empty(&w->node))
		list_add(&l->later, &w->node);
}

bool
loop_later_waits(const struct loop_later *w)
{
	return !list_empty(&w->node);
}

void
loop_later_cancel(struct loop_later *w)
{
	list_remove(&w->node);
}

void
loop_again(struct loop *l)
{
	l->again = true;
}

struct loop *
loop_new(void)
{
	struct loop *l = NEW(struct loop);
	list_init(&l->hooks);
	list_init(&l->later);
	list_init(&l->dirty);
	list_init(&l->lingering);
	loop_must(uv_loop_init(&l->uv), "uv_loop_init");
	uv_prepare_init(&l->uv, &l->prepare);
	uv_prepare_start(&l->prepare, on_prepare);
	uv_idle_init(&l->uv, &l->idle);
	return l;
}

void
loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped)
		uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_run_once(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_NOWAIT);
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
	uv_stop(&l->uv);
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	if (!l)
		return;
	conn_abort_lingering(l);
	loop_run_hooks(l);
	if (!list_empty(&l->hooks))
		bug("loop_free: a hook is left");
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	/* uv_stop may have left its mark: the first run then does nothing. */
	uv_run(&l->uv, UV_RUN_NOWAIT);
	uv_run(&l->uv, UV_RUN_NOWAIT);
	loop_must(uv_loop_close(&l->uv), "loop_free: an object is left");
	for (unsigned i = 0; i < l->n_spares; i++)
		buf_deinit(&l->spares[i]);
	free(l);
	*lp = NULL;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return uv_now(&l->uv);
}

/* ---- timers ---- */

static void
on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = CONTAINER_OF(handle, struct loop_timer, uv);
	t->fn(t->ctx);
}

struct loop_timer *
loop_timer_new(struct loop *l, loop_fn *fn, void *ctx)
{
	struct loop_timer *t = NEW(struct loop_timer);
	t->fn = fn;
	t->ctx = ctx;
	uv_timer_init(&l->uv, &t->uv);
	return t;
}

void
loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	uv_timer_start(&t->uv, on_timer, after_ms, repeat_ms);
}

void
loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

void
loop_timer_free(struct loop_timer **tp)
{
	struct loop_timer *t = *tp;
	*tp = NULL;
	if (t)
		uv_close((uv_handle_t *)&t->uv, on_freed);
}

/* ---- watches ---- */

static void watch_start(struct loop_watch *w);

static void
on_watch(uv_poll_t *handle, int status, int events)
{
	struct loop_watch *w = CONTAINER_OF(handle, struct loop_watch, uv);
	int e = (events & UV_READABLE ? LOOP_READ : 0) | (events & UV_WRITABLE ? LOOP_WRITE : 0);
	/* libuv stops at an error; whoever reads or writes next learns which. */
	if (status < 0) {
		watch_start(w);
		e = w->events;
	}
	w->fn(w->ctx, e);
}

static void
watch_start(struct loop_watch *w)
{
	int e =
	    (w->events & LOOP_READ ? UV_READABLE : 0) | (w->events & LOOP_WRITE ? UV_WRITABLE : 0);
	if (e)
		loop_must(uv_poll_start(&w->uv, e, on_watch), "uv_poll_start");
	else
		uv_poll_stop(&w->uv);
}

struct loop_watch *
loop_watch_new(struct loop *l, int fd, loop_watch_fn *fn, void *ctx)
{
	struct loop_watch *w = NEW(struct loop_watch);
	w->fn = fn;
	w->ctx = ctx;
	loop_must(uv_poll_init(&l->uv, &w->uv, fd), "uv_poll_init");
	return w;
}

void
loop_watch_set(struct loop_watch *w, int events)
{
	w->events = events;
	watch_start(w);
}

void
loop_watch_free(struct loop_watch **wp)
{
	struct loop_watch *w = *wp;
	*wp = NULL;
	if (w)
		uv_close((uv_handle_t *)&w->uv, on_freed);
}

/* ---- wakes ---- */

static void
on_wake(uv_async_t *handle)
{
	struct loop_wake *w = CONTAINER_OF(handle, struct loop_wake, uv);
	w->fn(w->ctx);
}

struct loop_wake *
loop_wake_new(struct loop *l, loop_fn *fn, void *ctx)
{
	struct loop_wake *w = NEW(struct loop_wake);
	w->fn = fn;
	w->ctx = ctx;
	loop_must(uv_async_init(&l->uv, &w->uv, on_wake), "uv_async_init");
	return w;
}

void
loop_wake_send(struct loop_wake *w)
{
	uv_async_send(&w->uv);
}

void
loop_wake_free(struct loop_wake **wp)
{
	struct loop_wake *w = *wp;
	*wp = NULL;
	if (w)
		uv_close((uv_handle_t *)&w->uv, on_freed);
}

/* ---- hooks ---- */

struct loop_hook *
loop_hook_new(struct loop *l, loop_fn *fn, void *ctx)
{
	struct loop_hook *h = NEW(struct loop_hook);
	h->loop = l;
	h->fn = fn;
	h->ctx = ctx;
	list_add(l->hooks.next, &h->node);
	return h;
}

/* Freed after the round of hooks, which may be running. */
void
loop_hook_free(struct loop_hook **hp)
{
	struct loop_hook *h = *hp;
	*hp = NULL;
	if (h)
		h->fn = NULL;
}

/* ---- signals ---- */

static void
on_signal(uv_signal_t *handle, int signo)
{
	(void)signo;
	struct loop_signal *s = CONTAINER_OF(handle, struct loop_signal, uv);
	s->fn(s->ctx);
}

struct loop_signal *
loop_signal_new(struct loop *l, int signo, loop_fn *fn, void *ctx)
{
	struct loop_signal *s = NEW(struct loop_signal);
	s->fn = fn;
	s->ctx = ctx;
	loop_must(uv_signal_init(&l->uv, &s->uv), "uv_signal_init");
	loop_must(uv_signal_start(&s->uv, on_signal, signo), "uv_signal_start");
	return s;
}

void
loop_signal_free(struct loop_signal **sp)
{
	struct loop_signal *s = *sp;
	*sp = NULL;
	if (s)
		uv_close((uv_handle_t *)&s->uv, on_freed);
}
