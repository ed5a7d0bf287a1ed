/* Pages of archives: each compared with a filter over all that was stored, while the index follows the log in pieces. */
#include "store_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/archive_id.h"
#include "base/clock.h"
#include "page.h"

#define PEOPLE 5
#define MESSAGES 900

struct kept {
	int from, to; /* people */
	int from_res, to_res;
	bool for_from, for_to;
	struct opid op;
	uint64_t row;
};

struct world {
	struct store *s;
	struct kept kept[MESSAGES];
	unsigned n;
	uint64_t seed;
};

static unsigned
chance(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->seed >> 33) % n;
}

static void
store_one(struct world *w)
{
	struct kept *k = &w->kept[w->n];
	struct msg_STORE m = {
	    .stamp_us = clock_wall_us(), .st = {.type = TYPE_CHAT, .payload = S("<body>x</body>")}};
	char from[32], to[32];

	*k = (struct kept){.from = (int)chance(w, PEOPLE),
	    .to = (int)chance(w, PEOPLE),
	    .from_res = 1 + (int)chance(w, 2),
	    .to_res = (int)chance(w, 3),
	    .for_from = chance(w, 4) > 0,
	    .for_to = chance(w, 4) > 0};
	k->op = op_of((uint8_t)(1 + w->n % 250), w->n + 1, OP_OWED);
	snprintf(from, sizeof(from), "p%d@x/r%d", k->from, k->from_res);
	snprintf(to, sizeof(to), k->to_res ? "p%d@x/r%d" : "p%d@x", k->to, k->to_res);
	m.st.from = str_z(from);
	m.st.to = str_z(to);
	m.archive_from = k->for_from;
	m.archive_to = k->for_to;
	w->s->job.op = k->op;
	assert_int_equal(store_run(w->s, w->s->archive, archive_store, &m), SQLITE_OK);
	k->row = w->s->storaged.clock.last;
	w->n++;
}

/* ---- the naive filter ---- */

struct ask {
	int owner, with, with_res; /* with -1: anybody */
	int start, end;            /* numbers of messages; -1: open */
	int after_id, before_id, after, before;
	bool backward;
	uint32_t max;
};

static bool
matches(const struct kept *k, const struct ask *a)
{
	bool is_from = k->from == a->owner, is_to = k->to == a->owner;
	int other = is_from ? k->to : k->from, res = is_from ? k->to_res : k->from_res;

	if (!((is_from && k->for_from) || (is_to && k->for_to)))
		return false;
	if (a->with < 0)
		return true;
	if (is_from && is_to)
		return a->with == a->owner &&
		    (!a->with_res || k->from_res == a->with_res || k->to_res == a->with_res);
	return other == a->with && (!a->with_res || res == a->with_res);
}

static bool
is_between(int i, const struct ask *a)
{
	return (a->start < 0 || i >= a->start) && (a->end < 0 || i <= a->end) &&
	    (a->after_id < 0 || i > a->after_id) && (a->before_id < 0 || i < a->before_id);
}

/* Numbers of the messages of the page, ascending. */
static unsigned
naive(struct world *w, const struct ask *a, int *page_r, bool *complete_r, unsigned *count_r)
{
	int found[MESSAGES];
	unsigned n = 0, first;

	*count_r = 0;
	for (int i = 0; i < (int)w->n; i++) {
		if (!matches(&w->kept[i], a) || !is_between(i, a))
			continue;
		++*count_r;
		if ((a->after < 0 || i > a->after) && (a->before < 0 || i < a->before))
			found[n++] = i;
	}
	*complete_r = n <= a->max;
	first = a->backward && n > a->max ? n - a->max : 0;
	n = n < a->max ? n : a->max;
	memcpy(page_r, found + first, n * sizeof(*found));
	return n;
}

/* ---- the real one ---- */

static struct id128
public_id(struct world *w, int owner, int i)
{
	char bare[16];

	if (i < 0)
		return (struct id128){{0}};
	snprintf(bare, sizeof(bare), "p%d@x", owner);
	return archive_id(&w->kept[i].op.origin, w->kept[i].op.n, str_z(bare));
}

static void
ask_store(struct world *w, const struct ask *a)
{
	char owner[16], with[32] = "";
	struct msg_ARCHIVE_QUERY q = {.req = 1, .backward = a->backward, .max = a->max};

	snprintf(owner, sizeof(owner), "p%d@x", a->owner);
	if (a->with >= 0)
		snprintf(
		    with, sizeof(with), a->with_res ? "p%d@x/r%d" : "p%d@x", a->with, a->with_res);
	q.owner = str_z(owner);
	q.with = str_z(with);
	if (a->start >= 0)
		q.start_us = (int64_t)w->kept[a->start].row;
	if (a->end >= 0)
		q.end_us = (int64_t)w->kept[a->end].row;
	q.after_id = public_id(w, a->owner, a->after_id);
	q.before_id = public_id(w, a->owner, a->before_id);
	q.after = public_id(w, a->owner, a->after);
	q.before = public_id(w, a->owner, a->before);
	assert_int_equal(store_run(w->s, w->s->archive, archive_query, &q), SQLITE_OK);
}

static void
compare(struct world *w, const struct ask *a)
{
	int expected[MESSAGES];
	bool complete;
	unsigned count, n = naive(w, a, expected, &complete, &count);
	const struct msg_ARCHIVE_PAGE *page = &w->s->job.answer.page;
	const struct rec_archive_item *items;

	ask_store(w, a);
	assert_int_equal(w->s->job.result, JOB_ANSWER);
	assert_int_equal(page->items.count, n);
	assert_int_equal(page->complete, complete);
	if (page->has_count)
		assert_int_equal(page->count, count);
	items = page->items.items;
	for (unsigned i = 0; i < n; i++) {
		struct id128 id = public_id(w, a->owner, expected[i]);

		assert_int_equal(items[i].row, w->kept[expected[i]].row);
		assert_true(id_eq(&items[i].id, &id));
	}
}

/* A number of a message in this archive, or -1. */
static int
some(struct world *w, int owner)
{
	struct ask all = {.owner = owner, .with = -1};
	int i = (int)chance(w, w->n);

	return chance(w, 2) && matches(&w->kept[i], &all) ? i : -1;
}

static void
compare_random(struct world *w)
{
	struct ask a = {.owner = (int)chance(w, PEOPLE),
	    .with = chance(w, 2) ? -1 : (int)chance(w, PEOPLE),
	    .backward = chance(w, 2),
	    .max = chance(w, 60)};

	a.with_res = a.with >= 0 && chance(w, 3) == 0 ? 1 : 0;
	a.start = chance(w, 3) ? -1 : (int)chance(w, w->n);
	a.end = chance(w, 3) ? -1 : (int)chance(w, w->n);
	a.after_id = chance(w, 3) ? -1 : some(w, a.owner);
	a.before_id = chance(w, 3) ? -1 : some(w, a.owner);
	a.after = a.backward ? -1 : some(w, a.owner);
	a.before = a.backward ? some(w, a.owner) : -1;
	compare(w, &a);
}

static struct world *
world_new(void **state)
{
	struct world *w = NEW(struct world);

	w->s = *state;
	w->seed = 42;
	return w;
}

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
	struct ask a = {.with = -1,
	    .start = -1,
	    .end = -1,
	    .after_id = -1,
	    .before_id = -1,
	    .after = -1,
	    .before = -1,
	    .max = 7};
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

static void
raise_horizon(struct world *w, uint64_t id)
{
	sqlite3 *db = w->s->archive;

	assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(retention_raise(&w->s->storaged, db, id), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

/* ---- plans ---- */

static void
plan_is(struct store *s, const char *sql, const char *expected)
{
	char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *st = NULL;
	const char *detail;

	assert_int_equal(sqlite3_prepare_v2(s->archive, text, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		detail = (const char *)sqlite3_column_text(st, 3);
		if (strstr(detail, "TEMP B-TREE") ||
		    (strstr(detail, "SCAN") && !strstr(detail, expected) &&
			!strstr(detail, "CONSTANT ROW")))
			fail_msg("%s: %s", sql, detail);
	}
	sqlite3_finalize(st);
	sqlite3_free(text);
}

/* Nothing reads a whole table or sorts: each statement that was prepared in this run is asked how it goes. */
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
	while ((st = sqlite3_next_stmt(w->s->archive, st))) {
		/* The limited count reads the result of an inner query, the size three numbers. */
		plan_is(w->s, sqlite3_sql(st),
		    strstr(sqlite3_sql(st), "pragma_") ? "VIRTUAL TABLE" : "SCAN (subquery");
		n++;
	}
	assert_true(n > 20);
	free(w);
}

/* ---- the end ---- */

static int
count(struct store *s, const char *sql)
{
	struct db_stmt stmt = {.sql = sql};
	int n;

	assert_int_equal(db_step(db_stmt(s->archive, &stmt)), SQLITE_ROW);
	n = sqlite3_column_int(stmt.st, 0);
	db_stmts_finalize(&stmt, 1);
	return n;
}

static void
test_retention_hides_at_once_and_sweeps_later(void **state)
{
	struct world *w = world_new(state);
	struct ask a = {.with = -1,
	    .end = -1,
	    .after_id = -1,
	    .before_id = -1,
	    .after = -1,
	    .before = -1,
	    .max = 50};

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
	assert_int_equal(count(w->s,
			     "SELECT count(*) FROM message m JOIN state s"
			     " ON s.key = 'horizon' AND m.id <= s.value AND flags & 3"),
	    0);
	assert_int_equal(count(w->s,
			     "SELECT count(*) FROM entry e JOIN state s"
			     " ON s.key = 'horizon' AND e.id <= s.value"),
	    0);
	assert_int_equal(
	    count(w->s, "SELECT count(*) FROM uid WHERE id NOT IN (SELECT id FROM message)"), 0);
	store_restart(w->s);
	for (a.owner = 0; a.owner < PEOPLE; a.owner++)
		compare(w, &a);
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
	assert_int_equal(count(w->s, "SELECT count(*) FROM message WHERE flags & 3"), 0);
	store_restart(w->s);
	assert_true(w->s->storaged.clock.last >= last);
	free(w);
}

static void
test_a_removed_account_loses_its_archive_and_others_keep_theirs(void **state)
{
	struct world *w = world_new(state);
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("p0@x")};
	struct ask a = {.with = -1,
	    .start = -1,
	    .end = -1,
	    .after_id = -1,
	    .before_id = -1,
	    .after = -1,
	    .before = -1,
	    .max = 60};
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
	assert_int_equal(count(w->s,
			     "SELECT count(*) FROM entry e JOIN address a ON a.id = e.owner"
			     " WHERE a.bare = 'p0@x'"),
	    0);
	assert_int_equal(count(w->s, "SELECT count(*) FROM message WHERE flags & 7 = 0"), 0);
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
	    TEST(test_order_under_a_clock_that_jumps),
	    TEST(test_every_statement_goes_by_an_index),
	    TEST(test_retention_hides_at_once_and_sweeps_later),
	    TEST(test_the_highest_id_is_not_used_again_after_everything_went),
	    TEST(test_a_removed_account_loses_its_archive_and_others_keep_theirs),
	    TEST(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
