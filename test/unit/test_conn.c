/* Connections and listeners over socket pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/conn.h"
#include "loop/loop.h"

static struct {
	struct loop *loop;
	struct conn *conn;
	int peer;
	struct buf input;
	int drained, flushed, closed, error;
	bool close_in_input;
} t;

static void
on_input(struct conn *c, struct str bytes)
{
	assert_int_equal(t.closed, 0);
	buf_add_str(&t.input, bytes);
	if (t.close_in_input)
		conn_close(c, 0);
}

static void
on_drained(struct conn *c)
{
	(void)c;
	t.drained++;
}

static void
on_flushed(struct conn *c)
{
	(void)c;
	t.flushed++;
}

static void
on_closed(struct conn *c, int error)
{
	assert_ptr_equal(c, t.conn);
	t.closed++;
	t.error = error;
}

static const struct conn_methods methods = {on_input, on_drained, on_flushed, on_closed};

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	t.loop = loop_new();
	t.peer = fds[1];
	t.conn = conn_new(t.loop, fds[0], &methods, 32);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (!t.closed)
		conn_close(t.conn, 1000);
	loop_free(&t.loop);
	assert_int_equal(t.closed, 1);
	buf_deinit(&t.input);
	close(t.peer);
	return 0;
}

static void
turns(int n)
{
	for (int i = 0; i < n; i++)
		loop_run_once(t.loop);
}

/* What the peer reads now. */
static size_t
peer_reads(void)
{
	char b[65536];
	size_t sum = 0;
	for (ssize_t n; (n = read(t.peer, b, sizeof(b))) > 0;)
		sum += (size_t)n;
	return sum;
}

/* ---- strangers ---- */

#define STRANGERS 5

static unsigned strangers_read;

/* Each takes longer than all of them may in a turn. */
static void
on_stranger(struct conn *c, struct str bytes)
{
	(void)c;
	(void)bytes;
	strangers_read++;
	for (uint64_t end = clock_mono_us() + 2000; clock_mono_us() < end;)
		;
}

static void
on_stranger_closed(struct conn *c, int error)
{
	(void)c;
	(void)error;
}

static const struct conn_methods stranger_methods = {
    .input = on_stranger, .closed = on_stranger_closed};

/* Whoever is no stranger is read in every turn, and of strangers one after the other. */
static void
test_inv_23_strangers_are_read_last(void **state)
{
	struct conn *strangers[STRANGERS];
	int fds[STRANGERS][2];

	(void)state;
	strangers_read = 0;
	for (int i = 0; i < STRANGERS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[i]), 0);
		strangers[i] = conn_new(t.loop, fds[i][0], &stranger_methods, 0);
		conn_set_patient(strangers[i], true);
		assert_int_equal(write(fds[i][1], "x", 1), 1);
	}
	turns(1); /* who can be read is known */
	assert_int_equal(strangers_read, 0);
	for (unsigned n = 1; n <= STRANGERS; n++) {
		assert_int_equal(write(t.peer, "m", 1), 1);
		turns(1);
		assert_int_equal(strangers_read, n);
		assert_int_equal(buf_len(&t.input), n);
	}
	assert_int_equal(write(fds[0][1], "x", 1), 1);
	turns(2);
	assert_int_equal(strangers_read, STRANGERS + 1);
	for (int i = 0; i < STRANGERS; i++) {
		conn_abort(strangers[i]);
		close(fds[i][1]);
	}
}

/* One of many is read in pieces, a piece in a turn; nothing is left behind. */
static void
test_inv_23_a_share_of_a_turn(void **state)
{
	char bytes[40] = "";

	(void)state;
	conn_set_share(t.conn, 16);
	assert_int_equal(write(t.peer, bytes, sizeof(bytes)), sizeof(bytes));
	turns(1);
	assert_int_equal(buf_len(&t.input), 16);
	turns(1);
	assert_int_equal(buf_len(&t.input), 32);
	turns(1);
	assert_int_equal(buf_len(&t.input), 40);
	conn_set_share(t.conn, 0);
	assert_int_equal(write(t.peer, bytes, sizeof(bytes)), sizeof(bytes));
	turns(1);
	assert_int_equal(buf_len(&t.input), 80);
}

static void
test_both_ways(void **state)
{
	(void)state;
	assert_int_equal(((char *)conn_user(t.conn))[31], 0);
	assert_int_equal(write(t.peer, "hello", 5), 5);
	conn_write(t.conn, S("a"));
	conn_write(t.conn, S("b"));
	assert_int_equal(peer_reads(), 0);
	turns(1);
	assert_true(str_is(buf_str(&t.input), "hello"));
	assert_int_equal(peer_reads(), 2);
	assert_int_equal(t.flushed, 1);
	assert_int_equal(conn_queued(t.conn), 0);
}

/* Whoever has another descriptor of the socket may make it blocking (edge/handover.h): we don't wait all the same. */
static void
test_inv_23_a_socket_that_blocks_again(void **state)
{
	char sent[65536] = {0};
	size_t size = 4 * 1024 * 1024;

	(void)state;
	assert_int_equal(fcntl(conn_fd(t.conn), F_SETFL, 0), 0);
	for (size_t n = 0; n < sizeof(sent); n += 4096)
		assert_int_equal(write(t.peer, sent, 4096), 4096);
	turns(1);
	assert_int_equal(buf_len(&t.input), sizeof(sent));
	memset(buf_reserve(conn_out(t.conn), size), 'x', size);
	buf_commit(conn_out(t.conn), size);
	conn_kick(t.conn);
	turns(1);
	assert_in_range(conn_queued(t.conn), 1, size - 1);
}

static void
test_pause(void **state)
{
	(void)state;
	conn_pause(t.conn);
	assert_int_equal(write(t.peer, "x", 1), 1);
	turns(2);
	assert_int_equal(buf_len(&t.input), 0);
	conn_resume(t.conn);
	turns(1);
	assert_int_equal(buf_len(&t.input), 1);
}

/* What comes during a pause stops the watching; the pauses before and behind it must not lose or let through any of it. */
static void
test_pause_after_pause(void **state)
{
	(void)state;
	conn_pause(t.conn);
	turns(1);
	conn_resume(t.conn);
	conn_pause(t.conn);
	assert_int_equal(write(t.peer, "x", 1), 1);
	turns(2);
	assert_int_equal(write(t.peer, "y", 1), 1);
	conn_resume(t.conn);
	conn_pause(t.conn);
	turns(2);
	assert_int_equal(buf_len(&t.input), 0);
	conn_resume(t.conn);
	turns(1);
	assert_true(str_is(buf_str(&t.input), "xy"));
}

static void
test_peer_closes_during_a_pause(void **state)
{
	(void)state;
	conn_pause(t.conn);
	assert_int_equal(write(t.peer, "x", 1), 1);
	close(t.peer);
	turns(2);
	assert_int_equal(t.closed, 0);
	conn_resume(t.conn);
	turns(2);
	assert_int_equal(buf_len(&t.input), 1);
	assert_int_equal(t.closed, 1);
}

static void
test_water(void **state)
{
	(void)state;
	size_t size = 4 * 1024 * 1024;
	memset(buf_reserve(conn_out(t.conn), size), 'x', size);
	buf_commit(conn_out(t.conn), size);
	conn_kick(t.conn);
	turns(1);
	assert_true(conn_is_congested(t.conn));
	size_t got = 0;
	for (int i = 0; i < 10000 && got < size; i++) {
		got += peer_reads();
		turns(1);
	}
	assert_int_equal(got, size);
	assert_false(conn_is_congested(t.conn));
	assert_int_equal(t.drained, 1);
	assert_int_equal(t.flushed, 1);
}

static void
test_peer_closes(void **state)
{
	(void)state;
	assert_int_equal(write(t.peer, "bye", 3), 3);
	close(t.peer);
	turns(2);
	assert_int_equal(buf_len(&t.input), 3);
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.error, 0);
}

static void
test_peer_closes_with_unread_data(void **state)
{
	(void)state;
	conn_write(t.conn, S("never read"));
	assert_int_equal(write(t.peer, "bye", 3), 3);
	turns(1);
	close(t.peer);
	turns(2);
	assert_int_equal(buf_len(&t.input), 3);
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.error, -ECONNRESET);
}

/* A daemon that stops says last what it has done: that must not be lost because somebody had just something to say to it. */
static void
test_peer_speaks_closes_and_is_written_to(void **state)
{
	(void)state;
	assert_int_equal(write(t.peer, "done", 4), 4);
	close(t.peer);
	conn_write(t.conn, S("do more"));
	turns(2);
	assert_int_equal(buf_len(&t.input), 4);
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.error, -EPIPE);
}

static void
test_close_inside_input(void **state)
{
	(void)state;
	t.close_in_input = true;
	assert_int_equal(write(t.peer, "x", 1), 1);
	turns(2);
	assert_int_equal(t.closed, 1);
}

static void
test_close_writes_what_is_queued(void **state)
{
	(void)state;
	size_t size = 1024 * 1024;
	memset(buf_reserve(conn_out(t.conn), size), 'x', size);
	buf_commit(conn_out(t.conn), size);
	conn_close(t.conn, 60000);
	conn_write(t.conn, S("too late"));
	size_t got = 0;
	for (int i = 0; i < 10000 && got < size; i++) {
		got += peer_reads();
		turns(1);
	}
	assert_int_equal(got, size);
	assert_int_equal(t.closed, 0);
	char c;
	assert_int_equal(read(t.peer, &c, 1), 0);
	/* what comes now is forgotten */
	assert_int_equal(write(t.peer, "x", 1), 1);
	turns(1);
	assert_int_equal(buf_len(&t.input), 0);
	shutdown(t.peer, SHUT_WR);
	turns(2);
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.error, 0);
}

static void
test_close_does_not_wait_for_ever(void **state)
{
	(void)state;
	conn_close(t.conn, 20);
	for (uint64_t end = clock_mono_ms() + 2000; !t.closed && clock_mono_ms() < end;)
		turns(1);
	assert_int_equal(t.closed, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_both_ways),
	    TEST(test_inv_23_a_share_of_a_turn),
	    TEST(test_inv_23_strangers_are_read_last),
	    TEST(test_inv_23_a_socket_that_blocks_again),
	    TEST(test_pause),
	    TEST(test_pause_after_pause),
	    TEST(test_peer_closes_during_a_pause),
	    TEST(test_water),
	    TEST(test_peer_closes),
	    TEST(test_peer_closes_with_unread_data),
	    TEST(test_peer_speaks_closes_and_is_written_to),
	    TEST(test_close_inside_input),
	    TEST(test_close_writes_what_is_queued),
	    TEST(test_close_does_not_wait_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
