/* The router with endpoints that come, talk, and go; who is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "house.h"

/* ---- what is allowed ---- */

static void
test_frames_are_passed_on_unchanged(void **state)
{
	(void)state;
	struct frame f;
	struct buf copy = {0};
	struct msg_STANZA s = {.conn = 9, .n = 1, .st = {.payload = S("<body/>")}};
	struct frame sent = client_header(&c2sd, &sessiond);
	sent.seq = 5;
	sent.floor = 3;
	sent.n = 77;
	client_send(&c2sd, &sent, MSG_STANZA, &s);
	assert_true(client_next(&sessiond, &f, &copy));
	assert_int_equal(f.type, MSG_STANZA);
	assert_int_equal(f.seq, 5);
	assert_int_equal(f.floor, 3);
	assert_int_equal(f.n, 77);
	struct msg_STANZA got;
	assert_true(bus_decode(bus_message(MSG_STANZA), f.body, &got));
	assert_true(str_is(got.st.payload, "<body/>"));
	buf_deinit(&copy);
}

static bool
welcome_names(const struct frame *f, const struct client *c)
{
	struct msg_WELCOME w;
	struct rec_endpoint_is p;
	assert_true(f->type == MSG_WELCOME && bus_decode(bus_message(MSG_WELCOME), f->body, &w));
	while (bus_list_next(&w.peers, &bus_record_endpoint_is, &p))
		if (frame_endpoint((enum role)p.role, p.instance) == c->number)
			return p.incarnation == c->inc;
	return false;
}

/* BUS.md §3.3, §3.4: who is there is told before anything comes of him, and that he is gone after all that came. */
static void
test_3_peers_come_before_their_frames_and_go_behind(void **state)
{
	struct frame f;
	struct buf copy = {0};
	(void)state;
	client_send_stanza(&c2sd, &sessiond);
	client_hang_up(&c2sd);
	client_expect(&sessiond, MSG_STANZA);
	client_expect(&sessiond, MSG_PEER_DOWN);
	client_dial(&c2sd, ROLE_C2SD, 11);
	client_greet(&c2sd);
	client_send_stanza(&c2sd, &sessiond);
	client_expect(&sessiond, MSG_PEER_UP);
	client_expect(&sessiond, MSG_STANZA);
	assert_true(client_next(&c2sd, &f, &copy));
	assert_true(welcome_names(&f, &sessiond));
	assert_false(welcome_names(&f, &storaged)); /* with whom it may not talk */
	client_expect_nothing(&storaged);
	buf_deinit(&copy);
}

static void
test_frames_to_another_incarnation_are_dropped(void **state)
{
	(void)state;
	struct client old = sessiond;
	old.inc = 19;
	client_send_stanza(&c2sd, &old);
	old.inc = sessiond.inc;
	old.number = frame_endpoint(ROLE_SESSIOND, 1);
	client_send_stanza(&c2sd, &old);
	client_expect_nothing(&sessiond);
	client_expect_nothing(&c2sd);
	assert_int_equal(hub_stats(hub).dropped, 2);
}

static void
test_ping(void **state)
{
	(void)state;
	struct msg_PING ping = {4};
	struct frame f = client_header(&c2sd, NULL);
	client_send(&c2sd, &f, MSG_PING, &ping);
	client_expect(&c2sd, MSG_PING);
}

/* The old link is silent before anybody hears of the new one. */
static void
test_a_second_link_supersedes(void **state)
{
	(void)state;
	struct client second;
	client_send_stanza(&c2sd, &sessiond);
	client_dial(&second, ROLE_C2SD, 11);
	client_greet(&second);
	client_expect(&second, MSG_WELCOME);
	client_expect(&sessiond, MSG_STANZA);
	client_expect(&sessiond, MSG_PEER_DOWN);
	client_expect(&sessiond, MSG_PEER_UP);
	client_expect_closed(&c2sd);
	client_send_stanza(&second, &sessiond);
	client_expect(&sessiond, MSG_STANZA);
	client_hang_up(&second);
	client_expect(&sessiond, MSG_PEER_DOWN);
}

static void
test_routes_are_pushed(void **state)
{
	(void)state;
	const struct rec_route route = {S("example.net"), ROLE_SESSIOND, 2};
	hub_set_routes(hub, &route, 1);
	client_expect(&c2sd, MSG_ROUTES);
	client_expect(&sessiond, MSG_ROUTES);
	client_expect(&storaged, MSG_ROUTES);
}

/* ---- before HELLO ---- */

static void
expect_refused(uint64_t schema, enum role role, uint64_t inc, uint64_t header_inc)
{
	struct client c;
	client_dial(&c, ROLE_AUTHD, header_inc);
	struct msg_HELLO hello = {schema, (uint8_t)role, 0, inc};
	struct frame f = client_header(&c, NULL);
	client_send(&c, &f, MSG_HELLO, &hello);
	client_expect_closed(&c);
	client_hang_up(&c);
	assert_int_equal(hub_n_links(hub), 3);
	client_expect_nothing(&sessiond);
}

static void
test_inv_29_hello(void **state)
{
	(void)state;
	expect_refused(bus_schema_hash() + 1, ROLE_AUTHD, 40, 40);
	expect_refused(bus_schema_hash(), ROLE_SESSIOND, 40, 40);
	expect_refused(bus_schema_hash(), ROLE_AUTHD, 40, 41);
	expect_refused(bus_schema_hash(), ROLE_AUTHD, 0, 0);
	struct client c;
	client_dial(&c, ROLE_C2SD, 11);
	client_send_stanza(&c, &sessiond);
	client_expect_closed(&c);
	client_hang_up(&c);
	client_expect_nothing(&sessiond);
	client_expect_nothing(&c2sd);
}

static void
test_hello_has_a_deadline(void **state)
{
	(void)state;
	struct client c;
	client_dial(&c, ROLE_AUTHD, 40);
	house_turns(2);
	client_expect_nothing(&c);
	uint64_t start = clock_mono_ms();
	while (!c.closed && clock_mono_ms() < start + 10000) {
		usleep(50000);
		client_reads(&c);
	}
	assert_true(c.closed);
	assert_in_range(clock_mono_ms() - start, 4000, 7000);
	client_hang_up(&c);
	client_expect_nothing(&sessiond);
}

static void
test_links_of_a_role_are_limited(void **state)
{
	(void)state;
	int fds[LINKS_PER_ROLE + 3];
	for (unsigned i = 0; i < COUNT(fds); i++) {
		fds[i] = house_dial(ROLE_AUTHD);
		house_turns(1);
	}
	/* whoever has another role is not kept out */
	struct client second;
	client_dial(&second, ROLE_C2SD, 11);
	client_greet(&second);
	client_expect(&second, MSG_WELCOME);
	client_hang_up(&second);
	/* and when some are gone, there is room again */
	for (unsigned i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	house_turns(5);
	struct client authd;
	client_dial(&authd, ROLE_AUTHD, 40);
	client_greet(&authd);
	client_expect(&authd, MSG_WELCOME);
	client_hang_up(&authd);
}

/* Somebody who does not read, and somebody who sends whatever the windows say: the second one is closed before there is much
 * more than his share in memory. The rest go on. */
static void
test_inv_23_who_ignores_the_windows_is_closed(void **state)
{
	static char big[512 * 1024];
	struct msg_STANZA s = {.st = {.payload = str_of(big, sizeof(big))}};
	struct msg_LOAD load = {.req = 1, .shards = 1};
	unsigned sent = 0;
	(void)state;
	memset(big, 'x', sizeof(big));
	while (hub_n_links(hub) == 3 && sent < 1000) {
		struct frame f = client_header(&c2sd, &sessiond);
		f.seq = ++sent;
		client_send(&c2sd, &f, MSG_STANZA, &s);
		house_turns(3);
	}
	assert_in_range(sent, QUEUE_SHARE_BYTES / sizeof(big),
	    (QUEUE_SOFT_BYTES + QUEUE_SHARE_BYTES) / sizeof(big) + 4);
	client_expect_closed(&c2sd);
	struct frame f = client_header(&sessiond, &storaged);
	f.seq = 1;
	client_send(&sessiond, &f, MSG_LOAD, &load);
	client_expect(&storaged, MSG_LOAD);
	assert_int_equal(hub_n_links(hub), 2);
}

/* ---- complaints ---- */

static void
complain(struct client *c, const struct client *about, uint64_t inc)
{
	struct msg_COMPLAIN msg = {
	    .peer = {(uint8_t)frame_role(about->number), frame_instance(about->number), inc},
	    .what = S("malformed body"),
	};
	struct frame f = client_header(c, NULL);
	client_send(c, &f, MSG_COMPLAIN, &msg);
}

static void
test_a_complaint_closes_the_link(void **state)
{
	(void)state;
	complain(&sessiond, &c2sd, 9); /* one that is gone already */
	client_expect_nothing(&c2sd);
	complain(&storaged, &c2sd, c2sd.inc); /* who never had a frame of it */
	client_expect_nothing(&c2sd);
	complain(&sessiond, &c2sd, c2sd.inc);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_edges_may_not_complain(void **state)
{
	(void)state;
	complain(&c2sd, &sessiond, sessiond.inc);
	house_only_c2sd_is_closed();
}

/* ---- who may connect ---- */

static void
test_another_user_is_not_let_in(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		int fd;
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		char c;
		/* the folder would keep it out already; here it is open */
		if (chmod(".", 0777) || chmod(rig_socket(ROLE_C2SD), 0777) || setuid(65534) ||
		    !str_copy(a.sun_path, sizeof(a.sun_path), str_z(rig_socket(ROLE_C2SD))))
			_exit(2);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
			_exit(3);
		_exit(read(fd, &c, 1) == 0 ? 0 : 4);
	}
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		house_turns(1);
		usleep(1000);
	}
	assert_int_equal(status, 0);
	assert_int_equal(hub_n_links(hub), 3);
}

static void
test_rules_of_doors(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	struct door_rule ours = {.role = ROLE_CTL, .uid = geteuid(), .group = (gid_t)-1};
	assert_true(door_admits(&ours, fds[0]));
	struct door_rule other = {.role = ROLE_CTL, .uid = geteuid() + 1, .group = (gid_t)-1};
	assert_false(door_admits(&other, fds[0]));
	other.group = getegid();
	assert_false(door_admits(&other, fds[0]));
	other.operators = true;
	assert_true(door_admits(&other, fds[0]));
	other.group = 54321;
	assert_int_equal(door_admits(&other, fds[0]), geteuid() == 0);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_frames_are_passed_on_unchanged),
	    TEST(test_3_peers_come_before_their_frames_and_go_behind),
	    TEST(test_frames_to_another_incarnation_are_dropped),
	    TEST(test_ping),
	    TEST(test_a_second_link_supersedes),
	    TEST(test_routes_are_pushed),
	    TEST(test_inv_29_hello),
	    TEST(test_hello_has_a_deadline),
	    TEST(test_links_of_a_role_are_limited),
	    TEST(test_inv_23_who_ignores_the_windows_is_closed),
	    TEST(test_a_complaint_closes_the_link),
	    TEST(test_inv_29_edges_may_not_complain),
	    TEST(test_another_user_is_not_let_in),
	    cmocka_unit_test(test_rules_of_doors),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
