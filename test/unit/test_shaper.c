/* Senders who are too fast wait, each for its own time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "edge/shaper.h"

static const struct shape_rate RATE = {.bytes_per_second = 1000, .burst_bytes = 1000};

struct sender {
	struct shaped shaped;
	unsigned resumed; /* in which place; 0: not yet */
	struct sender *ends;
};

static struct loop *loop;
static struct shaper shaper;
static struct sender senders[3];
static unsigned n_resumed, n_expected;

static void
resume(struct shaped *s)
{
	struct sender *c = CONTAINER_OF(s, struct sender, shaped);

	c->resumed = ++n_resumed;
	if (c->ends)
		shaped_forget(&c->ends->shaped);
	if (n_resumed == n_expected)
		loop_stop(loop);
}

static int
setup(void **state)
{
	(void)state;
	loop = loop_new();
	shaper_init(&shaper, resume);
	shaper_start(&shaper, loop);
	n_resumed = 0;
	for (size_t i = 0; i < COUNT(senders); i++) {
		senders[i] = (struct sender){.resumed = 0};
		shaped_init(&senders[i].shaped);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	shaper_stop(&shaper);
	loop_free(&loop);
	return 0;
}

static bool
sends(size_t i, size_t bytes)
{
	return shaper_take(&shaper, &senders[i].shaped, &RATE, bytes);
}

static void
test_who_is_slow_enough_does_not_wait(void **state)
{
	(void)state;
	assert_false(sends(0, 1000));
	assert_null(wheel_any(&shaper.waiting));
}

static void
test_each_waits_for_its_own_time(void **state)
{
	(void)state;
	n_expected = 3;
	assert_true(sends(0, 1150));
	assert_true(sends(1, 1010));
	assert_true(sends(2, 1080));
	loop_run(loop);
	assert_int_equal(senders[1].resumed, 1);
	assert_int_equal(senders[2].resumed, 2);
	assert_int_equal(senders[0].resumed, 3);
	assert_null(wheel_any(&shaper.waiting));
}

static void
test_one_may_be_the_end_of_another(void **state)
{
	(void)state;
	n_expected = 2;
	for (size_t i = 0; i < COUNT(senders); i++) {
		assert_true(sends(i, 1010));
		wheel_put(&shaper.waiting, &senders[i].shaped.node, 1);
	}
	senders[0].ends = &senders[1];
	shaper_turn(&shaper);
	assert_int_equal(senders[0].resumed, 1);
	assert_int_equal(senders[1].resumed, 0);
	assert_int_equal(senders[2].resumed, 2);
	/* and it can come again */
	assert_true(sends(1, 1010));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_who_is_slow_enough_does_not_wait),
	    TEST(test_each_waits_for_its_own_time),
	    TEST(test_one_may_be_the_end_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
