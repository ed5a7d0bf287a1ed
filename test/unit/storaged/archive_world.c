/* See archive_world.h. */
#include "archive_world.h"

#include <stdio.h>

#include "base/archive_id.h"
#include "base/clock.h"
#include "page.h"

unsigned
chance(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->seed >> 33) % n;
}

void
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

bool
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
unsigned
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

struct id128
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

void
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

void
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

struct world *
world_new(void **state)
{
	struct world *w = NEW(struct world);

	w->s = *state;
	w->seed = 42;
	return w;
}

void
raise_horizon(struct world *w, uint64_t id)
{
	sqlite3 *db = w->s->archive;

	assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(retention_raise(&w->s->storaged, db, id), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}
