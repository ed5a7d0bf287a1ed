/* The loop: timers, watches, wakes, hooks, freeing inside callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "loop/loop.h"

struct fixture {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *watch;
	struct loop_wake *wake;
	struct loop_hook *hook, *hook2;
	int calls, calls2;
	int fd;
};

static void
count_and_free_timer(void *ctx)
{
	struct fixture *f = ctx;
	f->calls++;
	loop_timer_free(&f->timer);
	loop_stop(f->loop);
}

static void
test_timer_may_free_itself(void **state)
{
	(void)state;
	struct fixture f = {.loop = loop_new()};
	f.timer = loop_timer_new(f.loop, count_and_free_timer, &f);
	loop_timer_start(f.timer, 1, 1);
	loop_run(f.loop);
	assert_int_equal(f.calls, 1);
	assert_null(f.timer);
	loop_free(&f.loop);
	assert_null(f.loop);
}

static void
on_readable(void *ctx, int events)
{
	struct fixture *f = ctx;
	assert_true(events & LOOP_READ);
	char c;
	assert_int_equal(read(f->fd, &c, 1), 1);
	if (++f->calls == 2)
		loop_watch_free(&f->watch);
}

static void
test_watch(void **state)
{
	(void)state;
	int p[2];
	assert_int_equal(pipe(p), 0);
	struct fixture f = {.loop = loop_new(), .fd = p[0]};
	f.watch = loop_watch_new(f.loop, p[0], on_readable, &f);
	assert_int_equal(write(p[1], "abc", 3), 3);
	loop_run_once(f.loop);
	assert_int_equal(f.calls, 0);
	loop_watch_set(f.watch, LOOP_READ);
	loop_run_once(f.loop);
	assert_int_equal(f.calls, 1);
	loop_watch_set(f.watch, 0);
	loop_run_once(f.loop);
	assert_int_equal(f.calls, 1);
	loop_watch_set(f.watch, LOOP_READ);
	loop_run_once(f.loop);
	loop_run_once(f.loop);
	assert_int_equal(f.calls, 2);
	loop_free(&f.loop);
	close(p[0]);
	close(p[1]);
}

static void
on_woken(void *ctx)
{
	struct fixture *f = ctx;
	f->calls++;
	loop_wake_free(&f->wake);
	loop_stop(f->loop);
}

static void *
send_wake(void *arg)
{
	for (int i = 0; i < 10; i++)
		loop_wake_send(arg);
	return NULL;
}

static void
test_wake_from_a_thread(void **state)
{
	(void)state;
	struct fixture f = {.loop = loop_new()};
	f.wake = loop_wake_new(f.loop, on_woken, &f);
	pthread_t t;
	assert_int_equal(pthread_create(&t, NULL, send_wake, f.wake), 0);
	pthread_join(t, NULL);
	loop_run(f.loop);
	assert_int_equal(f.calls, 1);
	loop_free(&f.loop);
}

static void
lower_hook(void *ctx)
{
	struct fixture *f = ctx;
	f->calls++;
	assert_int_equal(f->calls2, f->calls);
}

/* Made last, called first; asks for one more round. */
static void
upper_hook(void *ctx)
{
	struct fixture *f = ctx;
	if (++f->calls2 == 1)
		loop_again(f->loop);
	else
		loop_hook_free(&f->hook2);
}

static void
test_hooks_run_in_rounds(void **state)
{
	(void)state;
	struct fixture f = {.loop = loop_new()};
	f.hook = loop_hook_new(f.loop, lower_hook, &f);
	f.hook2 = loop_hook_new(f.loop, upper_hook, &f);
	loop_run_once(f.loop);
	assert_int_equal(f.calls2, 2);
	assert_int_equal(f.calls, 2);
	loop_hook_free(&f.hook);
	loop_run_once(f.loop);
	assert_int_equal(f.calls, 2);
	loop_free(&f.loop);
}

static void
always_again(void *ctx)
{
	struct fixture *f = ctx;
	f->calls++;
	loop_again(f->loop);
}

static void
stop_loop(void *ctx)
{
	struct fixture *f = ctx;
	loop_stop(f->loop);
}

static void
test_endless_work_does_not_hold_the_turn(void **state)
{
	(void)state;
	struct fixture f = {.loop = loop_new()};
	f.hook = loop_hook_new(f.loop, always_again, &f);
	f.timer = loop_timer_new(f.loop, stop_loop, &f);
	loop_timer_start(f.timer, 5, 0);
	loop_run(f.loop);
	assert_true(f.calls > 8);
	loop_timer_free(&f.timer);
	loop_hook_free(&f.hook);
	loop_free(&f.loop);
}

static void
test_signal(void **state)
{
	(void)state;
	struct fixture f = {.loop = loop_new()};
	struct loop_signal *s = loop_signal_new(f.loop, SIGUSR1, stop_loop, &f);
	raise(SIGUSR1);
	loop_run(f.loop);
	loop_signal_free(&s);
	loop_free(&f.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_timer_may_free_itself),
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_wake_from_a_thread),
	    cmocka_unit_test(test_hooks_run_in_rounds),
	    cmocka_unit_test(test_endless_work_does_not_hold_the_turn),
	    cmocka_unit_test(test_signal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
