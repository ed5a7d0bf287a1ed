/* The end of archived messages: by age, by size, with their account. */
#include "archive_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "horizon.h"
#include "page.h"

static void
test_retention_hides_at_once_and_sweeps_later(void **state)
{
	struct world *w = world_new(state);
	struct ask a = {ASK_ALL, .max = 50};

	while (w->n < 600)
		store_one(w);
	for (int i = 0; i < 40; i++)
		store_ride(w->s, 100);
	raise_horizon(w, w->kept[399].row);
	a.start = 400; /* the naive filter's horizon */
	for (a.owner = 0; a.owner < PEOPLE; a.owner++) {
		struct msg_ARCHIVE_QUERY q = {.req = 1, .max = 1};
		char bare[16];

		compare(w, &a);
		snprintf(bare, sizeof(bare), "p%d@x", a.owner);
		q.owner = str_z(bare);
		assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
		assert_true(w->s->job.answer.page.items.count == 0 ||
		    ((const struct rec_archive_item *)w->s->job.answer.page.items.items)->row >
			w->kept[399].row);
	}
	store_sweep(w->s, SWEEP_ENTRIES, 0);
	assert_int_equal(count_rows(w->s,
			     "SELECT count(*) FROM message m JOIN state s"
			     " ON s.key = 'horizon' AND m.id <= s.value AND flags & 3"),
	    0);
	assert_int_equal(count_rows(w->s,
			     "SELECT count(*) FROM entry e JOIN state s"
			     " ON s.key = 'horizon' AND e.id <= s.value"),
	    0);
	assert_int_equal(
	    count_rows(w->s, "SELECT count(*) FROM uid WHERE id NOT IN (SELECT id FROM message)"),
	    0);
	store_restart(w->s);
	for (a.owner = 0; a.owner < PEOPLE; a.owner++)
		compare(w, &a);
	free(w);
}

static uint64_t
capped(struct world *w, uint64_t bytes)
{
	assert_int_equal(sqlite3_exec(w->s->archive, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(retention_cap(&w->s->storaged, w->s->archive, bytes), SQLITE_OK);
	assert_int_equal(sqlite3_exec(w->s->archive, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	return horizon_of_all(w->s->storaged.horizons);
}

/* What is to go can go when it is in the index: until then nothing more is sent away, however large the file is. What somebody has
 * yet to get stays, and holds nothing up. */
static void
test_a_file_that_is_too_large_loses_a_part_at_a_time(void **state)
{
	struct world *w = world_new(state);
	struct msg_STORE held = {.owed = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT,
		.from = S("p1@x/r"),
		.to = S("p0@x"),
		.payload = S("<body>x</body>")}};
	uint64_t first;

	w->s->job.op = op_of(9, 1, OP_OWED);
	assert_int_equal(store_run(w->s, w->s->archive, archive_store, &held), SQLITE_OK);
	while (w->n < 600)
		store_one(w);
	assert_int_equal(capped(w, UINT64_C(1) << 40), 0);
	first = capped(w, 1);
	assert_true(first < w->kept[300].row);
	assert_int_equal(capped(w, 1), first);
	for (int i = 0; i < 40; i++)
		store_ride(w->s, 100);
	store_sweep(w->s, SWEEP_ENTRIES, 0);
	for (int i = 0; i < 5; i++) {
		uint64_t next = capped(w, 1);

		assert_true(next > first);
		store_sweep(w->s, SWEEP_ENTRIES, 0);
		first = next;
	}
	assert_int_equal(count_rows(w->s, "SELECT count(*) FROM held"), 1);
	free(w);
}

static void
test_the_highest_id_is_not_used_again_after_everything_went(void **state)
{
	struct world *w = world_new(state);
	uint64_t last;

	while (w->n < 20)
		store_one(w);
	store_ride(w->s, 100000);
	w->s->storaged.clock.last += UINT64_C(3600000000);
	store_one(w);
	last = w->s->storaged.clock.last;
	store_ride(w->s, 100000);
	raise_horizon(w, last);
	store_sweep(w->s, SWEEP_ENTRIES, UINT64_MAX / 2);
	assert_int_equal(count_rows(w->s, "SELECT count(*) FROM message WHERE flags & 3"), 0);
	store_restart(w->s);
	assert_true(w->s->storaged.clock.last >= last);
	free(w);
}

static void
test_a_removed_account_loses_its_archive_and_others_keep_theirs(void **state)
{
	struct world *w = world_new(state);
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("p0@x")};
	struct ask a = {ASK_ALL, .max = 60};
	struct msg_ARCHIVE_QUERY q = {.req = 1, .max = 10, .owner = S("p0@x")};

	while (w->n < 300) {
		store_one(w);
		if (w->n == 200)
			store_ride(w->s, 100000); /* some in the index, some not */
	}
	assert_int_equal(store_run(w->s, w->s->archive, archive_erase, &erase), SQLITE_OK);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
		assert_int_equal(w->s->job.answer.page.items.count, 0);
		for (a.owner = 1; a.owner < PEOPLE; a.owner++)
			compare(w, &a);
		store_sweep(w->s, SWEEP_ENTRIES, UINT64_MAX / 2);
		store_restart(w->s);
		store_ride(w->s, 100000);
	}
	assert_int_equal(count_rows(w->s,
			     "SELECT count(*) FROM entry e JOIN address a ON a.id = e.owner"
			     " WHERE a.bare = 'p0@x'"),
	    0);
	assert_int_equal(count_rows(w->s, "SELECT count(*) FROM message WHERE flags & 7 = 0"), 0);
	free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_retention_hides_at_once_and_sweeps_later),
	    TEST(test_a_file_that_is_too_large_loses_a_part_at_a_time),
	    TEST(test_the_highest_id_is_not_used_again_after_everything_went),
	    TEST(test_a_removed_account_loses_its_archive_and_others_keep_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
