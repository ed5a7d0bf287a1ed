/* Search for words: what is found, what is not any more, the index that follows and begins again. */
#include "archive_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "db_rig.h"
#include "page.h"
#include "search.h"

static const char *domains[] = {"x"};

struct place {
	struct store *s;
	sqlite3 *db;
	struct search search;
	uint64_t n; /* messages said */
};

static struct place *
place_new(void **state)
{
	struct place *p = NEW(struct place);
	struct err err = {.text = ""};

	p->s = *state;
	if (db_open(&p->db, ":memory:", &search_schema, &err) != 0)
		fail_msg("%s", err.text);
	p->search = (struct search){
	    .log = p->s->archive, .words = words_new(p->db), .domains = domains, .n_domains = 1};
	assert_non_null(p->search.words);
	p->s->storaged.search = &p->search;
	return p;
}

static void
place_free(struct place *p)
{
	store_check_plans(p->db);
	search_statements_finalize();
	words_free(&p->search.words);
	db_close(&p->db);
	p->s->storaged.search = NULL;
	free(p);
}

static uint64_t
say(struct place *p, const char *from, const char *to, const char *payload)
{
	struct msg_STORE m = {.archive_from = true,
	    .archive_to = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT,
		.facts = FACT_BODY,
		.from = str_z(from),
		.to = str_z(to),
		.payload = str_z(payload)}};

	p->s->job.op = op_of(7, ++p->n, OP_OWED);
	assert_int_equal(store_run(p->s, p->s->archive, archive_store, &m), SQLITE_OK);
	return p->s->storaged.clock.last;
}

static const struct msg_ARCHIVE_PAGE *
ask(struct place *p, const struct msg_ARCHIVE_QUERY *q)
{
	struct job *job = &p->s->job;

	arena_clear(&job->arena);
	job->progress = NULL;
	do {
		job->goes_on = false;
		assert_int_equal(archive_search(job, p->db, q), SQLITE_OK);
	} while (job->goes_on);
	assert_int_equal(job->result, JOB_ANSWER);
	return &p->s->job.answer.page;
}

static unsigned
hits(struct place *p, const char *owner, const char *text)
{
	struct msg_ARCHIVE_QUERY q = {
	    .req = 1, .owner = str_z(owner), .text = str_z(text), .max = 50};

	return ask(p, &q)->items.count;
}

static void
test_all_words_in_any_order_and_form(void **state)
{
	struct place *p = place_new(state);

	say(p, "a@x/r", "b@x", "<body>The Straße to \303\211vry &amp; back, at 10:30</body>");
	say(p, "a@x/r", "b@x", "<body>nothing here</body><note xmlns='y'>back</note>");
	say(p, "b@x/r", "a@x",
	    "<body xml:lang='de'>zur\303\274ck</body><body xml:lang='en'>back again</body>");
	assert_int_equal(hits(p, "a@x", "back"), 2);
	assert_int_equal(hits(p, "b@x", "back"), 2);
	assert_int_equal(hits(p, "c@x", "back"), 0);
	assert_int_equal(hits(p, "a@x", "BACK evry"), 1);
	assert_int_equal(hits(p, "a@x", "\303\251vry"), 1);
	assert_int_equal(hits(p, "a@x", "back missing"), 0);
	assert_int_equal(hits(p, "a@x", "bac"), 0);
	assert_int_equal(hits(p, "a@x", "zuruck"), 1);
	assert_int_equal(hits(p, "a@x", "10:30"), 1);
	assert_int_equal(hits(p, "a@x", "y"), 0);
	place_free(p);
}

/* What means something in a question of FTS5 is a word like others, or nothing. */
static void
test_inv_20_no_language_of_questions(void **state)
{
	static const char *const texts[] = {"\"", "a\" OR \"b", "NOT", "* ", "body:x", "NEAR(a b)",
	    "(", "-a", "^a", "!!!", "", "\xff\xfe", "a OR b"};
	struct place *p = place_new(state);

	say(p, "a@x/r", "b@x", "<body>hello</body>");
	for (unsigned i = 0; i < COUNT(texts); i++)
		assert_int_equal(hits(p, "a@x", texts[i]), 0);
	say(p, "a@x/r", "b@x", "<body>a or b</body>");
	assert_int_equal(hits(p, "a@x", "a OR b"), 1);
	place_free(p);
}

static void
test_too_many_words(void **state)
{
	struct place *p = place_new(state);
	struct msg_ARCHIVE_QUERY q = {.req = 1,
	    .owner = S("a@x"),
	    .text = S("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"),
	    .max = 50};

	say(p, "a@x/r", "b@x", "<body>hello</body>");
	p->s->job.progress = NULL;
	assert_int_equal(archive_search(&p->s->job, p->db, &q), SQLITE_OK);
	assert_int_equal(p->s->job.result, JOB_REFUSE);
	assert_int_equal(p->s->job.error, BUS_ERROR_BAD_REQUEST);
	place_free(p);
}

/* Somebody else's sign in a text opens nothing. */
static void
test_inv_13_a_forged_owner_is_no_hit(void **state)
{
	struct place *p = place_new(state);
	char payload[64];

	say(p, "a@x/r", "b@x", "<body>first</body>"); /* a is 1, b is 2 */
	for (unsigned i = 1; i <= 4; i++) {
		snprintf(payload, sizeof(payload), "<body>\xee\x80\x80%u secret</body>", i);
		say(p, "c@x/r", "d@x", payload);
	}
	assert_int_equal(hits(p, "c@x", "secret"), 4);
	assert_int_equal(hits(p, "a@x", "secret"), 0);
	assert_int_equal(hits(p, "b@x", "secret"), 0);
	place_free(p);
}

static void
test_with_times_and_pages(void **state)
{
	struct place *p = place_new(state);
	struct msg_ARCHIVE_QUERY q = {.req = 1, .owner = S("a@x"), .text = S("word"), .max = 50};
	const struct rec_archive_item *items;
	uint64_t ids[20];

	for (unsigned i = 0; i < 20; i++) {
		char payload[64];

		snprintf(
		    payload, sizeof(payload), "<body>%s %u</body>", i % 2 ? "word" : "other", i);
		ids[i] = say(p, "a@x/r", i % 4 == 1 ? "b@x" : "c@x", payload);
	}
	assert_int_equal(ask(p, &q)->items.count, 10);
	q.with = S("b@x");
	assert_int_equal(ask(p, &q)->items.count, 5);
	q.with = S("d@x");
	assert_int_equal(ask(p, &q)->items.count, 0);
	q.with = S("");
	q.start_us = (int64_t)ids[9];
	assert_int_equal(ask(p, &q)->items.count, 6);
	q.end_us = (int64_t)ids[12];
	assert_int_equal(ask(p, &q)->items.count, 2);
	q.start_us = q.end_us = 0;
	q.max = 4;
	assert_false(ask(p, &q)->complete);
	items = p->s->job.answer.page.items.items;
	assert_int_equal(items[0].row, ids[1]);
	assert_int_equal(items[3].row, ids[7]);
	q.after = items[3].id;
	q.max = 6;
	assert_true(ask(p, &q)->complete);
	q.after = (struct id128){{0}};
	q.backward = true;
	q.max = 3;
	assert_int_equal(ask(p, &q)->items.count, 3);
	items = p->s->job.answer.page.items.items;
	assert_int_equal(items[0].row, ids[15]);
	assert_int_equal(items[2].row, ids[19]);
	assert_false(p->s->job.answer.page.has_count);
	place_free(p);
}

static void
test_other_domains_are_not_searched(void **state)
{
	struct place *p = place_new(state);

	say(p, "a@x/r", "b@far", "<body>hello</body>");
	assert_int_equal(hits(p, "a@x", "hello"), 1);
	assert_int_equal(hits(p, "b@far", "hello"), 0);
	place_free(p);
}

/* A removed or purged archive is gone for searches at once, whatever the index still has. */
static void
test_what_is_gone_is_not_found(void **state)
{
	struct place *p = place_new(state);
	struct msg_USER_ERASE erase = {.req = 1, .owner = S("a@x")};

	say(p, "a@x/r", "b@x", "<body>hello</body>");
	assert_int_equal(hits(p, "a@x", "hello"), 1);
	assert_int_equal(store_run(p->s, p->s->archive, archive_erase, &erase), SQLITE_OK);
	assert_int_equal(hits(p, "a@x", "hello"), 0);
	assert_int_equal(hits(p, "b@x", "hello"), 1);
	say(p, "a@x/r", "b@x", "<body>hello</body>");
	assert_int_equal(hits(p, "a@x", "hello"), 1);
	place_free(p);
}

static void
test_it_follows_in_slices_and_says_when_it_is_behind(void **state)
{
	struct place *p = place_new(state);
	struct msg_ARCHIVE_QUERY q = {.req = 1, .owner = S("a@x"), .text = S("last"), .max = 50};
	bool more;

	for (unsigned i = 0; i < 2500; i++)
		say(p, "a@x/r", "b@x", i < 2499 ? "<body>some</body>" : "<body>last</body>");
	assert_int_equal(ask(p, &q)->items.count, 0);
	assert_true(p->s->job.answer.page.unstable);
	assert_int_equal(search_follow(&p->s->storaged, p->db, &more), SQLITE_OK);
	assert_true(more);
	assert_int_equal(ask(p, &q)->items.count, 1);
	assert_false(p->s->job.answer.page.unstable);
	assert_int_equal(db_rig_number(p->db, "SELECT docs FROM state"), 2500);
	place_free(p);
}

static void
test_it_begins_again_when_much_has_gone(void **state)
{
	struct place *p = place_new(state);
	uint64_t last = 0;

	for (unsigned i = 0; i < 1500; i++)
		last = say(p, "a@x/r", "b@x", "<body>old</body>");
	assert_int_equal(hits(p, "a@x", "old"), 50);
	assert_int_equal(hits(p, "a@x", "old"), 50);
	say(p, "a@x/r", "b@x", "<body>new</body>");
	store_ride(p->s, 1000000);
	assert_int_equal(sqlite3_exec(p->s->archive, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(retention_raise(&p->s->storaged, p->s->archive, last), SQLITE_OK);
	assert_int_equal(sqlite3_exec(p->s->archive, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	store_sweep(p->s, SWEEP_ENTRIES, UINT64_MAX / 2);
	assert_int_equal(hits(p, "a@x", "old"), 0);
	assert_int_equal(hits(p, "a@x", "new"), 1);
	assert_int_equal(db_rig_number(p->db, "SELECT docs FROM state"), 1);
	assert_int_equal(db_rig_number(p->db, "SELECT stale FROM state"), 0);
	place_free(p);
}

/* XML is read as XML: what only looks like a body is none, what is escaped is what it means. */
static void
test_bodies_are_read_not_guessed(void **state)
{
	struct place *p = place_new(state);

	say(p, "a@x/r", "b@x",
	    "<x xmlns='y'><body>inner</body></x><body>outer &lt;body&gt;tag&lt;/body&gt;</body>");
	assert_int_equal(hits(p, "a@x", "inner"), 0);
	assert_int_equal(hits(p, "a@x", "outer"), 1);
	assert_int_equal(hits(p, "a@x", "body tag"), 1);
	assert_int_equal(hits(p, "a@x", "lt"), 0);
	place_free(p);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_all_words_in_any_order_and_form),
	    TEST(test_inv_20_no_language_of_questions),
	    TEST(test_too_many_words),
	    TEST(test_inv_13_a_forged_owner_is_no_hit),
	    TEST(test_with_times_and_pages),
	    TEST(test_other_domains_are_not_searched),
	    TEST(test_what_is_gone_is_not_found),
	    TEST(test_it_follows_in_slices_and_says_when_it_is_behind),
	    TEST(test_it_begins_again_when_much_has_gone),
	    TEST(test_bodies_are_read_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
