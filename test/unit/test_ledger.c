/* Ledgers: what was sent and may be brought again; bounded, not for state, and forgotten when it is settled (BUS.md §7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/ledger.h"

static struct ledger_index ids;
static struct ledger one, two;
static unsigned n_told;

static int
begin(void **state)
{
	(void)state;
	ledger_index_init(&ids);
	ledger_init(&one, &ids);
	ledger_init(&two, &ids);
	n_told = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	ledger_deinit(&one);
	ledger_deinit(&two);
	assert_int_equal(ids.n, 0);
	ledger_index_deinit(&ids);
	return 0;
}

static void
on_forgotten(void *ctx, struct ledger *l, const struct opid *op)
{
	assert_ptr_equal(ctx, &ids);
	assert_true(l == &one || l == &two);
	assert_true(op->n > 0);
	n_told++;
}

static void
settle(const struct opid *op)
{
	ledger_settle(&ids, &op->origin, op->n, on_forgotten, &ids);
}

static void
test_ledger_cap(void **state)
{
	struct opid op = {.origin = {{1}}, .kind = OP_DELIVERY};

	(void)state;
	for (op.n = 1; op.n <= LEDGER_MAX + 10; op.n++)
		ledger_add(&one, &op, op.n, LEDGER_FREE);
	assert_int_equal(one.n, LEDGER_MAX);
	for (op.n = 1; op.n <= 10; op.n++)
		assert_null(ledger_find(&one, &op));
	for (; op.n <= LEDGER_MAX + 10; op.n++)
		assert_int_equal(ledger_find(&one, &op)->k, op.n);
	assert_null(ledger_find(&one, &op));
	/* State is not worth a place. */
	op.n = 5000;
	op.kind = OP_PRESENCE;
	ledger_add(&one, &op, 1, LEDGER_FREE);
	assert_null(ledger_find(&one, &op));
}

static void
test_7_a_settled_stanza_is_forgotten_by_all(void **state)
{
	struct opid op = {.origin = {{1}}, .n = 7, .kind = OP_DELIVERY}, copy = op, next = op;

	(void)state;
	copy.kind = OP_CARBON;
	next.n = 8;
	ledger_add(&one, &op, 1, LEDGER_FREE);
	ledger_add(&one, &next, 2, LEDGER_FREE);
	ledger_add(&two, &copy, 1, LEDGER_FREE);
	settle(&op);
	assert_null(ledger_find(&one, &op));
	assert_null(ledger_find(&two, &copy));
	assert_non_null(ledger_find(&one, &next));
	assert_int_equal(n_told, 2);
}

/* One that is given again must be known to all who have got it. */
static void
test_7_not_while_one_of_them_may_be_given_it_again(void **state)
{
	struct opid op = {.origin = {{1}}, .n = 7, .kind = OP_DELIVERY};

	(void)state;
	ledger_add(&one, &op, 1, LEDGER_GIVEN);
	ledger_add(&two, &op, 1, LEDGER_FREE);
	settle(&op);
	assert_non_null(ledger_find(&one, &op));
	assert_non_null(ledger_find(&two, &op));
	ledger_release(&one, &op, on_forgotten, &ids);
	assert_int_equal(ids.n, 0);
	assert_int_equal(n_told, 2);
}

static void
test_7_not_before_it_is_settled(void **state)
{
	struct opid op = {.origin = {{1}}, .n = 7, .kind = OP_DELIVERY};

	(void)state;
	ledger_add(&one, &op, 1, LEDGER_GIVEN);
	ledger_release(&one, &op, on_forgotten, &ids);
	assert_non_null(ledger_find(&one, &op));
	settle(&op);
	assert_null(ledger_find(&one, &op));
}

static void
test_7_what_a_row_may_bring_stays(void **state)
{
	struct opid row = {.origin = {{1}}, .n = 7, .kind = OP_DELIVERY}, again = row;

	(void)state;
	again.n = 8;
	ledger_add(&one, &row, 1, LEDGER_STORED);
	ledger_add(&one, &again, 2, LEDGER_FREE);
	ledger_pin(&ids, &again.origin, again.n);
	settle(&row);
	settle(&again);
	ledger_release(&one, &row, on_forgotten, &ids);
	assert_non_null(ledger_find(&one, &row));
	assert_non_null(ledger_find(&one, &again));
	assert_int_equal(n_told, 0);
}

/* The index grows and is emptied again. */
static void
test_7_many(void **state)
{
	struct opid op = {.origin = {{1}}, .kind = OP_DELIVERY};

	(void)state;
	for (op.n = 1; op.n <= LEDGER_MAX; op.n++) {
		ledger_add(&one, &op, op.n, LEDGER_FREE);
		ledger_add(&two, &op, op.n, LEDGER_FREE);
	}
	assert_int_equal(ids.n, 2 * LEDGER_MAX);
	for (op.n = 1; op.n <= LEDGER_MAX; op.n++)
		settle(&op);
	assert_int_equal(ids.n, 0);
	assert_int_equal(n_told, 2 * LEDGER_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_ledger_cap),
	    TEST(test_7_a_settled_stanza_is_forgotten_by_all),
	    TEST(test_7_not_while_one_of_them_may_be_given_it_again),
	    TEST(test_7_not_before_it_is_settled),
	    TEST(test_7_what_a_row_may_bring_stays),
	    TEST(test_7_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
