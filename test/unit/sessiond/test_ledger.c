/* The ledger of a session: bounded, and not for state. */
#include "ledger.h"
#include "scene.h"

static void
test_ledger_cap(void **state)
{
	struct ledger l = {0};
	struct opid op = {.origin = id_random(), .kind = OP_DELIVERY};

	(void)state;
	for (op.n = 1; op.n <= LEDGER_MAX + 10; op.n++)
		ledger_add(&l, &op, op.n);
	assert_int_equal(l.n, LEDGER_MAX);
	for (op.n = 1; op.n <= 10; op.n++)
		assert_null(ledger_find(&l, &op));
	for (; op.n <= LEDGER_MAX + 10; op.n++)
		assert_int_equal(ledger_find(&l, &op)->k, op.n);
	assert_null(ledger_find(&l, &op));
	/* State is not worth a place. */
	op.n = 5000;
	op.kind = OP_PRESENCE;
	ledger_add(&l, &op, 1);
	assert_null(ledger_find(&l, &op));
	ledger_deinit(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ledger_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
