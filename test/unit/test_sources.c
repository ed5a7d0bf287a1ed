/* Limits by source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "edge/sources.h"

static const struct source_limits LIMITS = {.connections = 3, .per_minute = 6};

static struct source
at(const char *address)
{
	struct source s;

	assert_true(source_parse(str_z(address), &s));
	return s;
}

static bool
enters(struct source_table *t, const char *address, uint64_t now_ms)
{
	struct source s = at(address);

	return source_enter(t, &s, &LIMITS, now_ms);
}

static void
leaves(struct source_table *t, const char *address)
{
	struct source s = at(address);

	source_leave(t, &s);
}

static void
test_connections_at_the_same_time(void **state)
{
	struct source_table *t = source_table_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(enters(t, "192.0.2.1", 1));
	assert_false(enters(t, "192.0.2.1", 1));
	assert_true(enters(t, "192.0.2.2", 1));
	leaves(t, "192.0.2.1");
	assert_true(enters(t, "192.0.2.1", 1));
	source_table_free(&t);
}

static void
test_new_ones_in_a_minute(void **state)
{
	struct source_table *t = source_table_new();

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_true(enters(t, "192.0.2.1", 1));
		leaves(t, "192.0.2.1");
	}
	assert_false(enters(t, "192.0.2.1", 1));
	assert_false(enters(t, "192.0.2.1", 10000));
	assert_true(enters(t, "192.0.2.1", 10001));
	assert_false(enters(t, "192.0.2.1", 10001));
	source_table_free(&t);
}

static void
test_a_source_is_a_customer(void **state)
{
	struct source_table *t = source_table_new();

	(void)state;
	assert_true(enters(t, "2001:db8::1", 1));
	assert_true(enters(t, "2001:db8::2:3:4", 1));
	assert_true(enters(t, "2001:db8:0:0:ffff::", 1));
	assert_false(enters(t, "2001:db8::5", 1));
	assert_true(enters(t, "2001:db8:0:1::1", 1));
	assert_int_equal(source_count(t), 2);
	source_table_free(&t);
}

/* INV-24: a source that is gone leaves nothing behind, one that is there is not forgotten. */
static void
test_inv_24_silent_sources_are_forgotten(void **state)
{
	struct source_table *t = source_table_new();

	(void)state;
	assert_true(enters(t, "192.0.2.1", 1));
	assert_true(enters(t, "192.0.2.2", 1));
	leaves(t, "192.0.2.1");
	source_sweep(t, 60000);
	assert_int_equal(source_count(t), 2);
	source_sweep(t, 60001);
	assert_int_equal(source_count(t), 1);
	leaves(t, "192.0.2.2");
	source_sweep(t, 60001);
	assert_int_equal(source_count(t), 0);
	source_table_free(&t);
}

static void
test_the_table_is_bounded(void **state)
{
	struct source_table *t = source_table_new();
	struct source s = at("2001:db8::");

	(void)state;
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		s.bytes[4] = (uint8_t)(i >> 8);
		s.bytes[5] = (uint8_t)i;
		assert_true(source_enter(t, &s, &LIMITS, 1));
	}
	assert_false(enters(t, "192.0.2.1", 1));
	source_table_free(&t);
}

static void
test_lists_of_networks(void **state)
{
	static const char *const right[] = {"192.0.2.0/24", "2001:db8::/32"};
	static const char *const wrong[] = {"192.0.2.0/24", "localhost"};
	const char *many[NETWORKS_MAX + 1];
	struct source in = at("192.0.2.7"), out = at("192.0.3.7");
	struct networks n = {.n = 0};
	struct err err;

	(void)state;
	for (size_t i = 0; i <= NETWORKS_MAX; i++)
		many[i] = "::1";
	assert_false(networks_have(&n, &in));
	assert_int_equal(networks_set(&n, right, 2, &err), 0);
	assert_int_equal(networks_set(&n, wrong, 2, &err), -1);
	assert_non_null(strstr(err.text, "\"localhost\""));
	assert_int_equal(networks_set(&n, many, NETWORKS_MAX + 1, &err), -1);
	assert_true(networks_have(&n, &in));
	assert_false(networks_have(&n, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connections_at_the_same_time),
	    cmocka_unit_test(test_new_ones_in_a_minute),
	    cmocka_unit_test(test_a_source_is_a_customer),
	    cmocka_unit_test(test_inv_24_silent_sources_are_forgotten),
	    cmocka_unit_test(test_the_table_is_bounded),
	    cmocka_unit_test(test_lists_of_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
