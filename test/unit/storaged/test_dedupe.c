/* storaged/dedupe.c: what was added last is known, what came long before is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dedupe.h"

static struct opid
op(uint64_t n)
{
	return (struct opid){.origin = {{1}}, .n = n, .kind = OP_ARCHIVE_FROM};
}

static void
add(struct dedupe *d, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n < to; n++) {
		struct opid o = op(n);

		dedupe_add(d, &o, n);
	}
}

static uint64_t
known(const struct dedupe *d, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (uint64_t n = from; n < to; n++) {
		struct opid o = op(n);

		count += dedupe_find(d, &o) == n;
	}
	return count;
}

static void
test_a_generation_is_known_and_two_are_the_most(void **state)
{
	struct dedupe *d = dedupe_new();
	const uint64_t g = DEDUPE_GENERATION;

	(void)state;
	assert_int_equal(known(d, 1, 10), 0);
	for (uint64_t end = g / 4; end <= 4 * g; end += g / 4) {
		uint64_t first = end > g ? end - g : 1, most = end > 2 * g ? end - 2 * g : 1;

		add(d, end - g / 4 + (end == g / 4), end);
		assert_int_equal(known(d, first, end), end - first);
		assert_int_equal(known(d, 1, most), 0);
	}
	dedupe_free(&d);
}

static void
test_the_newest_id_counts(void **state)
{
	struct dedupe *d = dedupe_new();
	struct opid o = op(7);

	(void)state;
	dedupe_add(d, &o, 1);
	dedupe_add(d, &o, 2);
	assert_int_equal(dedupe_find(d, &o), 2);
	add(d, 100, 100 + DEDUPE_GENERATION);
	dedupe_add(d, &o, 3);
	assert_int_equal(dedupe_find(d, &o), 3);
	dedupe_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_generation_is_known_and_two_are_the_most),
	    cmocka_unit_test(test_the_newest_id_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
