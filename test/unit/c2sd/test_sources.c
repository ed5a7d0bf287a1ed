/* Limits by source, and who is let in at all. */
#include "base/map.h"
#include "rig.h"
#include "sources.h"

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

/* ---- listen.c ---- */

static struct visitor
visitor_from(const char *address)
{
	struct visitor v = {.is_counted = false};

	v.source = at(address);
	return v;
}

static void
test_the_exempt_are_free_of_limits_by_source(void **state)
{
	static const char *const networks[] = {"127.0.0.0/8", "2001:db8::/32"};
	struct visitor v[8], stranger;

	(void)state;
	rig.settings.exempt = (struct setting_strings){networks, 2};
	rig.settings.source_connections = 1;
	listen_read_exempt(rig.c2sd);
	for (int i = 0; i < 8; i++) {
		v[i] = visitor_from(i % 2 ? "127.0.0.1" : "2001:db8::1");
		assert_true(listen_count(rig.c2sd, &v[i]));
		assert_true(v[i].is_exempt);
	}
	stranger = visitor_from("192.0.2.1");
	assert_true(listen_count(rig.c2sd, &stranger));
	assert_false(stranger.is_exempt);
	assert_int_equal(rig.c2sd->n_preauth, 9);
	for (int i = 0; i < 8; i++)
		listen_uncount(rig.c2sd, &v[i]);
	listen_uncount(rig.c2sd, &stranger);
	listen_uncount(rig.c2sd, &stranger);
	assert_int_equal(rig.c2sd->n_preauth, 0);
}

/* From half of the bound on some are turned away, at the bound all; whoever leaves makes room. */
static void
test_early_drop(void **state)
{
	struct visitor v[100];
	unsigned in = 0, out = 0;

	(void)state;
	rig.settings.preauth_max = 40;
	rig.settings.source_connections = 1000;
	rig.settings.source_per_minute = 1000;
	for (int i = 0; i < 100; i++) {
		v[i] = visitor_from("192.0.2.1");
		if (listen_count(rig.c2sd, &v[i]))
			in++;
		else if (in <= 20)
			out++;
	}
	assert_int_equal(out, 0);
	assert_in_range(in, 21, 40);
	for (int i = 0; i < 100; i++)
		listen_uncount(rig.c2sd, &v[i]);
	assert_int_equal(rig.c2sd->n_preauth, 0);
	assert_true(listen_count(rig.c2sd, &v[0]));
	listen_uncount(rig.c2sd, &v[0]);
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
	    cmocka_unit_test_setup_teardown(
		test_the_exempt_are_free_of_limits_by_source, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_early_drop, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
