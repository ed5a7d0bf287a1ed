/* ctl/restarts.c: at once, but 1 s to 60 s after five deaths in ten seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restarts.h"

static void
test_at_once_at_first(void **state)
{
	struct restarts r = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(restarts_after_death(&r, 1000 + i, 1000 + i), 0);
	assert_int_equal(restarts_after_death(&r, 1005, 1005), 1000);
}

static void
test_pause_doubles_to_a_minute(void **state)
{
	struct restarts r = {0};
	static const uint64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
	uint64_t now_ms = 5000;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(restarts_after_death(&r, now_ms, now_ms), 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(restarts_after_death(&r, now_ms, now_ms), pauses[i] * 1000);
		now_ms += pauses[i] * 1000;
	}
}

static void
test_slow_deaths_never_pause(void **state)
{
	struct restarts r = {0};
	uint64_t now_ms = 1000;

	(void)state;
	for (unsigned i = 0; i < 100; i++, now_ms += 2600)
		assert_int_equal(restarts_after_death(&r, now_ms - 2600, now_ms), 0);
}

static void
test_a_minute_of_life_is_a_clean_sheet(void **state)
{
	struct restarts r = {0};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		restarts_after_death(&r, 1000, 1000);
	assert_int_equal(restarts_after_death(&r, 1000, 61000), 0);
	assert_int_equal(restarts_after_death(&r, 61000, 61000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_once_at_first),
	    cmocka_unit_test(test_pause_doubles_to_a_minute),
	    cmocka_unit_test(test_slow_deaths_never_pause),
	    cmocka_unit_test(test_a_minute_of_life_is_a_clean_sheet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
