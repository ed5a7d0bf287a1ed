/* slab: objects of one size, used again last in, first out. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct thing {
	uint64_t a;
	char b[13];
};

#define MANY 1000

static void
test_objects_are_apart_and_zeroed(void **state)
{
	(void)state;
	static struct thing *things[MANY];
	struct slab s;
	slab_init(&s, sizeof(struct thing));
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			static const struct thing zero;
			things[i] = slab_get(&s);
			assert_int_equal((uintptr_t)things[i] % sizeof(uint64_t), 0);
			assert_memory_equal(things[i], &zero, sizeof(zero));
			memset(things[i], (int)i, sizeof(*things[i]));
		}
		for (unsigned i = 0; i < MANY; i++) {
			assert_int_equal((uint8_t)things[i]->b[12], i & 0xFF);
			slab_put(&s, things[i]);
		}
	}
	slab_deinit(&s);
}

static void
test_the_last_one_comes_first(void **state)
{
	(void)state;
	struct slab s;
	slab_init(&s, 1);
	void *one = slab_get(&s), *two = slab_get(&s);
	slab_put(&s, one);
	slab_put(&s, two);
	assert_ptr_equal(slab_get(&s), two);
	assert_ptr_equal(slab_get(&s), one);
	slab_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_objects_are_apart_and_zeroed),
	    cmocka_unit_test(test_the_last_one_comes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
