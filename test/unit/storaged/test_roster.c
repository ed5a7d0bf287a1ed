/* Rosters and values: read as written, versions, limits, replays, erasure. */
#include "store_test.h"

#include <stdio.h>

static void
put(struct store *s, const struct msg_ROSTER_PUT *m)
{
	struct buf body = {.data = NULL};
	struct msg_ROSTER_PUT decoded;

	/* Lists are read from their encoded form, as they come from the bus. */
	bus_encode(&body, bus_message(MSG_ROSTER_PUT), m);
	assert_true(bus_decode(bus_message(MSG_ROSTER_PUT), buf_str(&body), &decoded));
	assert_int_equal(store_run(s, s->main, roster_put, &decoded), SQLITE_OK);
	buf_deinit(&body);
}

static const struct rec_roster_item *
get(struct store *s, const char *owner, unsigned expected)
{
	struct msg_ROSTER_GET m = {.req = 1, .owner = str_z(owner)};

	assert_int_equal(store_run(s, s->main, roster_get, &m), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_ANSWER);
	assert_int_equal(s->job.answer.roster.items.count, expected);
	return s->job.answer.roster.items.items;
}

static struct msg_ROSTER_PUT
item(const char *contact)
{
	return (struct msg_ROSTER_PUT){.req = 1, .owner = S("a@x"), .item = {.jid = str_z(contact)}};
}

static void
test_an_item_comes_back_as_it_was(void **state)
{
	struct store *s = *state;
	struct rec_group groups[] = {{S("Friends")}, {S("Work")}};
	struct msg_ROSTER_PUT m = item("b@x");
	const struct rec_roster_item *it;
	const struct rec_group *g;

	m.item = (struct rec_roster_item){.jid = S("b@x"),
	    .name = S("Béa"),
	    .subscription = 3,
	    .ask = true,
	    .approved = true,
	    .pending_in = true,
	    .pending = S("<status>hi</status>"),
	    .groups = {.items = groups, .count = 2}};
	put(s, &m);
	it = get(s, "a@x", 1);
	g = it->groups.items;
	assert_true(str_is(it->name, "Béa"));
	assert_int_equal(it->subscription, 3);
	assert_true(it->ask && it->approved && it->pending_in);
	assert_true(str_is(it->pending, "<status>hi</status>"));
	assert_int_equal(it->groups.count, 2);
	assert_true(str_is(g[0].name, "Friends") && str_is(g[1].name, "Work"));
	get(s, "nobody@x", 0);
}

static void
test_groups_go_to_their_own_items(void **state)
{
	struct store *s = *state;
	struct rec_group g1[] = {{S("one")}}, g3[] = {{S("three")}, {S("trois")}};
	struct msg_ROSTER_PUT a = item("a1@x"), b = item("a2@x"), c = item("a3@x");
	const struct rec_roster_item *it;

	a.item.groups = (struct bus_list){.items = g1, .count = 1};
	c.item.groups = (struct bus_list){.items = g3, .count = 2};
	put(s, &c);
	put(s, &b);
	put(s, &a);
	it = get(s, "a@x", 3);
	assert_int_equal(it[0].groups.count, 1);
	assert_int_equal(it[1].groups.count, 0);
	assert_int_equal(it[2].groups.count, 2);
	/* Replacing an item replaces its groups. */
	a.item.groups.count = 0;
	put(s, &a);
	it = get(s, "a@x", 3);
	assert_int_equal(it[0].groups.count, 0);
}

static void
test_every_change_raises_the_version(void **state)
{
	struct store *s = *state;
	struct msg_ROSTER_PUT m = item("b@x");
	struct msg_ROSTER_DEL del = {.req = 1, .owner = S("a@x"), .contact = S("b@x")};

	put(s, &m);
	assert_int_equal(s->job.answer.roster_changed.version, 1);
	put(s, &m);
	assert_int_equal(s->job.answer.roster_changed.version, 2);
	assert_int_equal(store_run(s, s->main, roster_del, &del), SQLITE_OK);
	assert_int_equal(s->job.answer.roster_changed.version, 3);
	get(s, "a@x", 0);
	assert_int_equal(s->job.answer.roster.version, 3);
	assert_int_equal(store_run(s, s->main, roster_del, &del), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_NOT_FOUND);
}

static void
test_a_replay_is_answered_and_not_done_again(void **state)
{
	struct store *s = *state;
	struct msg_ROSTER_PUT m = item("b@x");
	struct msg_ROSTER_DEL del = {.req = 1, .owner = S("a@x"), .contact = S("b@x")};

	s->job.op = op_of(1, 5, OP_ROSTER);
	put(s, &m);
	assert_int_equal(s->job.answer.roster_changed.version, 1);
	put(s, &m);
	assert_int_equal(s->job.answer.roster_changed.version, 1);
	s->job.op.n = 6;
	assert_int_equal(store_run(s, s->main, roster_del, &del), SQLITE_OK);
	assert_int_equal(s->job.answer.roster_changed.version, 2);
	/* The older one, replayed late, does not bring the item back. */
	s->job.op.n = 5;
	put(s, &m);
	get(s, "a@x", 0);
}

static void
test_the_roster_is_limited(void **state)
{
	struct store *s = *state;
	char name[32];

	for (unsigned i = 0; i < 5000; i++) {
		struct msg_ROSTER_PUT m;

		snprintf(name, sizeof(name), "c%u@x", i);
		m = item(name);
		put(s, &m);
	}
	struct msg_ROSTER_PUT more = item("more@x"), again = item("c7@x");

	put(s, &more);
	assert_int_equal(s->job.result, JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_LIMIT);
	put(s, &again);
	assert_int_equal(s->job.result, JOB_ANSWER);
	get(s, "a@x", 5000);
}

/* ---- values ---- */

static void
blob_write(struct store *s, const char *key, const char *data)
{
	struct msg_BLOB_PUT m = {.req = 1,
	    .owner = S("a@x"),
	    .space = BLOB_PRIVATE,
	    .key = str_z(key),
	    .data = str_z(data)};

	assert_int_equal(store_run(s, s->main, blob_put, &m), SQLITE_OK);
}

static const char *
blob_read(struct store *s, const char *owner, enum blob_space space, const char *key)
{
	struct msg_BLOB_GET m = {
	    .req = 1, .owner = str_z(owner), .space = (uint8_t)space, .key = str_z(key)};

	assert_int_equal(store_run(s, s->main, blob_get, &m), SQLITE_OK);
	return s->job.answer.blob.found ? arena_z(&s->job.arena, s->job.answer.blob.data) : NULL;
}

static void
test_values_are_kept_by_owner_space_and_key(void **state)
{
	struct store *s = *state;

	blob_write(s, "k", "<a/>");
	blob_write(s, "k", "<b/>");
	assert_string_equal(blob_read(s, "a@x", BLOB_PRIVATE, "k"), "<b/>");
	assert_null(blob_read(s, "a@x", BLOB_VCARD, "k"));
	assert_null(blob_read(s, "b@x", BLOB_PRIVATE, "k"));
	blob_write(s, "k", "");
	assert_null(blob_read(s, "a@x", BLOB_PRIVATE, "k"));
}

static void
test_values_are_limited(void **state)
{
	struct store *s = *state;
	char key[16];

	for (unsigned i = 0; i <= 1000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		blob_write(s, key, "<a/>");
	}
	assert_int_equal(s->job.result, JOB_REFUSE);
	assert_null(blob_read(s, "a@x", BLOB_PRIVATE, "k1000"));
}

static void
test_an_erased_account_leaves_nothing(void **state)
{
	struct store *s = *state;
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("a@x")};
	struct msg_ROSTER_PUT m = item("b@x"), other = item("a@x");

	other.owner = S("b@x");
	put(s, &m);
	put(s, &other);
	blob_write(s, "k", "<a/>");
	assert_int_equal(store_run(s, s->main, account_erase, &erase), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_ANSWER);
	get(s, "a@x", 0);
	assert_null(blob_read(s, "a@x", BLOB_PRIVATE, "k"));
	get(s, "b@x", 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_an_item_comes_back_as_it_was),
	    TEST(test_groups_go_to_their_own_items),
	    TEST(test_every_change_raises_the_version),
	    TEST(test_a_replay_is_answered_and_not_done_again),
	    TEST(test_the_roster_is_limited),
	    TEST(test_values_are_kept_by_owner_space_and_key),
	    TEST(test_values_are_limited),
	    TEST(test_an_erased_account_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
