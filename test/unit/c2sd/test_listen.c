/* Who is let in at all. */
#include "rig.h"

static struct source
at(const char *address)
{
	struct source s;

	assert_true(source_parse(str_z(address), &s));
	return s;
}

static struct visitor
visitor_from(const char *address)
{
	struct visitor v = {.is_counted = false};

	v.source = at(address);
	return v;
}

static bool
enters(struct visitor *v)
{
	return door_enter(&rig.c2sd->door, v, c2sd_now_ms(rig.c2sd));
}

static void
test_the_exempt_are_free_of_limits_by_source(void **state)
{
	static const char *const networks[] = {"127.0.0.0/8", "2001:db8::/32"};
	struct visitor v[8], stranger;

	(void)state;
	rig.settings.door.exempt = (struct setting_strings){networks, 2};
	rig.settings.door.source_connections = 1;
	door_set(&rig.c2sd->door, &rig.settings.door);
	for (int i = 0; i < 8; i++) {
		v[i] = visitor_from(i % 2 ? "127.0.0.1" : "2001:db8::1");
		assert_true(enters(&v[i]));
		assert_true(v[i].is_exempt);
	}
	stranger = visitor_from("192.0.2.1");
	assert_true(enters(&stranger));
	assert_false(stranger.is_exempt);
	assert_int_equal(rig.c2sd->door.n_strangers, 9);
	for (int i = 0; i < 8; i++)
		door_leave(&rig.c2sd->door, &v[i]);
	door_leave(&rig.c2sd->door, &stranger);
	door_leave(&rig.c2sd->door, &stranger);
	assert_int_equal(rig.c2sd->door.n_strangers, 0);
}

/* From half of the bound on some are turned away, at the bound all; whoever leaves makes room. */
static void
test_early_drop(void **state)
{
	struct visitor v[100];
	unsigned in = 0, out = 0;

	(void)state;
	rig.settings.door.strangers = 40;
	rig.settings.door.source_connections = 1000;
	rig.settings.door.source_per_minute = 1000;
	for (int i = 0; i < 100; i++) {
		v[i] = visitor_from("192.0.2.1");
		if (enters(&v[i]))
			in++;
		else if (in <= 20)
			out++;
	}
	assert_int_equal(out, 0);
	assert_in_range(in, 21, 40);
	for (int i = 0; i < 100; i++)
		door_leave(&rig.c2sd->door, &v[i]);
	assert_int_equal(rig.c2sd->door.n_strangers, 0);
	assert_true(enters(&v[0]));
	door_leave(&rig.c2sd->door, &v[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_the_exempt_are_free_of_limits_by_source, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_early_drop, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
