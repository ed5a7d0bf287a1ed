/* One listener for clients and servers (M-07): who is told from whom, and what is handed over. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/handover.h"
#include "handover.h"
#include "loop/pass.h"
#include "rig.h"
#include "service/files.h"

#define SERVER                                                                                         \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " \
	"xmlns:stream='http://etherx.jabber.org/streams' from='there' to='h' version='1.0'>"

static char home[32];
static int s2sd[2]; /* -1: is not there */
static char bytes[HANDOVER_BYTES];

static int
setup(void **state)
{
	rig_setup(state);
	memcpy(home, "/tmp/jackdaw-test-XXXXXX", sizeof("/tmp/jackdaw-test-XXXXXX"));
	assert_non_null(mkdtemp(home));
	assert_int_equal(chdir(home), 0);
	rig.gate.servers = true;
	rig.c2sd->handover = handover_socket();
	rig.daemon.suite.n_s2sd = 2;
	s2sd[0] = s2sd[1] = -1;
	return 0;
}

static int
teardown(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		if (s2sd[i] >= 0)
			close(s2sd[i]);
		unlink(handover_name(i).file);
	}
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(home), 0);
	return rig_teardown(state);
}

static void
begins(unsigned instance)
{
	s2sd[instance] = bind_unix(handover_name(instance).file, SOCK_DGRAM, (uid_t)-1);
	assert_true(s2sd[instance] >= 0);
}

/* Here it is no TCP connection, so not handover_receive. What it has got with it, NULL: nothing has come; the descriptor is closed. */
static const char *
taken_by(unsigned instance)
{
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes) - 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct pass room;
	ssize_t n;
	int fd;

	pass_expect(&m, &room);
	n = recvmsg(s2sd[instance], &m, MSG_DONTWAIT);
	if (n < 0)
		return NULL;
	assert_int_equal(pass_take(&m, &fd, 1), 1);
	assert_int_equal(write(fd, "taken", 5), 5);
	close(fd);
	bytes[n] = '\0';
	return bytes;
}

static void
is_taken(struct talker *p)
{
	hears(p, "taken");
	assert_int_equal(p->n, 0);
	assert_true(p->ended);
	assert_null(rig_client(p));
	assert_int_equal(rig.c2sd->door.n_strangers, 0);
	talker_close(p);
}

static void
test_a_server_is_handed_over(void **state)
{
	struct talker p;

	(void)state;
	begins(0);
	begins(1);
	rig_connect(&p);
	says(&p, SERVER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_string_equal(
	    taken_by(1), SERVER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	is_taken(&p);
	rig_connect(&p);
	says(&p, SERVER);
	assert_null(taken_by(1));
	assert_string_equal(taken_by(0), SERVER);
	is_taken(&p);
}

static void
test_byte_by_byte(void **state)
{
	struct talker p;

	(void)state;
	begins(0);
	rig_connect(&p);
	for (const char *c = SERVER; *c; c++) {
		assert_null(taken_by(0));
		says(&p, (char[]){*c, '\0'});
	}
	assert_string_equal(taken_by(0), SERVER);
	is_taken(&p);
}

static void
test_a_client_stays(void **state)
{
	struct talker p;

	(void)state;
	begins(0);
	rig_connect(&p);
	for (const char *c = OPENING; *c; c++)
		says(&p, (char[]){*c, '\0'});
	hears(&p, "</stream:features>");
	assert_int_equal(rig_client(&p)->state, CLIENT_FEATURES);
	assert_int_equal(buf_len(&rig_client(&p)->nego->first), 0);
	rig_hang_up(&p);
	rig_session(&p);
	assert_null(taken_by(0));
	rig_hang_up(&p);
}

/* Only the first header of a connection decides. */
static void
test_a_client_does_not_become_a_server(void **state)
{
	struct talker p;

	(void)state;
	begins(0);
	rig_authenticate(&p);
	says(&p, SERVER);
	is_ended(&p, "invalid-namespace");
	assert_null(taken_by(0));
}

static void
test_a_listener_for_clients_only(void **state)
{
	struct talker p;

	(void)state;
	begins(0);
	rig.gate.servers = false;
	rig_connect(&p);
	says(&p, SERVER);
	is_ended(&p, "invalid-namespace");
	assert_null(taken_by(0));
}

static void
test_headers_that_are_none(void **state)
{
	static const struct {
		const char *said, *error;
	} rows[] = {
	    {"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>",
		"invalid-namespace"},
	    {"<stream xmlns='http://etherx.jabber.org/streams' version='1.0'>",
		"improper-addressing"},
	    {"<!DOCTYPE x>", "restricted-xml"},
	    {"GET / HTTP/1.1\r\n", "not-well-formed"},
	};

	(void)state;
	begins(0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct talker p;

		rig_connect(&p);
		says(&p, rows[i].said);
		is_ended(&p, rows[i].error);
		assert_null(taken_by(0));
	}
}

/* Whatever the limit of an element is. */
static void
test_inv_02_what_is_kept_for_a_server_is_bounded(void **state)
{
	struct talker p;
	char kilo[1025];

	(void)state;
	begins(0);
	rig.settings.stranger.bytes = 262144;
	memset(kilo, ' ', sizeof(kilo) - 1);
	kilo[sizeof(kilo) - 1] = '\0';
	rig_connect(&p);
	says(&p, "<stream:stream ");
	for (size_t n = 0; n < HANDOVER_BYTES / 1024 - 1; n++)
		says(&p, kilo);
	hears_nothing(&p);
	says(&p, kilo);
	is_ended(&p, "policy-violation");
	assert_null(taken_by(0));
}

/* It waits, and its bytes with it; the next process gets it. */
static void
test_s2sd_is_away(void **state)
{
	struct talker p;

	(void)state;
	rig_connect(&p);
	says(&p, SERVER);
	hears_nothing(&p);
	assert_int_equal(rig_client(&p)->state, CLIENT_SERVER);
	says(&p, "<starttls ");
	c2sd_tick(rig.c2sd);
	hears_nothing(&p);
	begins(1);
	c2sd_tick(rig.c2sd);
	rig_turn();
	assert_string_equal(taken_by(1), SERVER);
	is_taken(&p);
}

static void
test_s2sd_stays_away(void **state)
{
	struct talker p;

	(void)state;
	rig_connect(&p);
	says(&p, SERVER);
	handover_give_up(rig_client(&p));
	hears(&p, "xmlns='jabber:server'");
	is_ended(&p, "internal-server-error");
	assert_true(list_empty(&rig.c2sd->servers));
	rig_connect(&p);
	says(&p, SERVER);
	rig_hang_up(&p);
}

static void
test_there_is_no_s2sd(void **state)
{
	struct talker p;

	(void)state;
	rig.daemon.suite.n_s2sd = 0;
	rig_connect(&p);
	says(&p, SERVER);
	is_ended(&p, "internal-server-error");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_server_is_handed_over),
	    TEST(test_byte_by_byte),
	    TEST(test_a_client_stays),
	    TEST(test_a_client_does_not_become_a_server),
	    TEST(test_a_listener_for_clients_only),
	    TEST(test_headers_that_are_none),
	    TEST(test_inv_02_what_is_kept_for_a_server_is_bounded),
	    TEST(test_s2sd_is_away),
	    TEST(test_s2sd_stays_away),
	    TEST(test_there_is_no_s2sd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
