/* base/wheel: what is due comes, once, in time; what has time does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/wheel.h"

#define STEP 250

struct thing {
	struct wheel_node node;
	uint64_t again_ms; /* 0: is removed when it is due */
	unsigned came;
};

static struct wheel wheel;

static void
on_due(struct wheel_node *n, void *ctx)
{
	struct thing *t = CONTAINER_OF(n, struct thing, node);

	t->came++;
	if (t->again_ms)
		wheel_put(ctx, n, n->due_ms + t->again_ms);
	else
		wheel_remove(n);
}

static void
put(struct thing *t, uint64_t due_ms)
{
	wheel_node_init(&t->node);
	wheel_put(&wheel, &t->node, due_ms);
}

static void
turn(uint64_t now_ms)
{
	wheel_turn(&wheel, now_ms, on_due, &wheel);
}

static void
test_each_is_due_once_and_in_time(void **state)
{
	static struct thing all[3000];

	(void)state;
	wheel_init(&wheel, STEP, 10);
	for (size_t i = 0; i < COUNT(all); i++)
		put(&all[i], i * 37);
	for (uint64_t now = 0; now <= COUNT(all) * 37; now += 50) {
		turn(now);
		for (size_t i = 0; i < COUNT(all); i++)
			if (all[i].came != (i * 37 <= now))
				fail_msg("%zu came %u times at %u", i, all[i].came, (unsigned)now);
	}
	assert_null(wheel_any(&wheel));
}

static void
test_one_that_has_passed_is_due_at_the_next_turn(void **state)
{
	struct thing t = {.came = 0};

	(void)state;
	wheel_init(&wheel, STEP, 0);
	turn(100000);
	put(&t, 1);
	turn(100000);
	assert_int_equal(t.came, 1);
}

static void
test_put_again(void **state)
{
	struct thing later = {.came = 0}, often = {.again_ms = STEP};

	(void)state;
	wheel_init(&wheel, STEP, 0);
	put(&later, 500);
	put(&often, 500);
	wheel_put(&wheel, &later.node, 60000);
	turn(700);
	assert_int_equal(later.came, 0);
	assert_int_equal(often.came, 1);
	for (uint64_t now = 750; now < 60000; now += STEP)
		turn(now);
	assert_int_equal(later.came, 0);
	turn(60000);
	assert_int_equal(later.came, 1);
	assert_int_equal(often.came, 239);
	wheel_remove(&often.node);
	assert_null(wheel_any(&wheel));
}

static void
test_after_a_long_pause_all_come(void **state)
{
	struct thing all[200] = {{.came = 0}};

	(void)state;
	wheel_init(&wheel, STEP, 0);
	for (size_t i = 0; i < COUNT(all); i++)
		put(&all[i], i * STEP);
	turn(10000000);
	for (size_t i = 0; i < COUNT(all); i++)
		assert_int_equal(all[i].came, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_is_due_once_and_in_time),
	    cmocka_unit_test(test_one_that_has_passed_is_due_at_the_next_turn),
	    cmocka_unit_test(test_put_again),
	    cmocka_unit_test(test_after_a_long_pause_all_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
