/* What one edge hands over to another: a connection of a stranger, or it is closed (M-07). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/handover.h"
#include "loop/pass.h"
#include "service/files.h"

static struct {
	char home[32];
	int s2sd, c2sd;          /* the two ends */
	int listener, near, far; /* a TCP listener, and a connection to it: whose peer is far */
	uint8_t bytes[HANDOVER_BYTES];
	size_t n;
} t;

static int
tcp(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
setup(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);

	(void)state;
	memset(&t, 0, sizeof(t));
	memcpy(t.home, "/tmp/jackdaw-test-XXXXXX", sizeof("/tmp/jackdaw-test-XXXXXX"));
	assert_non_null(mkdtemp(t.home));
	assert_int_equal(chdir(t.home), 0);
	t.s2sd = bind_unix(handover_name(0).file, SOCK_DGRAM, (uid_t)-1);
	t.c2sd = handover_socket();
	assert_true(t.s2sd >= 0 && t.c2sd >= 0);
	t.listener = tcp();
	assert_int_equal(bind(t.listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(t.listener, 8), 0);
	assert_int_equal(getsockname(t.listener, (struct sockaddr *)&at, &n), 0);
	t.far = tcp();
	assert_int_equal(connect(t.far, (struct sockaddr *)&at, n), 0);
	t.near = accept(t.listener, NULL, NULL);
	assert_true(t.near >= 0);
	return 0;
}

static int
teardown(void **state)
{
	const int fds[] = {t.s2sd, t.c2sd, t.listener, t.near, t.far};

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	unlink(handover_name(0).file);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(t.home), 0);
	return 0;
}

/* The lowest free number: the same again when nothing was left open. */
static int
next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static int
receives(void)
{
	return handover_receive(t.s2sd, t.bytes, &t.n);
}

static void
receives_nothing_good(void)
{
	int before = next_descriptor();

	assert_int_equal(receives(), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(next_descriptor(), before);
	assert_int_equal(receives(), -1);
	assert_int_equal(errno, EAGAIN);
}

/* What a rogue sends, who need not use our functions. */
static void
sends(const int *fds, unsigned n_fds, size_t n_bytes)
{
	char *bytes = mem_new(n_bytes + 1);
	struct iovec iov = {.iov_base = bytes, .iov_len = n_bytes};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct msghdr m = {
	    .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct cmsghdr *h;

	memcpy(to.sun_path, handover_name(0).file, sizeof(handover_name(0).file));
	if (n_fds > 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(t.c2sd, &m, 0), n_bytes);
	free(bytes);
}

static void
test_a_connection_with_its_bytes(void **state)
{
	int fd;
	char c;

	(void)state;
	assert_int_equal(handover_send(t.c2sd, 0, t.near, S("<stream:stream")), 0);
	fd = receives();
	assert_true(fd >= 0);
	assert_true(str_eq(str_of((char *)t.bytes, t.n), S("<stream:stream")));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(t.far, "x", 1), 1);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
}

static void
test_nobody_is_there(void **state)
{
	(void)state;
	assert_int_equal(handover_send(t.c2sd, 7, t.near, S("x")), -ENOENT);
	close(t.s2sd);
	assert_int_equal(handover_send(t.c2sd, 0, t.near, S("x")), -ECONNREFUSED);
}

static void
test_one_that_takes_nothing(void **state)
{
	unsigned n = 0;
	int rc = 0;

	(void)state;
	for (; n < 100000 && rc == 0; n++)
		rc = handover_send(t.c2sd, 0, t.near, S("x"));
	assert_int_equal(rc, -EAGAIN);
}

static void
test_inv_23_what_is_no_connection_is_closed(void **state)
{
	int pipes[2], pair[2];
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int idle = tcp();

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	const int junk[] = {pipes[0], pair[0], udp, idle, t.listener, t.s2sd};
	for (size_t i = 0; i < COUNT(junk); i++) {
		sends(&junk[i], 1, 10);
		receives_nothing_good();
	}
	const int close_them[] = {pipes[0], pipes[1], pair[0], pair[1], udp, idle};
	for (size_t i = 0; i < COUNT(close_them); i++)
		close(close_them[i]);
}

static void
test_inv_23_one_at_a_time_and_not_too_much(void **state)
{
	int many[16];

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = t.near;
	sends(NULL, 0, 10);
	receives_nothing_good();
	for (unsigned n = 2; n <= COUNT(many); n++) {
		sends(many, n, 10);
		receives_nothing_good();
	}
	sends(many, 1, HANDOVER_BYTES + 1);
	receives_nothing_good();
	sends(many, 1, HANDOVER_BYTES);
	int fd = receives();
	assert_true(fd >= 0);
	assert_int_equal(t.n, HANDOVER_BYTES);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_connection_with_its_bytes),
	    TEST(test_nobody_is_there),
	    TEST(test_one_that_takes_nothing),
	    TEST(test_inv_23_what_is_no_connection_is_closed),
	    TEST(test_inv_23_one_at_a_time_and_not_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
