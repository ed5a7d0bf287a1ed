/* Reaching other servers: sockets on loopback, libunbound and the loop as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "dial_rig.h"

/* ---- routes and addresses ---- */

static void
test_a_route_goes_before_the_dns(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);
	char target[64];

	(void)state;
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	assert_int_equal(dialer_route_set(dialer, S("a.example"), str_z(target), NULL), 0);
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	assert_false(seen.target.is_direct_tls);
	assert_false(seen.target.is_secure);
	assert_int_equal(zone_asked(zone, STARTTLS, DNS_SRV), 0);
	assert_true(dialer_route_del(dialer, S("a.example")));
	assert_false(dialer_route_del(dialer, S("a.example")));
	dial_once("a.example");
	assert_failed(DIAL_NOT_FOUND, "a.example");
	close(fd);
}

static void
test_a_route_to_a_name(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);
	char target[64];

	(void)state;
	zone_a(zone, "host.example", "127.0.0.1");
	snprintf(target, sizeof(target), "host.example:%u", port);
	assert_int_equal(dialer_route_set(dialer, S("nowhere"), str_z(target), NULL), 0);
	dial_once("nowhere");
	assert_open("127.0.0.1", port);
	assert_string_equal(seen.target.host, "host.example");
	close(fd);
}

static void
test_a_closed_port_fails_at_once(void **state)
{
	uint16_t port;
	int fd = bound("127.0.0.1", &port);
	char target[64], words[64];

	(void)state;
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	snprintf(words, sizeof(words), "port %u: Connection refused", port);
	assert_int_equal(dialer_route_set(dialer, S("a.example"), str_z(target), NULL), 0);
	dial_once("a.example");
	assert_failed(DIAL_REFUSED, words);
	close(fd);
}

static void
test_ourselves(void **state)
{
	struct {
		const char *listens, *target;
		bool is_ours;
	} cases[] = {
	    {"*", "127.0.0.1", true},
	    {"0.0.0.0", "127.0.0.1", true},
	    {"127.0.0.1", "127.0.0.1", true},
	    {"127.0.0.1", "127.0.0.2", false},
	    {"*", "127.0.0.2", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint16_t port;
		int fd = listening(cases[i].target, &port);
		char target[64];

		free((char *)dialer->listeners[0].address);
		dialer->listeners[0] =
		    (struct dial_listener){str_dup(str_z(cases[i].listens)), port};
		snprintf(target, sizeof(target), "%s:%u", cases[i].target, port);
		assert_int_equal(dialer_route_set(dialer, S("a.example"), str_z(target), NULL), 0);
		dial_once("a.example");
		if (cases[i].is_ours)
			assert_failed(DIAL_OURSELVES, "leads back to ourselves");
		else
			assert_open(cases[i].target, port);
		close(fd);
	}
}

/* Whoever listens on 5269 here: the way is the same. */
static void
test_a_domain_that_is_an_address(void **state)
{
	(void)state;
	dial_once("127.11.12.13");
	if (seen.outcome == OPENED)
		assert_open("127.11.12.13", DIAL_PORT);
	else
		assert_failed(DIAL_REFUSED, "127.11.12.13 (127.11.12.13) port 5269");
	dial_once("[::1]");
	if (seen.outcome == OPENED)
		assert_open("::1", DIAL_PORT);
	else
		assert_failed(DIAL_REFUSED, "::1 (::1) port 5269");
}

/* ---- life ---- */

static void
test_freed_in_an_event(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);
	struct dial *d;

	(void)state;
	zone_srv(zone, STARTTLS, 1, 1, port, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	seen = (struct seen){.loop = loop, .free_in_event = &d};
	d = dial_new(dialer, S("a.example"), &rig_events, &seen);
	wait_for_event();
	assert_open("127.0.0.1", port);
	assert_null(d);
	d = dial_new(dialer, S("nowhere.example"), &rig_events, &seen);
	wait_for_event();
	assert_failed(DIAL_NOT_FOUND, "nowhere");
	assert_null(d);
	close(fd);
}

/* At each moment of its life. */
static void
test_freed_on_the_way(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_srv(zone, STARTTLS, 1, 1, port, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	for (unsigned turns = 0; turns < 60; turns++) {
		seen = (struct seen){.loop = loop};
		struct dial *d = dial_new(dialer, S("a.example"), &rig_events, &seen);
		for (unsigned i = 0; i < turns; i++) {
			loop_run_once(loop);
			usleep(100);
		}
		dial_free(&d);
		assert_int_equal(dialer->n_dials, 0);
	}
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

static void
test_many_at_once(void **state)
{
	enum {
		N = 100
	};
	struct dial *d[N];
	struct seen all[N];
	uint16_t port;
	int fd = listening("127.0.0.1", &port);
	char name[64];
	size_t done = 0;

	(void)state;
	zone_a(zone, "h.example", "127.0.0.1");
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "_xmpp-server._tcp.d%u.example", i);
		zone_srv(zone, name, 1, 1, port, "h.example");
	}
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		all[i] = (struct seen){.loop = loop};
		d[i] = dial_new(dialer, str_z(name), &rig_events, &all[i]);
	}
	while (done < N) {
		loop_run(loop);
		done = 0;
		for (unsigned i = 0; i < N; i++)
			done += all[i].outcome != NOTHING;
	}
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(all[i].outcome, OPENED);
		assert_int_equal(all[i].times, 1);
		dial_free(&d[i]);
	}
	close(fd);
}

/* ---- remembering ---- */

static void
test_failures_are_remembered(void **state)
{
	(void)state;
	dial_once("a.example");
	assert_failed(DIAL_NOT_FOUND, "no such name");
	char first[256];
	snprintf(first, sizeof(first), "%s", seen.step);
	zone_fault(zone, STARTTLS, DNS_SRV, ZONE_SERVFAIL);
	dial_once("a.example");
	assert_failed(DIAL_NOT_FOUND, first);
	/* Until the operator says otherwise. */
	dialer_forget(dialer, S("a.example"));
	assert_int_equal(dialer_route_set(dialer, S("a.example"), S("127.0.0.1:1"), NULL), 0);
	dial_once("a.example");
	assert_failed(DIAL_REFUSED, "port 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_route_goes_before_the_dns),
	    TEST(test_a_route_to_a_name),
	    TEST(test_a_closed_port_fails_at_once),
	    TEST(test_ourselves),
	    TEST(test_a_domain_that_is_an_address),
	    TEST(test_freed_in_an_event),
	    TEST(test_freed_on_the_way),
	    TEST(test_many_at_once),
	    cmocka_unit_test_setup_teardown(
		test_failures_are_remembered, set_up_remembering, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
