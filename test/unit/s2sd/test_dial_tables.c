/* What the dialer keeps: routes, and failures. */
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

static void
test_targets_of_routes(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		unsigned port;
	} cases[] = {
	    {"example.org", "example.org", 5269},
	    {"example.org:5222", "example.org", 5222},
	    {"192.0.2.1", "192.0.2.1", 5269},
	    {"192.0.2.1:1", "192.0.2.1", 1},
	    {"[2001:db8::1]", "2001:db8::1", 5269},
	    {"[2001:db8::1]:65535", "2001:db8::1", 65535},
	    {"2001:db8::1", "2001:db8::1", 5269},
	    {"", NULL, 0},
	    {":5269", NULL, 0},
	    {"example.org:", NULL, 0},
	    {"example.org:0", NULL, 0},
	    {"example.org:65536", NULL, 0},
	    {"example.org:a", NULL, 0},
	    {"[2001:db8::1", NULL, 0},
	    {"[2001:db8::1]x", NULL, 0},
	    {"[2001:db8::1]:", NULL, 0},
	    {"[]", NULL, 0},
	    {"[", NULL, 0},
	    {"a:b:c", NULL, 0},
	};
	struct err err;
	struct route r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int rc = route_parse(&r, str_z(cases[i].text), &err);
		if ((rc == 0) != (cases[i].host != NULL) ||
		    (rc == 0 && (strcmp(r.host, cases[i].host) != 0 || r.port != cases[i].port)))
			fail_msg("\"%s\"", cases[i].text);
		assert_int_equal(dial_check_target(str_z(cases[i].text), &err), rc);
	}
}

static void
test_inv_02_routes_are_bounded(void **state)
{
	struct route_table *t = route_table_new();
	struct err err;
	char domain[32];

	(void)state;
	for (unsigned i = 0; i < ROUTES_MAX; i++) {
		snprintf(domain, sizeof(domain), "d%u.example", i);
		assert_int_equal(route_set(t, str_z(domain), S("h.example"), &err), 0);
	}
	assert_int_equal(route_set(t, S("more.example"), S("h.example"), &err), -1);
	/* One that is there can be changed. */
	assert_int_equal(route_set(t, S("d7.example"), S("h.example:1"), &err), 0);
	assert_int_equal(route_find(t, S("d7.example"))->port, 1);
	route_table_free(&t);
}

static void
test_inv_02_failures_are_bounded(void **state)
{
	struct failure_table *t = failure_table_new();
	struct failure f = {.error = DIAL_DNS, .step = "x"};
	char domain[32];

	(void)state;
	for (unsigned i = 0; i < FAILURES_MAX + 10; i++) {
		snprintf(domain, sizeof(domain), "d%u.example", i);
		failure_add(t, str_z(domain), &f, 100);
	}
	assert_int_equal(failure_count(t), FAILURES_MAX);
	assert_null(failure_find(t, S("d9.example"), 99));
	assert_non_null(failure_find(t, S("d10.example"), 99));
	assert_null(failure_find(t, S("d10.example"), 100));
	assert_int_equal(failure_count(t), FAILURES_MAX - 1);
	failure_table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_targets_of_routes),
	    cmocka_unit_test(test_inv_02_routes_are_bounded),
	    cmocka_unit_test(test_inv_02_failures_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
