/* See entry.h. */
#include "entry.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	Q_STATE,
	Q_LAST,
	Q_FORWARD,
	Q_BACKWARD,
	Q_COUNT_OF,
	Q_TAG,
	Q_COUNT,
};

static struct db_stmt stmts[LANES][Q_COUNT] = {
    [0 ... LANES - 1] = {
	[Q_STATE] = {.sql = "SELECT value FROM state WHERE key = 'indexed_upto'"},
	[Q_LAST] = {.sql = "SELECT coalesce(max(id), 0) FROM message"},
	[Q_FORWARD] = {.sql = "SELECT id FROM entry WHERE owner = ?1 AND peer = ?2 AND id > ?3 AND id <= ?4"
			      " ORDER BY id LIMIT ?5"},
	[Q_BACKWARD] = {.sql = "SELECT id FROM entry WHERE owner = ?1 AND peer = ?2 AND id > ?3 AND id <= ?4"
			       " ORDER BY id DESC LIMIT ?5"},
	[Q_COUNT_OF] = {.sql = "SELECT count(*) FROM (SELECT 1 FROM entry"
			       " WHERE owner = ?1 AND peer = ?2 AND id > ?3 AND id <= ?4 LIMIT ?5)"},
	[Q_TAG] = {.sql = "SELECT id FROM uid WHERE tag = ?1 LIMIT ?2"},
    }};

void
entry_statements_finalize(void)
{
	db_stmts_finalize(stmts[0], LANES * Q_COUNT);
}

static int
read_number(const struct view *v, int q, uint64_t *v_r)
{
	sqlite3_stmt *st = db_stmt(v->db, &stmts[v->lane][q]);
	int rc = db_row(st);

	if (rc != SQLITE_OK)
		return rc;
	*v_r = db_column_u64(st, 0);
	sqlite3_reset(st);
	return SQLITE_OK;
}

int
view_open(struct view *v, struct storaged *s, bool *is_open_r)
{
	int rc;

	v->s = s;
	rc = read_number(v, Q_STATE, &v->indexed);
	if (rc == SQLITE_OK)
		rc = read_number(v, Q_LAST, &v->last);
	/* Between our first look and now two runs may have ended. */
	*is_open_r = tail_from(s->tail) <= v->indexed;
	return rc;
}

/* ---- one half each ---- */

static struct tail_range
half_in_memory(const struct view *v, const struct tail_range *r)
{
	struct tail_range half = *r;

	if (half.low < v->indexed)
		half.low = v->indexed;
	if (half.high > v->last)
		half.high = v->last;
	return half;
}

static sqlite3_stmt *
entry_stmt(const struct view *v, int q, const struct tail_range *r, size_t most)
{
	return DB_STMT(v->db, &stmts[v->lane][q], r->owner, r->peer, r->low,
	    r->high < v->indexed ? r->high : v->indexed, most);
}

static int
read_ids(sqlite3_stmt *st, uint64_t *ids_r, size_t most, size_t *n_r)
{
	int rc;

	*n_r = 0;
	while (*n_r < most && (rc = db_step(st)) == SQLITE_ROW)
		ids_r[(*n_r)++] = db_column_u64(st, 0);
	if (*n_r == most) {
		sqlite3_reset(st);
		return SQLITE_OK;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
find_on_disk(
    const struct view *v, const struct tail_range *r, uint64_t *ids_r, size_t most, size_t *n_r)
{
	*n_r = 0;
	if (r->low >= v->indexed || most == 0)
		return SQLITE_OK;
	return read_ids(
	    entry_stmt(v, r->backward ? Q_BACKWARD : Q_FORWARD, r, most), ids_r, most, n_r);
}

static size_t
find_in_memory(const struct view *v, const struct tail_range *r, uint64_t *ids_r, size_t most)
{
	struct tail_range half = half_in_memory(v, r);

	return half.low < half.high ? tail_find(v->s->tail, &half, ids_r, most) : 0;
}

/* ---- both ---- */

int
view_find(
    const struct view *v, const struct tail_range *r, uint64_t *ids_r, size_t most, size_t *n_r)
{
	size_t memory = 0, disk = 0;
	int rc;

	if (r->backward)
		memory = find_in_memory(v, r, ids_r, most);
	rc = find_on_disk(v, r, ids_r + memory, most - memory, &disk);
	if (!r->backward)
		memory = find_in_memory(v, r, ids_r + disk, most - disk);
	*n_r = memory + disk;
	return rc;
}

int
view_count(const struct view *v, const struct tail_range *r, size_t most, size_t *n_r)
{
	uint64_t *ids = mem_new_array(most + 1, sizeof(*ids));
	sqlite3_stmt *st;
	int rc = SQLITE_OK;

	*n_r = find_in_memory(v, r, ids, most + 1);
	free(ids);
	if (r->low >= v->indexed || *n_r > most)
		return SQLITE_OK;
	st = entry_stmt(v, Q_COUNT_OF, r, most + 1 - *n_r);
	rc = db_row(st);
	if (rc != SQLITE_OK)
		return rc;
	*n_r += db_column_u64(st, 0);
	sqlite3_reset(st);
	return SQLITE_OK;
}

int
view_find_tag(const struct view *v, uint64_t tag, uint64_t *ids_r, size_t most, size_t *n_r)
{
	size_t memory = tail_find_tag(v->s->tail, tag, ids_r, most);
	sqlite3_stmt *st;
	int rc;

	*n_r = memory;
	if (memory == most)
		return SQLITE_OK;
	st = DB_STMT(v->db, &stmts[v->lane][Q_TAG], tag, most - memory);
	if (!st)
		return sqlite3_errcode(v->db);
	rc = read_ids(st, ids_r + memory, most - memory, n_r);
	*n_r += memory;
	return rc;
}
