/* See query.h. A query is a range of ids (ids are times) in one archive, or in what one peer has of it; what the index cannot
 * say (a resource, a set of ids) is compared row by row. */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "base/jid.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"
#include "search.h"

#define PAGE_BYTES_MAX (192 * 1024) /* fits into the window of a session (sessiond, window_bytes) */
#define COUNT_MAX 2000              /* counting more would cost more than the page */
#define STEP 64                     /* ids read at a time */
#define PART 2000                   /* rows looked at, then others come first */
#define LOOK_MAX \
	(50 * PART) /* and no more than this for one page: then it ends, or is refused if it is empty */
#define SAME_TAG_MAX 8

enum {
	Q_ADDRESS,
	Q_ROW,
	Q_COUNT,
};

static struct db_stmt stmts[LANES][Q_COUNT] = {
    [0 ... LANES - 1] = {
	[Q_ADDRESS] = {.sql = ADDRESS_FIND_SQL},
	[Q_ROW] = {.sql = "SELECT " ROW_COLUMNS " FROM message m" ROW_JOINS " WHERE m.id = ?1"},
    }};

void
query_statements_finalize(void)
{
	db_stmts_finalize(stmts[0], LANES * Q_COUNT);
}

/* ---- rows ---- */

static int
row_find(struct query *q, uint64_t id, struct row_read *r, bool *found_r)
{
	sqlite3_stmt *st = DB_STMT(q->view.db, &stmts[q->view.lane][Q_ROW], id);
	int rc;

	if (!st)
		return sqlite3_errcode(q->view.db);
	rc = db_step(st);
	*found_r = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	row_read(&q->job->arena, st, r);
	sqlite3_reset(st);
	return SQLITE_OK;
}

static bool
is_in_archive(const struct query *q, const struct row_read *r)
{
	bool is_from = str_eq(jid_split(r->st.from).bare, q->m->owner);
	bool is_to = str_eq(jid_split(r->st.to).bare, q->m->owner);

	return ((r->flags & FLAG_FROM) && is_from) || ((r->flags & FLAG_TO) && is_to);
}

/* XEP-0313 §4.1.1. To oneself: both sides must be it. */
static bool
is_with(const struct query *q, const struct row_read *r)
{
	bool is_from = str_eq(jid_split(r->st.from).bare, q->m->owner);
	bool is_to = str_eq(jid_split(r->st.to).bare, q->m->owner);

	if (str_empty(q->with.full))
		return true;
	if (is_from && is_to)
		return str_eq(q->with.bare, q->m->owner) &&
		    (jid_is_bare(&q->with) || str_eq(r->st.from, q->with.full) ||
			str_eq(r->st.to, q->with.full));
	if (jid_is_bare(&q->with))
		return str_eq(jid_split(is_from ? r->st.to : r->st.from).bare, q->with.full);
	return str_eq(is_from ? r->st.to : r->st.from, q->with.full);
}

/* ---- public ids ---- */

/* The message of this archive with this public id; 0: there is none. */
static int
resolve(struct query *q, const struct id128 *id, uint64_t *row_r)
{
	uint64_t ids[SAME_TAG_MAX];
	size_t n;
	int rc = view_find_tag(&q->view, archive_id_tag(id), ids, SAME_TAG_MAX, &n);

	*row_r = 0;
	for (size_t i = 0; i < n && rc == SQLITE_OK && !*row_r; i++) {
		struct row_read r;
		struct id128 own;
		bool found = false;

		rc = row_find(q, ids[i], &r, &found);
		if (rc != SQLITE_OK || !found || !is_in_archive(q, &r))
			continue;
		own = archive_id(&r.origin, r.n, q->m->owner);
		if (id_eq(&own, id) && r.id > q->all.low && r.id <= q->view.last)
			*row_r = r.id;
	}
	return rc;
}

/* Narrows a range by a public id: to what is behind it, or before it. */
static int
narrow(struct query *q, struct tail_range *range, const struct id128 *id, bool is_after)
{
	uint64_t row;
	int rc;

	if (id_is_zero(id))
		return SQLITE_OK;
	rc = resolve(q, id, &row);
	if (row == 0)
		q->is_missing = true;
	else if (is_after && range->low < row)
		range->low = row;
	else if (!is_after && range->high > row - 1)
		range->high = row - 1;
	return rc;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
resolve_list(struct query *q)
{
	struct bus_list list = q->m->ids;
	struct rec_archive_id id;
	int rc = SQLITE_OK;

	if (q->m->ids.count == 0)
		return SQLITE_OK;
	q->ids = arena_alloc(&q->job->arena, q->m->ids.count * sizeof(*q->ids));
	while (rc == SQLITE_OK && bus_list_next(&list, &bus_record_archive_id, &id)) {
		rc = resolve(q, &id.id, &q->ids[q->n_ids]);
		if (q->ids[q->n_ids++] == 0)
			q->is_missing = true;
	}
	qsort(q->ids, q->n_ids, sizeof(*q->ids), compare_ids);
	return rc;
}

/* ---- the range ---- */

uint64_t
query_owner(const struct query *q)
{
	return address_find(q->view.db, &stmts[q->view.lane][Q_ADDRESS], q->m->owner);
}

/* Ids end just before the next millisecond: stamps have no more digits. */
void
query_range_begin(struct query *q)
{
	const struct msg_ARCHIVE_QUERY *m = q->m;
	struct db_stmt *address = &stmts[q->view.lane][Q_ADDRESS];
	uint64_t horizon;

	q->all.owner = query_owner(q);
	horizon = horizon_of(q->view.s->horizons, q->all.owner, m->owner);
	q->all.low = horizon;
	q->all.high = q->view.last;
	q->all.backward = m->backward;
	if (!str_empty(m->with)) {
		q->with = jid_split(m->with);
		q->all.peer = address_find(q->view.db, address, q->with.bare);
		if (q->all.peer == 0)
			q->all.owner = 0;
	}
}

static void
range_times(struct query *q)
{
	const struct msg_ARCHIVE_QUERY *m = q->m;

	if (m->start_us > 0 && (uint64_t)m->start_us - 1 > q->all.low)
		q->all.low = (uint64_t)m->start_us - 1;
	if (m->end_us < 0)
		q->all.high = 0;
	else if (m->end_us > 0 && (uint64_t)m->end_us < q->all.high)
		q->all.high = (uint64_t)m->end_us;
}

int
query_range(struct query *q)
{
	uint64_t low;
	struct tail_range all;
	int rc;

	query_range_begin(q);
	low = q->all.low;
	all = q->all;
	rc = narrow(q, &all, &q->m->after_id, true);
	if (rc == SQLITE_OK)
		rc = narrow(q, &all, &q->m->before_id, false);
	q->page = (struct tail_range){.low = low, .high = q->view.last};
	if (rc == SQLITE_OK)
		rc = narrow(q, &q->page, &q->m->after, true);
	if (rc == SQLITE_OK)
		rc = narrow(q, &q->page, &q->m->before, false);
	if (rc == SQLITE_OK)
		rc = resolve_list(q);
	q->all = all;
	range_times(q);
	low = q->page.low > q->all.low ? q->page.low : q->all.low;
	all = q->all;
	all.low = low;
	all.high = q->page.high < q->all.high ? q->page.high : q->all.high;
	q->page = all;
	return rc;
}

/* ---- the page ---- */

/* The next ids of what the page is taken from. */
static int
next_ids(struct query *q, uint64_t *ids_r, size_t *n_r)
{
	struct tail_range *p = &q->page;
	int rc = SQLITE_OK;

	*n_r = 0;
	if (p->owner == 0 || p->low >= p->high || q->is_empty)
		return SQLITE_OK;
	if (q->words && !q->ids)
		rc = search_find(q->words, q->match, p, ids_r, STEP, n_r);
	else if (!q->ids)
		rc = view_find(&q->view, p, ids_r, STEP, n_r);
	for (size_t i = 0; q->ids && i < q->n_ids && *n_r < STEP; i++) {
		uint64_t id = q->ids[p->backward ? q->n_ids - 1 - i : i];

		if (id > p->low && id <= p->high)
			ids_r[(*n_r)++] = id;
	}
	if (*n_r > 0 && p->backward)
		p->high = ids_r[*n_r - 1] - 1;
	else if (*n_r > 0)
		p->low = ids_r[*n_r - 1];
	return rc;
}

/* The index of words is a hint: it has what is gone, and a text may look like a sign of its own. */
static bool
is_hit(const struct query *q, const struct row_read *r)
{
	return is_with(q, r) && (!q->words || is_in_archive(q, r));
}

static void
take(struct query *q, const struct row_read *r)
{
	struct rec_archive_item *item;

	if (q->n == q->max || (q->n > 0 && q->bytes + r->st.payload.n > PAGE_BYTES_MAX)) {
		q->has_more = true;
		return;
	}
	item = &q->items[q->n++];
	item->id = archive_id(&r->origin, r->n, q->m->owner);
	item->row = r->id;
	item->stamp_us = r->stamp_us;
	item->held = (r->flags & FLAG_HELD) && str_eq(jid_split(r->st.to).bare, q->m->owner);
	item->st = r->st;
	q->bytes += r->st.payload.n;
}

int
query_read(struct query *q)
{
	uint64_t ids[STEP];
	size_t n, looked = 0;
	int rc;

	q->is_paused = false;
	while ((rc = next_ids(q, ids, &n)) == SQLITE_OK && n > 0) {
		for (size_t i = 0; i < n && !q->has_more; i++) {
			struct row_read r;
			bool found = false;

			rc = row_find(q, ids[i], &r, &found);
			if (rc != SQLITE_OK)
				return rc;
			if (found && is_hit(q, &r))
				take(q, &r);
		}
		looked += n;
		q->looked += n;
		q->is_tired = q->looked >= LOOK_MAX && !q->has_more;
		q->is_paused = looked >= PART && !q->has_more && !q->is_tired;
		if (q->has_more || q->is_paused || q->is_tired)
			break;
	}
	return rc;
}

int
query_count(struct query *q, struct msg_ARCHIVE_PAGE *page)
{
	size_t n = 0;
	int rc = SQLITE_OK;

	if (q->words || q->ids || (!str_empty(q->with.full) && !jid_is_bare(&q->with)))
		return SQLITE_OK;
	if (q->all.owner && q->all.low < q->all.high)
		rc = view_count(&q->view, &q->all, COUNT_MAX, &n);
	page->has_count = n <= COUNT_MAX;
	page->count = (uint32_t)n;
	return rc;
}
