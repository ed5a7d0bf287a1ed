/* Listeners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/conn.h"
#include "loop/loop.h"

static struct {
	struct loop *loop;
	struct listener *listener;
	int accepted[8];
	int n, allowed, n_heard;
	bool free_in_accepted, was_refused;
	unsigned busy_ms; /* what it takes to let one in */
} s;

static bool
may_accept(void *ctx)
{
	(void)ctx;
	s.was_refused = s.n >= s.allowed;
	return !s.was_refused;
}

static void
on_accepted(void *ctx, int fd)
{
	(void)ctx;
	s.accepted[s.n++] = fd;
	for (uint64_t end = clock_mono_ms() + s.busy_ms; clock_mono_ms() < end;)
		;
	if (s.free_in_accepted)
		listener_free(&s.listener);
}

static struct sockaddr_un address;
static socklen_t address_len;

static int
setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	s.loop = loop_new();
	/* an abstract name that the kernel chooses */
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	address_len = sizeof(address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
	assert_int_equal(listen(fd, 16), 0);
	s.listener = listener_new(s.loop, fd, may_accept, on_accepted, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < s.n; i++)
		close(s.accepted[i]);
	listener_free(&s.listener);
	loop_free(&s.loop);
	return 0;
}

static void
turns(int n)
{
	for (int i = 0; i < n; i++)
		loop_run_once(s.loop);
}

static int
dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, address_len), 0);
	return fd;
}

/* Accepting is paced: it may take a while. */
static void
accepts(int n)
{
	for (uint64_t end = clock_mono_ms() + 20000; s.n < n && clock_mono_ms() < end;)
		turns(1);
	turns(2);
	assert_int_equal(s.n, n);
}

static void
test_listener_budget(void **state)
{
	(void)state;
	s.allowed = 2;
	int fds[3];
	for (int i = 0; i < 3; i++)
		fds[i] = dial();
	accepts(2);
	while (!s.was_refused)
		turns(1);
	s.allowed = 3;
	turns(2);
	assert_int_equal(s.n, 2);
	listener_resume(s.listener);
	accepts(3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* Somebody who is there. */
static void
on_other(void *ctx, int events)
{
	char c;

	(void)events;
	assert_int_equal(read(*(int *)ctx, &c, 1), 1);
	s.n_heard++;
}

/* What is let in at great cost is let in one by one, with most of the time for others in between. */
static void
test_inv_23_listener_leaves_time_to_others(void **state)
{
	(void)state;
	s.allowed = 3;
	s.busy_ms = 5;
	int fds[3], other[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
	struct loop_watch *watch = loop_watch_new(s.loop, other[0], on_other, &other[0]);
	loop_watch_set(watch, LOOP_READ);
	for (int i = 0; i < 3; i++)
		fds[i] = dial();
	for (int n = 1; n <= 3; n++) {
		while (s.n < n)
			turns(1);
		/* Who is there is read while nobody is let in, and more cannot make it so. */
		assert_false(listener_is_listening(s.listener));
		listener_resume(s.listener);
		assert_false(listener_is_listening(s.listener));
		assert_int_equal(write(other[1], "x", 1), 1);
		turns(1);
		assert_int_equal(s.n_heard, n);
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	loop_watch_free(&watch);
	close(other[0]);
	close(other[1]);
}

static void
test_listener_freed_inside(void **state)
{
	(void)state;
	s.allowed = 2;
	s.free_in_accepted = true;
	int a = dial();
	int b = dial();
	accepts(1);
	close(a);
	close(b);
}

static void
test_listener_rests_without_descriptors(void **state)
{
	(void)state;
	s.allowed = 1;
	int a = dial();
	struct rlimit saved, none;
	getrlimit(RLIMIT_NOFILE, &saved);
	none = saved;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	turns(3);
	setrlimit(RLIMIT_NOFILE, &saved);
	assert_int_equal(s.n, 0);
	turns(1);
	assert_int_equal(s.n, 0);
	for (uint64_t end = clock_mono_ms() + 2000; !s.n && clock_mono_ms() < end;)
		turns(1);
	assert_int_equal(s.n, 1);
	close(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_listener_budget),
	    TEST(test_inv_23_listener_leaves_time_to_others),
	    TEST(test_listener_freed_inside),
	    TEST(test_listener_rests_without_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
