/* Shaping arithmetic: the burst is free, then the pause is just as long as it takes to earn back what is over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge/shape.h"

static const struct shape_rate RATE = {.bytes_per_second = 1000, .burst_bytes = 5000};

static void
test_a_burst_is_free(void **state)
{
	struct shape s = {0};

	(void)state;
	assert_int_equal(shape_take(&s, &RATE, 5000, 1), 0);
	assert_int_equal(shape_take(&s, &RATE, 1, 1), 1000);
}

static void
test_the_pause_is_what_is_over_the_burst(void **state)
{
	struct shape s = {0};

	(void)state;
	assert_int_equal(shape_take(&s, &RATE, 7000, 1), 2000000);
	assert_int_equal(shape_take(&s, &RATE, 0, 1000001), 1000000);
	assert_int_equal(shape_take(&s, &RATE, 0, 2000001), 0);
}

static void
test_time_fills_no_more_than_the_bucket(void **state)
{
	struct shape s = {0};

	(void)state;
	assert_int_equal(shape_take(&s, &RATE, 5000, 1), 0);
	assert_int_equal(shape_take(&s, &RATE, 5000, 1000000000), 0);
	assert_int_equal(shape_take(&s, &RATE, 1000, 1000000000), 1000000);
}

static void
test_a_steady_sender_within_its_rate_is_never_paused(void **state)
{
	struct shape s = {0};

	(void)state;
	for (uint64_t now = 1; now < 100 * 1000000; now += 100000)
		assert_int_equal(shape_take(&s, &RATE, 100, now), 0);
}

static void
test_a_clock_that_goes_back_gives_nothing(void **state)
{
	struct shape s = {0};

	(void)state;
	assert_int_equal(shape_take(&s, &RATE, 5000, 1000000), 0);
	assert_int_equal(shape_take(&s, &RATE, 1000, 0), 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_burst_is_free),
	    cmocka_unit_test(test_the_pause_is_what_is_over_the_burst),
	    cmocka_unit_test(test_time_fills_no_more_than_the_bucket),
	    cmocka_unit_test(test_a_steady_sender_within_its_rate_is_never_paused),
	    cmocka_unit_test(test_a_clock_that_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
