/* See page.h: transactions and answers; what a query is, says query.h. */
#include "page.h"

#include "query.h"
#include "search.h"
#include "usage.h"

#define PAGE_MAX 250 /* as messages.def has it */
#define TRIES 3

void
page_statements_finalize(void)
{
	query_statements_finalize();
	entry_statements_finalize();
	usage_statements_finalize();
}

static void
reverse(struct rec_archive_item *items, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		struct rec_archive_item swap = items[i];

		items[i] = items[n - 1 - i];
		items[n - 1 - i] = swap;
	}
}

static int
query_begin(struct query *q)
{
	int rc = query_range(q);

	if (rc != SQLITE_OK)
		return rc;
	if (q->is_missing)
		return job_refuse(q->job, BUS_ERROR_NOT_FOUND, "no such message in the archive");
	q->max = q->m->max < PAGE_MAX ? q->m->max : PAGE_MAX;
	q->items = arena_alloc(&q->job->arena, (q->max + 1) * sizeof(*q->items));
	q->is_under_way = true;
	return query_count(q, &q->answer);
}

static int
query_answer(struct query *q)
{
	int rc = q->is_under_way ? SQLITE_OK : query_begin(q);

	if (rc != SQLITE_OK || !q->is_under_way)
		return rc;
	rc = query_read(q);
	if (rc != SQLITE_OK)
		return rc;
	q->job->goes_on = q->is_paused;
	if (q->is_paused)
		return SQLITE_OK;
	if (q->is_tired && q->n == 0)
		return job_refuse(q->job, BUS_ERROR_LIMIT, "too much to look through");
	if (q->m->backward)
		reverse(q->items, q->n);
	q->answer.complete = !q->has_more && !q->is_tired;
	q->answer.unstable = q->is_behind;
	q->answer.items = (struct bus_list){.items = q->items, .count = q->n};
	q->job->answer.page = q->answer;
	return job_answer(q->job, MSG_ARCHIVE_PAGE);
}

/* ---- transactions ---- */

typedef int query_fn(struct query *q);

/* In one read transaction, tried again if the index moved on under it. */
static int
in_view(struct query *q, query_fn *fn)
{
	sqlite3 *db = q->view.db;
	bool is_own = sqlite3_get_autocommit(db), is_open = false;
	int rc = SQLITE_OK;

	for (int i = 0; i < TRIES && rc == SQLITE_OK && !is_open; i++) {
		if (is_own)
			rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = view_open(&q->view, q->job->storaged, &is_open);
		if (rc == SQLITE_OK && is_open)
			rc = fn(q);
		if (is_own && !sqlite3_get_autocommit(db))
			sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	return rc == SQLITE_OK && !is_open ? SQLITE_BUSY : rc;
}

/* The one under way, or a new one. The message is decoded anew for each part, its strings are where they were. */
static struct query *
query_of(struct job *job, const void *msg)
{
	struct query *q = job->progress;

	if (!q) {
		q = job->progress = arena_alloc(&job->arena, sizeof(*q));
		*q = (struct query){.job = job};
	}
	q->m = msg;
	return q;
}

int
archive_query(struct job *job, sqlite3 *db, const void *msg)
{
	struct query *q = query_of(job, msg);

	q->view = (struct view){.db = db};
	return in_view(q, query_answer);
}

/* ---- for words ---- */

/* Once the archive's number is known: it is a word of the question. */
static int
words_answer(struct query *q)
{
	struct search *f = q->job->storaged->search;
	uint64_t owner;
	struct buf match = {0};
	unsigned n;

	if (q->is_under_way)
		return query_answer(q);
	owner = query_owner(q);
	n = words_match(f->words, owner, q->m->text, &match);
	q->match = arena_str(&q->job->arena, buf_str(&match));
	buf_deinit(&match);
	if (n > WORDS_MAX)
		return job_refuse(q->job, BUS_ERROR_BAD_REQUEST, "too many words");
	q->is_empty = n == 0;
	return query_answer(q);
}

int
archive_search(struct job *job, sqlite3 *db, const void *msg)
{
	struct storaged *s = job->storaged;
	struct query *q = query_of(job, msg);
	int rc = q->is_under_way ? SQLITE_OK : search_follow(s, db, &q->is_behind);

	q->words = db;
	q->view = (struct view){.lane = LANE_SEARCH, .db = s->search->log};
	return rc == SQLITE_OK ? in_view(q, words_answer) : rc;
}

/* ---- metadata ---- */

static int
end_of(struct query *q, bool backward, struct rec_archive_item *item)
{
	int rc;

	q->page = q->all;
	q->page.backward = backward;
	q->n = 0;
	q->max = 1;
	q->items = item;
	q->has_more = false;
	q->looked = 0;
	do
		rc = query_read(q);
	while (rc == SQLITE_OK && q->is_paused);
	q->items = NULL;
	return rc;
}

static int
metadata_answer(struct query *q)
{
	struct rec_archive_item first, last;
	int rc;

	query_range_begin(q);
	rc = end_of(q, false, &first);
	if (rc == SQLITE_OK && q->n == 1)
		rc = end_of(q, true, &last);
	if (rc != SQLITE_OK)
		return rc;
	q->job->answer.metadata = (struct msg_ARCHIVE_METADATA){.found = q->n == 1};
	if (q->n == 1) {
		q->job->answer.metadata.first = first.id;
		q->job->answer.metadata.first_us = first.stamp_us;
		q->job->answer.metadata.last = last.id;
		q->job->answer.metadata.last_us = last.stamp_us;
	}
	return job_answer(q->job, MSG_ARCHIVE_METADATA);
}

int
archive_metadata(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ARCHIVE_METADATA_GET *m = msg;
	struct msg_ARCHIVE_QUERY all = {.owner = m->owner};
	struct query q = {.job = job, .m = &all, .view = {.db = db}};

	return in_view(&q, metadata_answer);
}
