/* common/service/control.c: a line in, an answer out, within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "child.h"
#include "loop/loop.h"
#include "service/control.h"

static struct loop *loop;
static struct control *control;
static unsigned n_lines, n_fds_seen;
static size_t answer_bytes;

/* Says the line back. */
static void
on_line(void *ctx, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	(void)ctx;
	n_lines++;
	n_fds_seen = n_fds;
	buf_printf(out, "ok %.*s", STR_ARG(line));
	while (buf_len(out) < answer_bytes)
		buf_add_z(out, "0123456789");
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
}

static int
setup(void **state)
{
	struct err err;
	int fd;

	(void)state;
	scratch_enter();
	n_lines = 0;
	answer_bytes = 0;
	loop = loop_new();
	if (control_listen(0, geteuid(), &fd, &err) != 0)
		return -1;
	control = control_new(loop, fd, geteuid(), on_line, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	control_free(&control);
	loop_free(&loop);
	scratch_leave();
	return 0;
}

static int
client(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "control.0.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		bug("connect: %s", strerror(errno));
	return fd;
}

static void
turns(unsigned n)
{
	while (n--)
		loop_run_once(loop);
}

/* What came so far; ended: the other side closed. */
static size_t
receive(int fd, char *text, size_t size, bool *ended)
{
	size_t n = 0;
	ssize_t got;

	memset(text, 0, size);
	while ((got = recv(fd, text + n, size - 1 - n, 0)) > 0) {
		n += (size_t)got;
		turns(3);
	}
	*ended = got == 0 || (got < 0 && errno == ECONNRESET);
	return n;
}

/* However many turns it takes: a listener that was slow rests for a while. */
static void
expect(int fd, const char *answer)
{
	uint64_t until_ms = clock_mono_ms() + 10000;
	char text[100];
	size_t n = 0;
	bool ended = false;

	while (!ended && clock_mono_ms() < until_ms) {
		turns(1);
		n += receive(fd, text + n, sizeof(text) - n, &ended);
	}
	assert_string_equal(text, answer);
	assert_true(ended);
	close(fd);
}

static void
test_line(void **state)
{
	int fd = client();
	struct stat st;

	(void)state;
	assert_int_equal(stat("control.0.sock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(send(fd, "sta", 3, 0), 3);
	turns(3);
	assert_int_equal(n_lines, 0);
	assert_int_equal(send(fd, "tus \r\nrest", 10, 0), 10);
	expect(fd, "ok status");
	assert_int_equal(n_lines, 1);
}

static void
send_fds(int to, unsigned n)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec iov = {.iov_base = (char[]){'x', '\n'}, .iov_len = 2};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = space,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (unsigned i = 0; i < n; i++)
		memcpy(CMSG_DATA(h) + i * sizeof(int), &(int){STDIN_FILENO}, sizeof(int));
	assert_int_equal(sendmsg(to, &m, 0), 2);
}

static int
lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void
test_descriptors(void **state)
{
	int fd = client(), free_fd = lowest_free_fd();

	(void)state;
	send_fds(fd, 2);
	expect(fd, "ok x");
	assert_int_equal(n_fds_seen, 2);
	fd = client();
	send_fds(fd, 12); /* the kernel drops what does not fit */
	expect(fd, "ok x");
	assert_int_equal(n_fds_seen, CONTROL_FDS_MAX);
	fd = client();
	send_fds(fd, 2);
	close(fd);
	turns(5);
	assert_int_equal(lowest_free_fd(), free_fd - 1);
}

static void
test_line_without_end(void **state)
{
	char junk[5000], text[10];
	int fd = client();
	bool ended;

	(void)state;
	memset(junk, 'a', sizeof(junk));
	assert_int_equal(send(fd, junk, sizeof(junk), 0), (int)sizeof(junk));
	turns(10);
	receive(fd, text, sizeof(text), &ended);
	assert_true(ended);
	assert_int_equal(n_lines, 0);
	close(fd);
}

/* A long answer waits for its reader, and does not hold the others up. */
static void
test_long_answer(void **state)
{
	static char text[4 * 1024 * 1024];
	int slow = client(), fd;
	bool ended;

	(void)state;
	answer_bytes = 3 * 1024 * 1024;
	assert_int_equal(send(slow, "a\n", 2, 0), 2);
	turns(5);
	answer_bytes = 0;
	fd = client();
	assert_int_equal(send(fd, "b\n", 2, 0), 2);
	expect(fd, "ok b");
	assert_true(receive(slow, text, sizeof(text), &ended) >= 3 * 1024 * 1024);
	assert_true(ended);
	close(slow);
}

/* Eight at a time; the ninth waits until one leaves. */
static void
test_clients_max(void **state)
{
	int fds[9];

	(void)state;
	for (int i = 0; i < 9; i++)
		fds[i] = client();
	turns(5);
	assert_int_equal(send(fds[8], "late\n", 5, 0), 5);
	turns(5);
	assert_int_equal(n_lines, 0);
	assert_int_equal(send(fds[0], "first\n", 6, 0), 6);
	expect(fds[0], "ok first");
	expect(fds[8], "ok late");
	for (int i = 1; i < 8; i++)
		close(fds[i]);
}

static double
cpu_seconds(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
stop_loop(void *ctx)
{
	loop_stop(ctx);
}

/* No descriptor is left: it rests, and goes on when there is one. */
static void
without_descriptors(void *arg)
{
	struct rlimit r = {0};
	struct loop_timer *t = loop_timer_new(loop, stop_loop, loop);
	int fd = client();
	double before;
	char text[20];
	bool ended;

	(void)arg;
	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = (rlim_t)lowest_free_fd();
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	CHILD_CHECK(send(fd, "a\n", 2, 0) == 2);
	before = cpu_seconds();
	loop_timer_start(t, 500, 0);
	loop_run(loop);
	CHILD_CHECK(cpu_seconds() - before < 0.2 && n_lines == 0);
	r.rlim_cur = r.rlim_max;
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	loop_timer_start(t, 300, 0);
	loop_run(loop);
	CHILD_CHECK(receive(fd, text, sizeof(text), &ended) == 4 && strcmp(text, "ok a") == 0);
	loop_timer_free(&t);
}

static void
test_no_descriptor_left(void **state)
{
	(void)state;
	assert_int_equal(child_run(without_descriptors, NULL), 0);
}

/* Root, and the owner: whoever connects as another is let go at once, even where the file's mode would let him in. */
static void
stranger_connects(void *arg)
{
	(void)arg;
	CHILD_CHECK(setuid(12345) == 0);
	CHILD_CHECK(send(client(), "x\n", 2, MSG_NOSIGNAL) == 2);
}

static void
test_strangers(void **state)
{
	(void)state;
	if (!child_may_become(12345))
		skip();
	assert_int_equal(chmod("control.0.sock", 0666), 0);
	assert_int_equal(child_run(stranger_connects, NULL), 0);
	turns(5);
	assert_int_equal(n_lines, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_line),
	    TEST(test_descriptors),
	    TEST(test_line_without_end),
	    TEST(test_long_answer),
	    TEST(test_clients_max),
	    TEST(test_no_descriptor_left),
	    TEST(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
