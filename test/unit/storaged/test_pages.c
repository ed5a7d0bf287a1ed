/* Pages of archives: each compared with a filter over all that was stored, while the index follows the log in pieces. */
#include "archive_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "page.h"

static void
test_pages_equal_a_filter_while_the_index_follows(void **state)
{
	struct world *w = world_new(state);

	while (w->n < MESSAGES) {
		store_one(w);
		if (w->n % 3 == 0)
			store_ride(w->s, chance(w, 40));
		if (w->n % 97 == 0)
			store_restart(w->s); /* in the middle of a run */
		if (w->n % 5 == 0)
			compare_random(w);
	}
	for (int i = 0; i < 500; i++)
		compare_random(w);
	while (tail_young(w->s->storaged.tail) || tail_frozen(w->s->storaged.tail))
		store_ride(w->s, 100);
	for (int i = 0; i < 500; i++)
		compare_random(w);
	store_restart(w->s);
	for (int i = 0; i < 500; i++)
		compare_random(w);
	free(w);
}

static void
test_every_message_is_on_exactly_one_page(void **state)
{
	struct world *w = world_new(state);
	struct ask a = {ASK_ALL, .max = 7};
	int page[MESSAGES];
	bool complete = false;
	unsigned count, n, seen = 0;

	while (w->n < 200) {
		store_one(w);
		store_ride(w->s, 3);
	}
	while (!complete) {
		compare(w, &a);
		n = naive(w, &a, page, &complete, &count);
		seen += n;
		a.after = page[n - 1];
	}
	assert_int_equal(seen, count);
	free(w);
}

/* ---- public ids ---- */

static void
refused(struct world *w, int owner, struct id128 id)
{
	char bare[16];
	struct rec_archive_id list = {.id = id};
	struct msg_ARCHIVE_QUERY q = {.req = 1, .max = 10};

	snprintf(bare, sizeof(bare), "p%d@x", owner);
	q.owner = str_z(bare);
	q.after = id;
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(w->s->job.result, JOB_REFUSE);
	assert_int_equal(w->s->job.error, BUS_ERROR_NOT_FOUND);
	q.after = (struct id128){{0}};
	q.ids = (struct bus_list){.items = &list, .count = 1};
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(w->s->job.result, JOB_REFUSE);
}

static void
test_inv_13_an_id_of_another_archive_is_refused(void **state)
{
	struct world *w = world_new(state);
	struct id128 id;

	do
		store_one(w);
	while (w->kept[w->n - 1].from == w->kept[w->n - 1].to || !w->kept[w->n - 1].for_from ||
	    !w->kept[w->n - 1].for_to);
	for (int round = 0; round < 2; round++) {
		struct kept *k = &w->kept[w->n - 1];

		/* The sender's id is not the recipient's, though both have the message. */
		refused(w, k->to, public_id(w, k->from, (int)w->n - 1));
		refused(w, k->from, public_id(w, k->to, (int)w->n - 1));
		refused(w, k->from, id_random());
		id = public_id(w, k->from, (int)w->n - 1);
		id.b[15] ^= 1;
		refused(w, k->from, id);
		store_ride(w->s, 10000);
	}
	free(w);
}

static void
test_single_messages_by_id(void **state)
{
	struct world *w = world_new(state);
	struct rec_archive_id ids[2];
	struct msg_ARCHIVE_QUERY q = {
	    .req = 1, .owner = S("p0@x"), .max = 10, .ids = {.items = ids, .count = 2}};
	struct ask all = {.owner = 0, .with = -1};
	unsigned n = 0;
	const struct rec_archive_item *items;

	while (w->n < 50)
		store_one(w);
	for (int i = 49; i >= 0 && n < 2; i--)
		if (matches(&w->kept[i], &all))
			ids[n++].id = public_id(w, 0, i);
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(w->s->job.answer.page.items.count, 2);
	items = w->s->job.answer.page.items.items;
	assert_true(id_eq(&items[0].id, &ids[1].id)); /* oldest first */
	free(w);
}

/* What the index cannot say is compared row by row: a part at a time, and others are served in between. */
static void
test_a_long_look_goes_on_in_parts(void **state)
{
	struct world *w = world_new(state);
	struct msg_STORE m = {.archive_from = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT, .from = S("p0@x/r"), .payload = S("<body>x</body>")}};
	struct msg_ARCHIVE_QUERY q = {
	    .req = 1, .owner = S("p0@x"), .with = S("p1@x/rare"), .max = 3};
	const struct msg_ARCHIVE_PAGE *page = &w->s->job.answer.page;
	const struct rec_archive_item *items;

	for (unsigned i = 0; i < 9000; i++) {
		m.st.to = i % 4000 == 10 ? S("p1@x/rare") : S("p1@x/often");
		w->s->job.op = op_of(3, i + 1, OP_OWED);
		assert_int_equal(store_run(w->s, w->s->archive, archive_store, &m), SQLITE_OK);
		if (i == 5000)
			store_ride(w->s, 1000000);
	}
	for (int backward = 0; backward < 2; backward++) {
		q.backward = backward;
		assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
		assert_in_range(w->s->parts, 4, 6);
		assert_int_equal(page->items.count, 3);
		assert_true(page->complete);
		items = page->items.items;
		assert_true(items[0].row < items[1].row && items[1].row < items[2].row);
	}
	q.max = 1;
	q.backward = false;
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_false(page->complete);
	assert_in_range(w->s->parts, 2, 3);
	free(w);
}

/* For one page so many rows are looked at, whatever the archive has: it ends early, and the next one goes on behind it. */
static void
test_a_look_has_an_end(void **state)
{
	struct world *w = world_new(state);
	struct msg_STORE m = {.archive_from = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT, .from = S("p0@x/r"), .payload = S("<body>x</body>")}};
	struct msg_ARCHIVE_QUERY q = {
	    .req = 1, .owner = S("p0@x"), .with = S("p1@x/rare"), .max = 3};
	const struct msg_ARCHIVE_PAGE *page = &w->s->job.answer.page;

	for (unsigned i = 0; i < 101000; i++) {
		m.st.to = i == 10 ? S("p1@x/rare") : S("p1@x/often");
		w->s->job.op = op_of(3, i + 1, OP_OWED);
		assert_int_equal(store_run(w->s, w->s->archive, archive_store, &m), SQLITE_OK);
		if (i % 20000 == 0)
			store_ride(w->s, 1000000);
	}
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(page->items.count, 1);
	assert_false(page->complete);
	assert_in_range(w->s->parts, 48, 52);
	q.after = ((const struct rec_archive_item *)page->items.items)->id;
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(w->s->job.result, JOB_REFUSE);
	assert_int_equal(w->s->job.error, BUS_ERROR_LIMIT);
	/* Who says from when on is answered. */
	q.start_us = clock_wall_us();
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(page->items.count, 0);
	assert_true(page->complete);
	free(w);
}

/* ---- the clock ---- */

static void
test_order_under_a_clock_that_jumps(void **state)
{
	struct world *w = world_new(state);
	static const int64_t jumps[] = {0, -3600, 7200, -100000, 50};

	for (unsigned i = 0; i < 100; i++) {
		clock_set_offset_us(jumps[i % COUNT(jumps)] * 1000000);
		store_one(w);
		if (i > 0)
			assert_true(w->kept[i].row > w->kept[i - 1].row);
	}
	clock_set_offset_us(0);
	/* A jump forward that did not last spoils nothing. */
	assert_true(w->kept[99].row < (uint64_t)clock_wall_us() + 60000000);
	free(w);
}

/* ---- plans ---- */

/* Nothing reads a whole table or sorts: each statement that was prepared is asked how it goes, here most of them. */
static void
test_every_statement_goes_by_an_index(void **state)
{
	struct world *w = world_new(state);
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("p0@x")};
	struct msg_ARCHIVE_METADATA_GET m = {.req = 1, .owner = S("p1@x")};
	struct msg_OWED_FETCH fetch = {.req = 1, .owner = S("p1@x"), .max = 10};
	sqlite3_stmt *st = NULL;
	unsigned n = 0;

	while (w->n < 50)
		store_one(w);
	store_ride(w->s, 100000);
	for (int i = 0; i < 50; i++)
		compare_random(w);
	assert_int_equal(store_run(w->s, w->s->archive, archive_metadata, &m), SQLITE_OK);
	assert_int_equal(store_run(w->s, w->s->archive, archive_owed_fetch, &fetch), SQLITE_OK);
	raise_horizon(w, w->kept[10].row);
	store_run(w->s, w->s->archive, archive_erase, &erase);
	store_sweep(w->s, SWEEP_ENTRIES, UINT64_MAX / 2);
	retention_cap(&w->s->storaged, w->s->archive, 1);
	while ((st = sqlite3_next_stmt(w->s->archive, st)))
		n++;
	assert_true(n > 20);
	free(w);
}

static void
test_metadata(void **state)
{
	struct world *w = world_new(state);
	struct msg_ARCHIVE_METADATA_GET m = {.req = 1, .owner = S("p0@x")};
	const struct msg_ARCHIVE_METADATA *r = &w->s->job.answer.metadata;
	struct ask all = {.owner = 0, .with = -1};
	struct id128 first, last;
	int i = 0;

	assert_int_equal(store_run(w->s, w->s->archive, archive_metadata, &m), SQLITE_OK);
	assert_false(r->found);
	while (w->n < 60)
		store_one(w);
	while (!matches(&w->kept[i], &all))
		i++;
	first = public_id(w, 0, i);
	for (i = 59; !matches(&w->kept[i], &all);)
		i--;
	last = public_id(w, 0, i);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(store_run(w->s, w->s->archive, archive_metadata, &m), SQLITE_OK);
		assert_true(r->found);
		assert_true(id_eq(&r->first, &first));
		assert_true(id_eq(&r->last, &last));
		store_ride(w->s, 100000);
	}
	free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pages_equal_a_filter_while_the_index_follows),
	    TEST(test_every_message_is_on_exactly_one_page),
	    TEST(test_inv_13_an_id_of_another_archive_is_refused),
	    TEST(test_single_messages_by_id),
	    TEST(test_a_long_look_goes_on_in_parts),
	    TEST(test_a_look_has_an_end),
	    TEST(test_order_under_a_clock_that_jumps),
	    TEST(test_every_statement_goes_by_an_index),
	    TEST(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
