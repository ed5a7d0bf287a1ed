/* Offline messages: kept once, fetched in order, dropped, swept; the quota; replays. */
#include "store_test.h"

#include <stdio.h>

#include "dedupe.h"

static struct msg_STORE
message(const char *body)
{
	return (struct msg_STORE){
	    .owed = true,
	    .owed_max = 5,
	    .stamp_us = 1700000000123000,
	    .st = {.kind = STANZA_MESSAGE,
		.type = TYPE_CHAT,
		.facts = FACT_BODY,
		.from = S("a@x/home"),
		.to = S("b@x"),
		.id = S("m1"),
		.lang = S("de"),
		.payload = str_z(body)},
	};
}

static void
keep(struct store *s, const char *body, struct opid op)
{
	struct msg_STORE m = message(body);

	s->job.op = op;
	assert_int_equal(store_run(s, s->archive, archive_store, &m), SQLITE_OK);
}

static const struct rec_owed_item *
fetch(struct store *s, uint64_t after, uint32_t max, unsigned expected)
{
	struct msg_OWED_FETCH m = {.req = 1, .owner = S("b@x"), .after = after, .max = max};

	assert_int_equal(store_run(s, s->archive, archive_owed_fetch, &m), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_ANSWER);
	assert_int_equal(s->job.answer.owed.items.count, expected);
	return s->job.answer.owed.items.items;
}

static void
test_an_offline_message_comes_back_as_it_was(void **state)
{
	struct store *s = *state;
	const struct rec_owed_item *item;

	keep(s, "<body>hello</body>", op_of(1, 1, OP_OWED));
	item = fetch(s, 0, 10, 1);
	assert_true(str_is(item->st.from, "a@x/home"));
	assert_true(str_is(item->st.to, "b@x"));
	assert_true(str_is(item->st.id, "m1"));
	assert_true(str_is(item->st.lang, "de"));
	assert_true(str_is(item->st.payload, "<body>hello</body>"));
	assert_int_equal(item->st.type, TYPE_CHAT);
	assert_int_equal(item->st.facts, FACT_BODY);
	assert_in_range(item->stamp_us, 1700000000122000, 1700000000124000);
	assert_int_equal(item->n, 1);
}

static void
test_a_replay_is_stored_once(void **state)
{
	struct store *s = *state;

	for (int i = 0; i < 3; i++)
		keep(s, "one", op_of(1, 1, OP_OWED));
	keep(s, "two", op_of(1, 2, OP_OWED));
	keep(s, "other session", op_of(2, 1, OP_OWED));
	fetch(s, 0, 10, 3);
}

static void
test_a_replay_is_known_after_a_restart(void **state)
{
	struct store *s = *state;
	uint64_t last;

	keep(s, "one", op_of(1, 1, OP_OWED));
	last = s->storaged.clock.last;
	store_restart(s);
	assert_int_equal(s->storaged.clock.last, last);
	keep(s, "one", op_of(1, 1, OP_OWED));
	fetch(s, 0, 10, 1);
}

/* A hint in memory about a row that was rolled back must not swallow the message. */
static void
test_a_rolled_back_insert_is_not_taken_for_a_duplicate(void **state)
{
	struct store *s = *state;
	struct opid op = op_of(1, 1, OP_OWED);

	dedupe_add(s->storaged.dedupe, &op, 12345);
	keep(s, "one", op);
	fetch(s, 0, 10, 1);
}

static void
test_order_and_paging(void **state)
{
	struct store *s = *state;
	const struct rec_owed_item *items;
	uint64_t after;
	char body[16];

	for (unsigned i = 1; i <= 5; i++) {
		snprintf(body, sizeof(body), "%u", i);
		keep(s, body, op_of(1, i, OP_OWED));
	}
	items = fetch(s, 0, 3, 3);
	assert_true(s->job.answer.owed.more);
	assert_true(str_is(items[2].st.payload, "3"));
	after = items[2].row;
	items = fetch(s, after, 3, 2);
	assert_false(s->job.answer.owed.more);
	assert_true(str_is(items[1].st.payload, "5"));
}

static void
test_large_messages_are_paged_by_bytes(void **state)
{
	static char big[200001];
	struct store *s = *state;

	memset(big, 'x', sizeof(big) - 1);
	for (unsigned i = 1; i <= 4; i++)
		keep(s, big, op_of(1, i, OP_OWED));
	fetch(s, 0, 100, 3);
	assert_true(s->job.answer.owed.more);
}

static void
test_the_quota_refuses_and_keeps_nothing(void **state)
{
	struct store *s = *state;

	for (unsigned i = 1; i <= 6; i++)
		keep(s, "x", op_of(1, i, OP_OWED));
	assert_int_equal(s->job.result, JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_LIMIT);
	fetch(s, 0, 100, 5);
}

/* BUS.md §7: a second run may find the recipient gone. */
static void
test_what_was_stored_may_become_owed_once(void **state)
{
	struct store *s = *state;
	struct msg_STORE m = message("x");
	struct rec_row row;
	struct msg_OWED_DROP drop = {.owner = S("b@x"), .rows = {.items = &row, .count = 1}};

	m.owed = false;
	m.archive_to = true;
	s->job.op = op_of(1, 1, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &m), SQLITE_OK);
	fetch(s, 0, 10, 0);
	keep(s, "x", op_of(1, 1, OP_OWED));
	row.row = fetch(s, 0, 10, 1)[0].row;
	assert_true(((const struct rec_owed_item *)s->job.answer.owed.items.items)->archived);
	assert_int_equal(store_run(s, s->archive, archive_owed_drop, &drop), SQLITE_OK);
	keep(s, "x", op_of(1, 1, OP_OWED));
	fetch(s, 0, 10, 0);
	assert_int_equal(count_rows(s, "SELECT count(*) FROM message"), 1);
}

static void
test_dropped_messages_are_gone_and_later_swept(void **state)
{
	struct store *s = *state;
	const struct rec_owed_item *items;
	struct rec_row rows[2];
	struct msg_OWED_DROP drop = {.owner = S("b@x"), .rows = {.items = rows, .count = 2}};
	struct buf body = {.data = NULL};
	struct msg_OWED_DROP decoded;

	for (unsigned i = 1; i <= 3; i++)
		keep(s, "x", op_of(1, i, OP_OWED));
	items = fetch(s, 0, 10, 3);
	rows[0].row = items[0].row;
	rows[1].row = items[1].row;
	bus_encode(&body, bus_message(MSG_OWED_DROP), &drop);
	assert_true(bus_decode(bus_message(MSG_OWED_DROP), buf_str(&body), &decoded));
	assert_int_equal(store_run(s, s->archive, archive_owed_drop, &decoded), SQLITE_OK);
	buf_deinit(&body);
	fetch(s, 0, 10, 1);
	/* What was dropped still answers a replay. */
	keep(s, "x", op_of(1, 1, OP_OWED));
	fetch(s, 0, 10, 1);
	store_sweep(s, SWEEP_LOOSE, rows[1].row);
	assert_int_equal(count_rows(s, "SELECT count(*) FROM message"), 2);
	store_sweep(s, SWEEP_LOOSE, UINT64_MAX / 2);
	assert_int_equal(count_rows(s, "SELECT count(*) FROM message"), 1);
	fetch(s, 0, 10, 1);
}

static void
test_erasing_an_owner_leaves_the_others(void **state)
{
	struct store *s = *state;
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("b@x")};
	struct msg_STORE other = message("for c");

	keep(s, "x", op_of(1, 1, OP_OWED));
	other.st.to = S("c@x");
	s->job.op = op_of(1, 2, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &other), SQLITE_OK);
	assert_int_equal(store_run(s, s->archive, archive_erase, &erase), SQLITE_OK);
	fetch(s, 0, 10, 0);
	erase.owner = S("c@x");
	assert_int_equal(store_run(s, s->archive, archive_erase, &erase), SQLITE_OK);
}

static void
test_ids_do_not_go_back_with_the_clock(void **state)
{
	struct store *s = *state;
	const struct rec_owed_item *items;

	keep(s, "1", op_of(1, 1, OP_OWED));
	s->storaged.clock.last += UINT64_C(3600000000); /* as if the clock had been an hour ahead */
	keep(s, "2", op_of(1, 2, OP_OWED));
	keep(s, "3", op_of(1, 3, OP_OWED));
	items = fetch(s, 0, 10, 3);
	assert_true(items[0].row < items[1].row && items[1].row < items[2].row);
	assert_in_range(items[2].stamp_us, 1700000000122000, 1700000000124000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_an_offline_message_comes_back_as_it_was),
	    TEST(test_a_replay_is_stored_once),
	    TEST(test_a_replay_is_known_after_a_restart),
	    TEST(test_a_rolled_back_insert_is_not_taken_for_a_duplicate),
	    TEST(test_order_and_paging),
	    TEST(test_large_messages_are_paged_by_bytes),
	    TEST(test_the_quota_refuses_and_keeps_nothing),
	    TEST(test_what_was_stored_may_become_owed_once),
	    TEST(test_dropped_messages_are_gone_and_later_swept),
	    TEST(test_erasing_an_owner_leaves_the_others),
	    TEST(test_ids_do_not_go_back_with_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
