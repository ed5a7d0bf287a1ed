/* Archives by domain: what the operator purges, what the settings allow by age and size, what is counted. */
#include "archive_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "horizon.h"
#include "limits.h"
#include "page.h"
#include "usage.h"

#define DAY_US INT64_C(86400000000)

struct town {
	struct store *s;
	struct daemon daemon;
	struct storaged_settings settings;
	struct storaged_domain sections[2];
	uint64_t n;
	size_t fill; /* bytes of the next payloads */
};

static const char *domains[] = {"x", "y", "z"};

static struct town *
town_new(void **state)
{
	struct town *t = NEW(struct town);

	t->s = *state;
	t->sections[0] = (struct storaged_domain){.title = "x", .archive_days = DAYS_DEFAULT};
	t->sections[1] = (struct storaged_domain){.title = "y", .archive_days = DAYS_DEFAULT};
	t->settings.domains = (struct setting_sections){.v = t->sections, .n = 2};
	t->settings.keep_seconds = 60;
	t->daemon.settings = &t->settings;
	t->daemon.suite.domains = domains;
	t->daemon.suite.n_domains = COUNT(domains);
	t->s->storaged.daemon = &t->daemon;
	return t;
}

/* The row's id. */
static uint64_t
say(struct town *t, const char *from, const char *to)
{
	struct buf payload = {0};
	struct msg_STORE m = {.archive_from = true,
	    .archive_to = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT, .facts = FACT_BODY, .from = str_z(from), .to = str_z(to)}};

	buf_add_z(&payload, "<body>");
	for (size_t i = 0; i < t->fill; i++)
		buf_add_c(&payload, 'x');
	buf_add_z(&payload, "</body>");
	m.st.payload = buf_str(&payload);
	t->s->job.op = op_of(9, ++t->n, OP_OWED);
	assert_int_equal(store_run(t->s, t->s->archive, archive_store, &m), SQLITE_OK);
	buf_deinit(&payload);
	return t->s->storaged.clock.last;
}

static unsigned
has(struct town *t, const char *owner)
{
	struct msg_ARCHIVE_QUERY q = {.req = 1, .owner = str_z(owner), .max = 250};

	assert_int_equal(store_run(t->s, t->s->archive, archive_query, &q), SQLITE_OK);
	assert_int_equal(t->s->job.result, JOB_ANSWER);
	return t->s->job.answer.page.items.count;
}

static void
purge(struct town *t, const char *whose, uint64_t before)
{
	struct msg_ARCHIVE_PURGE m = {.req = 1, .whose = str_z(whose), .before_us = (int64_t)before};

	assert_int_equal(store_run(t->s, t->s->archive, archive_purge, &m), SQLITE_OK);
	assert_int_equal(t->s->job.result, JOB_ANSWER);
	assert_true(t->s->job.gone_upto < before);
	assert_true(t->s->job.is_hasty);
}

static void
sweep(struct town *t)
{
	store_ride(t->s, 1000000);
	store_sweep(t->s, SWEEP_ENTRIES, UINT64_MAX / 2);
}

static int
rows(struct town *t)
{
	return count_rows(t->s, "SELECT count(*) FROM message");
}

/* ---- the operator ---- */

static void
test_a_purged_archive_is_gone_and_others_keep_theirs(void **state)
{
	struct town *t = town_new(state);
	uint64_t middle;

	say(t, "a@x/1", "b@y");
	store_ride(t->s, 1000000); /* one in the index, the others not */
	say(t, "a@x/1", "a@x");
	middle = say(t, "b@y", "a@x/1");
	say(t, "a@x/1", "c@x");
	purge(t, "a@x", middle);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(has(t, "a@x"), 2);
		assert_int_equal(has(t, "b@y"), 2);
		assert_int_equal(has(t, "c@x"), 1);
		sweep(t);
		assert_int_equal(rows(t), 3); /* what was to oneself alone has gone */
		store_restart(t->s);
		t->s->storaged.daemon = &t->daemon;
	}
	purge(t, "a@x", UINT64_MAX / 2);
	purge(t, "b@y", UINT64_MAX / 2);
	assert_int_equal(has(t, "a@x") + has(t, "b@y"), 0);
	sweep(t);
	assert_int_equal(rows(t), 1);
	assert_int_equal(has(t, "c@x"), 1);
	assert_int_equal(
	    count_rows(t->s, "SELECT count(*) FROM uid WHERE id NOT IN (SELECT id FROM message)"),
	    0);
	/* It fills again. */
	say(t, "a@x/1", "b@y");
	assert_int_equal(has(t, "a@x") + has(t, "b@y"), 2);
	free(t);
}

static void
test_a_purged_domain(void **state)
{
	struct town *t = town_new(state);

	say(t, "a@x/1", "b@y");
	say(t, "a@x/1", "c@x");
	say(t, "b@y/1", "d@y");
	store_ride(t->s, 1000000);
	say(t, "b@y/1", "a@x");
	purge(t, "x", UINT64_MAX / 2);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(has(t, "a@x") + has(t, "c@x"), 0);
		assert_int_equal(has(t, "b@y"), 3);
		assert_int_equal(has(t, "d@y"), 1);
		sweep(t);
		assert_int_equal(rows(t), 3);
		assert_int_equal(count_rows(t->s,
				     "SELECT count(*) FROM entry e JOIN address a ON a.id = e.owner"
				     " WHERE a.bare LIKE '%@x'"),
		    0);
		store_restart(t->s);
		t->s->storaged.daemon = &t->daemon;
	}
	free(t);
}

static void
test_everything_purged_but_what_is_owed(void **state)
{
	struct town *t = town_new(state);
	struct msg_STORE m = {.archive_to = true,
	    .owed = true,
	    .stamp_us = clock_wall_us(),
	    .st = {.type = TYPE_CHAT,
		.from = S("a@x/1"),
		.to = S("b@y"),
		.payload = S("<body>1</body>")}};
	struct msg_OWED_FETCH fetch = {.req = 1, .owner = S("b@y"), .max = 10};

	say(t, "a@x/1", "b@y");
	t->s->job.op = op_of(9, ++t->n, OP_OWED);
	assert_int_equal(store_run(t->s, t->s->archive, archive_store, &m), SQLITE_OK);
	purge(t, "", UINT64_MAX / 2);
	assert_int_equal(has(t, "a@x") + has(t, "b@y"), 0);
	sweep(t);
	assert_int_equal(rows(t), 1);
	assert_int_equal(store_run(t->s, t->s->archive, archive_owed_fetch, &fetch), SQLITE_OK);
	assert_int_equal(t->s->job.answer.owed.items.count, 1);
	free(t);
}

static void
test_nobody_has_no_archive(void **state)
{
	struct town *t = town_new(state);
	struct msg_ARCHIVE_PURGE m = {.req = 1, .whose = S("nobody@x"), .before_us = INT64_MAX};

	assert_int_equal(store_run(t->s, t->s->archive, archive_purge, &m), SQLITE_OK);
	assert_int_equal(t->s->job.result, JOB_REFUSE);
	assert_int_equal(t->s->job.error, BUS_ERROR_NOT_FOUND);
	/* nothing is before 1970 */
	say(t, "a@x/1", "b@y");
	m = (struct msg_ARCHIVE_PURGE){.req = 1, .before_us = -5};
	assert_int_equal(store_run(t->s, t->s->archive, archive_purge, &m), SQLITE_OK);
	assert_int_equal(has(t, "a@x"), 1);
	free(t);
}

/* ---- counting ---- */

static struct rec_archive_usage
usage_of(struct town *t, const char *domain)
{
	struct msg_ARCHIVE_STATS_GET m = {.req = 1};
	const struct msg_ARCHIVE_STATS *answer = &t->s->job.answer.stats;
	struct rec_archive_usage sum = {.messages = 0};

	do {
		assert_int_equal(store_run(t->s, t->s->archive, archive_stats, &m), SQLITE_OK);
		assert_int_equal(t->s->job.result, JOB_ANSWER);
		assert_true(answer->file_bytes > 0);
		for (uint32_t i = 0; i < answer->domains.count; i++) {
			const struct rec_archive_usage *u =
			    &((const struct rec_archive_usage *)answer->domains.items)[i];

			if (!str_is(u->domain, domain))
				continue;
			if (sum.messages == 0)
				sum.oldest_us = u->oldest_us;
			sum.messages += u->messages;
			sum.bytes += u->bytes;
		}
		m.after = answer->last;
	} while (answer->more);
	return sum;
}

static void
test_what_is_counted(void **state)
{
	struct town *t = town_new(state);
	uint64_t first = say(t, "a@x/1", "c@x"), other = say(t, "a@x/1", "b@y");
	struct rec_archive_usage u = usage_of(t, "x");

	/* One that two of a domain have is one. */
	assert_int_equal(u.messages, 2);
	assert_int_equal(u.bytes, 2 * (13 + USAGE_OVERHEAD));
	assert_int_equal(u.oldest_us, first);
	assert_int_equal(usage_of(t, "y").oldest_us, other);
	assert_int_equal(usage_of(t, "z").messages, 0);
	/* in several slices */
	for (unsigned i = 0; i < 4500; i++)
		say(t, "a@x/1", "c@x");
	assert_int_equal(usage_of(t, "x").messages, 4502);
	/* What is gone does not count, whether it has been swept or not. */
	purge(t, "x", other);
	u = usage_of(t, "x");
	assert_int_equal(u.messages, 4501);
	assert_int_equal(u.oldest_us, other);
	assert_int_equal(usage_of(t, "y").messages, 1);
	free(t);
}

/* ---- the settings ---- */

/* All phases behind one another; how many slices there were. */
static unsigned
enforce(struct town *t, int64_t now_us)
{
	struct limits *l = limits_new(&t->s->storaged, now_us);
	unsigned n = 0;

	do {
		assert_int_equal(sqlite3_exec(t->s->archive, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(limits_slice(l, t->s->archive), SQLITE_OK);
		assert_int_equal(sqlite3_exec(t->s->archive, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
		n++;
	} while (limits_next(l));
	limits_free(&l);
	return n;
}

static void
test_days_by_domain(void **state)
{
	static const struct {
		int64_t all, x, y; /* archive_days; z has no section */
		unsigned left_x, left_y, left_z;
	} cases[] = {
	    {0, -1, -1, 1, 1, 1},
	    {10, -1, -1, 0, 0, 0},
	    {10, 0, -1, 1, 0, 0},
	    {10, 30, 31, 0, 1, 0},
	    {0, 10, -1, 0, 1, 1},
	    {40, 10, 29, 0, 0, 1},
	};

	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct town *t = town_new(state);
		char x[32], y[32], z[32];

		/* Others in each round: horizons are for ever. */
		store_teardown(state);
		store_setup(state);
		t->s = *state;
		t->s->storaged.daemon = &t->daemon;
		snprintf(x, sizeof(x), "a%u@x", i);
		snprintf(y, sizeof(y), "a%u@y", i);
		snprintf(z, sizeof(z), "a%u@z", i);
		say(t, x, x);
		say(t, y, y);
		say(t, z, z);
		t->settings.archive_days = cases[i].all;
		t->sections[0].archive_days = cases[i].x;
		t->sections[1].archive_days = cases[i].y;
		enforce(t, clock_wall_us() + 30 * DAY_US + 1000000);
		assert_int_equal(has(t, x), cases[i].left_x);
		assert_int_equal(has(t, y), cases[i].left_y);
		assert_int_equal(has(t, z), cases[i].left_z);
		sweep(t);
		assert_int_equal(rows(t), cases[i].left_x + cases[i].left_y + cases[i].left_z);
		free(t);
	}
}

static void
test_a_domain_that_is_too_large(void **state)
{
	struct town *t = town_new(state);
	const uint64_t cap = 1 << 20;
	uint64_t left;

	t->fill = 1000;
	for (unsigned i = 0; i < 3000; i++)
		say(t, i % 2 ? "a@x/1" : "b@y", i % 3 ? "c@x" : "d@y");
	t->sections[0].archive_megabytes = 1;
	left = usage_of(t, "x").bytes;
	assert_true(left > cap);
	/* measuring and cutting go slice by slice */
	assert_true(enforce(t, clock_wall_us()) >= 4);
	left = usage_of(t, "x").bytes;
	assert_true(left <= cap / 100 * 95 && left > cap / 100 * 93);
	/* Nobody else lost anything, and a second look changes nothing. */
	assert_int_equal(usage_of(t, "y").messages, 2000);
	enforce(t, clock_wall_us());
	assert_int_equal(usage_of(t, "x").bytes, left);
	sweep(t);
	assert_int_equal(usage_of(t, "x").bytes, left);
	assert_int_equal(usage_of(t, "y").messages, 2000);
	free(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_purged_archive_is_gone_and_others_keep_theirs),
	    TEST(test_a_purged_domain),
	    TEST(test_everything_purged_but_what_is_owed),
	    TEST(test_nobody_has_no_archive),
	    TEST(test_what_is_counted),
	    TEST(test_days_by_domain),
	    TEST(test_a_domain_that_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
