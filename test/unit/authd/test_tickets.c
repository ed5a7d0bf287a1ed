/* The life of a ticket (C-5, INV-17). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/id.h"
#include "tickets.h"

static const struct handle handle = {.edge_incarnation = 77, .conn = 3};
#define ALICE S("alice@example.org")

static struct tickets *
fresh(size_t max)
{
	id_init();
	return tickets_new(max);
}

static void
test_same_handle_until_it_expires(void **state)
{
	struct tickets *t = fresh(8);
	struct id128 id;
	struct str jid;
	uint64_t generation;

	(void)state;
	assert_true(tickets_mint(t, ALICE, 5, &handle, 61000, &id));
	for (uint64_t now = 1000; now < 61000; now += 10000) {
		assert_int_equal(
		    tickets_redeem(t, &id, &handle, now, &jid, &generation), TICKET_GOOD);
		assert_true(str_eq(jid, ALICE));
		assert_int_equal(generation, 5);
	}
	assert_int_equal(tickets_redeem(t, &id, &handle, 61000, &jid, &generation), TICKET_UNKNOWN);
	tickets_sweep(t, 60999);
	assert_int_equal(tickets_count(t), 1);
	tickets_sweep(t, 61000);
	assert_int_equal(tickets_count(t), 0);
	tickets_free(&t);
}

static void
test_inv_17_bound_to_its_handle(void **state)
{
	static const struct handle others[] = {{77, 4}, {78, 3}, {0, 3}, {77, 0}};
	struct tickets *t = fresh(8);
	struct id128 id;
	struct str jid = {0};
	uint64_t generation;

	(void)state;
	assert_true(tickets_mint(t, ALICE, 1, &handle, 60000, &id));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    tickets_redeem(t, &id, &others[i], 1, &jid, &generation), TICKET_FOREIGN);
	assert_true(str_empty(jid));
	assert_int_equal(tickets_redeem(t, &id, &handle, 1, &jid, &generation), TICKET_GOOD);
	tickets_free(&t);
}

static void
test_inv_17_guesses(void **state)
{
	struct tickets *t = fresh(8);
	struct id128 id, guess;
	struct str jid;
	uint64_t generation;

	(void)state;
	assert_true(tickets_mint(t, ALICE, 1, &handle, 60000, &id));
	assert_false(id_is_zero(&id));
	for (size_t byte = 0; byte < sizeof(id.b); byte++) {
		guess = id;
		guess.b[byte] ^= 1;
		assert_int_equal(
		    tickets_redeem(t, &guess, &handle, 1, &jid, &generation), TICKET_UNKNOWN);
	}
	guess = (struct id128){{0}};
	assert_int_equal(tickets_redeem(t, &guess, &handle, 1, &jid, &generation), TICKET_UNKNOWN);
	tickets_free(&t);
}

static void
test_bounded(void **state)
{
	struct tickets *t = fresh(3);
	struct id128 id[4];

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		assert_true(tickets_mint(t, ALICE, 1, &handle, 1000 + i, &id[i]));
	assert_false(id_eq(&id[0], &id[1]));
	assert_false(tickets_mint(t, ALICE, 1, &handle, 60000, &id[3]));
	tickets_sweep(t, 1000);
	assert_true(tickets_mint(t, ALICE, 1, &handle, 60000, &id[3]));
	tickets_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_handle_until_it_expires),
	    cmocka_unit_test(test_inv_17_bound_to_its_handle),
	    cmocka_unit_test(test_inv_17_guesses),
	    cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
