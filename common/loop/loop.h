/* The event loop: the thin layer over libuv that everything else uses. Callbacks run on the loop's thread. Objects are
 * made and freed by the functions here; freeing inside a callback is allowed, also of the object called for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_wake;
struct loop_hook;
struct loop_signal;

typedef void loop_fn(void *ctx);

struct loop *loop_new(void);
/* Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn that does not wait (tests). */
void loop_run_once(struct loop *l);
/* All objects must have been freed; closes what libuv still holds. */
void loop_free(struct loop **l);
/* Milliseconds, monotonic, cached once per turn. */
uint64_t loop_now_ms(const struct loop *l);

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *ctx);
/* (Re)starts; repeat_ms 0: once. */
void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer **t);

enum loop_events {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};
typedef void loop_watch_fn(void *ctx, int events);

/* Watches a non-blocking descriptor, which stays the caller's. */
struct loop_watch *loop_watch_new(struct loop *l, int fd, loop_watch_fn *fn, void *ctx);
void loop_watch_set(struct loop_watch *w, int events); /* 0: pause */
void loop_watch_free(struct loop_watch **w);

/* May be sent from any thread; many sends may be one call. */
struct loop_wake *loop_wake_new(struct loop *l, loop_fn *fn, void *ctx);
void loop_wake_send(struct loop_wake *w);
void loop_wake_free(struct loop_wake **w);

/* Called once per turn before the loop waits: where writes are put together. The last one made is called first. */
struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *ctx);
void loop_hook_free(struct loop_hook **h);
/* The hooks are called (again) before the loop waits: for whoever leaves work to its hook. */
void loop_again(struct loop *l);

/* Work for those who come last (strangers): done at the end of a turn, behind what the hooks have written, for LOOP_LATER_US; what is left
 * comes in the next turns, in its order, and always some of it. Embedded in its owner. */
struct loop_later {
	struct list node;
	void (*fn)(struct loop_later *w);
};
void loop_later_init(struct loop_later *w, void (*fn)(struct loop_later *w));
/* Once, however often it is asked for before that. */
void loop_later(struct loop *l, struct loop_later *w);
bool loop_later_waits(const struct loop_later *w);
void loop_later_cancel(struct loop_later *w);

struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_fn *fn, void *ctx);
void loop_signal_free(struct loop_signal **s);
