/* See retention.h.
 *
 *   idle ──daily──► ENTRIES ─► MESSAGES ─► LOOSE ─► idle       a slice, then PAUSE_MS for others
 *     └───often──────────────────────────►──┘
 */
#include "retention.h"

#include <stdlib.h>

#include "base/archive_id.h"
#include "base/clock.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"
#include "search.h"

#define SLICE 512
#define PAUSE_MS 10
#define DAY_US INT64_C(86400000000)

enum {
	Q_GROUP,
	Q_CUT,
	Q_ENTRIES_DEL,
	Q_IDS,
	Q_UNFLAG_FROM,
	Q_UNFLAG_TO,
	Q_OLD,
	Q_LOOSE,
	Q_UNARCHIVE,
	Q_MESSAGE_DEL,
	Q_UID_DEL,
	Q_LAST_SET,
	Q_HORIZON_SET,
	Q_OWNER_SET,
	Q_INDEXED,
	Q_SPAN,
	Q_PAGES,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_GROUP] = {.sql = "SELECT owner, peer FROM entry WHERE (owner, peer, id) > (?1, ?2, ?3)"
			" ORDER BY owner, peer, id LIMIT 1"},
    [Q_CUT] = {.sql = "SELECT id FROM entry WHERE owner = ?1 AND peer = ?2 AND id <= ?3"
		      " ORDER BY id LIMIT 1 OFFSET ?4"},
    [Q_ENTRIES_DEL] = {.sql = "DELETE FROM entry WHERE owner = ?1 AND peer = ?2 AND id <= ?3"},
    [Q_IDS] = {.sql = "SELECT id FROM entry WHERE owner = ?1 AND peer = 0 AND id > ?2 AND id <= ?3"
		      " ORDER BY id"},
    [Q_UNFLAG_FROM] = {.sql = "UPDATE message SET flags = flags & ~1 WHERE id = ?1 AND src = ?2"},
    [Q_UNFLAG_TO] = {.sql = "UPDATE message SET flags = flags & ~2 WHERE id = ?1 AND dst = ?2"},
    [Q_OLD] = {.sql = "SELECT id, flags, origin, n FROM message WHERE id > ?1 AND id <= ?2"
		      " ORDER BY id LIMIT ?3"},
    [Q_LOOSE] = {.sql = "SELECT id, flags, origin, n FROM message INDEXED BY message_loose"
			" WHERE flags & 7 = 0 AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"},
    [Q_UNARCHIVE] = {.sql = "UPDATE message SET flags = flags & ~3 WHERE id = ?1"},
    [Q_MESSAGE_DEL] = {.sql = "DELETE FROM message WHERE id = ?1"},
    [Q_UID_DEL] = {.sql = "DELETE FROM uid WHERE tag = ?1 AND id = ?2"},
    [Q_LAST_SET] = {.sql = "UPDATE state SET value = ?1 WHERE key = 'last_id'"},
    [Q_HORIZON_SET] = {.sql = "UPDATE state SET value = max(value, ?1) WHERE key = 'horizon'"},
    [Q_OWNER_SET] = {.sql = "INSERT INTO owner(id, horizon) VALUES(?1, ?2)"
			    " ON CONFLICT DO UPDATE SET horizon = excluded.horizon"},
    [Q_INDEXED] = {.sql = "SELECT value FROM state WHERE key = 'indexed_upto'"},
    [Q_SPAN] = {.sql = "SELECT (SELECT min(id) FROM message), (SELECT max(id) FROM message)"},
    [Q_PAGES] = {.sql = "SELECT (c.page_count - f.freelist_count) * s.page_size"
			" FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s"},
};

void
retention_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* A statement with up to three numbers. */
static sqlite3_stmt *
stmt_with(sqlite3 *db, int q, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t v[] = {a, b, c};
	sqlite3_stmt *st = db_stmt(db, &stmts[q]);

	for (int i = 0; st && i < sqlite3_bind_parameter_count(st) && i < 3; i++)
		db_bind_u64(st, i + 1, v[i]);
	return st;
}

static int
run_with(sqlite3 *db, int q, uint64_t a, uint64_t b, uint64_t c)
{
	return db_run(stmt_with(db, q, a, b, c));
}

/* ---- start ---- */

int
retention_load(struct storaged *s, sqlite3 *db, struct err *err)
{
	struct db_stmt all = {.sql = "SELECT 0, value FROM state WHERE key = 'horizon'"
				     " UNION ALL SELECT id, horizon FROM owner"};
	sqlite3_stmt *st = db_stmt(db, &all);
	int rc;

	s->horizons = horizons_new();
	while ((rc = db_step(st)) == SQLITE_ROW)
		horizon_raise(s->horizons, db_column_u64(st, 0), db_column_u64(st, 1));
	db_stmts_finalize(&all, 1);
	return rc == SQLITE_DONE ? 0
				 : err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(db));
}

/* ---- horizons ---- */

int
retention_raise(struct storaged *s, sqlite3 *db, uint64_t horizon)
{
	int rc = run_with(db, Q_HORIZON_SET, horizon, 0, 0);

	/* A reader may see less a moment before the commit: nobody can tell. */
	if (rc == SQLITE_OK)
		horizon_raise(s->horizons, 0, horizon);
	return rc;
}

int
retention_cap(struct storaged *s, sqlite3 *db, uint64_t bytes)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_PAGES]);
	uint64_t used = 0, first = 0, last = 0;

	if (st && db_step(st) == SQLITE_ROW)
		used = db_column_u64(st, 0);
	if (st)
		sqlite3_reset(st);
	if (used <= bytes)
		return SQLITE_OK;
	st = db_stmt(db, &stmts[Q_SPAN]);
	if (st && db_step(st) == SQLITE_ROW) {
		first = db_column_u64(st, 0);
		last = db_column_u64(st, 1);
	}
	if (st)
		sqlite3_reset(st);
	return first ? retention_raise(s, db, first + (last - first) / 100) : SQLITE_OK;
}

static int
unflag(sqlite3 *db, uint64_t owner, uint64_t id)
{
	int rc = run_with(db, Q_UNFLAG_FROM, id, owner, 0);

	return rc == SQLITE_OK ? run_with(db, Q_UNFLAG_TO, id, owner, 0) : rc;
}

/* What the index does not have yet will never get into it: these let go of their messages now. */
static int
unflag_tail(struct storaged *s, sqlite3 *db, uint64_t owner)
{
	struct tail_range r = {.owner = owner, .high = s->clock.last};
	uint64_t ids[SLICE];
	size_t n;
	int rc = SQLITE_OK;

	while (rc == SQLITE_OK && (n = tail_find(s->tail, &r, ids, SLICE)) > 0) {
		for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
			rc = unflag(db, owner, ids[i]);
		r.low = ids[n - 1];
	}
	return rc;
}

int
retention_erase(struct storaged *s, sqlite3 *db, uint64_t owner)
{
	int rc;

	if (owner == 0)
		return SQLITE_OK;
	rc = run_with(db, Q_OWNER_SET, owner, s->clock.last, 0);
	if (rc == SQLITE_OK)
		rc = run_with(db, Q_LAST_SET, s->clock.last, 0, 0);
	if (rc == SQLITE_OK)
		horizon_raise(s->horizons, owner, s->clock.last);
	return rc == SQLITE_OK ? unflag_tail(s, db, owner) : rc;
}

/* ---- slices ---- */

/* Entries of a removed account let go of their messages, which others may still have. */
static int
unflag_entries(struct storaged *s, sqlite3 *db, uint64_t owner, uint64_t upto)
{
	uint64_t ids[SLICE];
	size_t n = 0;
	sqlite3_stmt *st = stmt_with(db, Q_IDS, owner, horizon_of(s->horizons, 0), upto);
	int rc = SQLITE_DONE;

	while (n < SLICE && (rc = db_step(st)) == SQLITE_ROW)
		ids[n++] = db_column_u64(st, 0);
	if (n == SLICE)
		sqlite3_reset(st);
	else if (rc != SQLITE_DONE)
		return rc;
	rc = SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = unflag(db, owner, ids[i]);
	return rc;
}

/* At most a slice of one (owner, peer); *n_r rows. */
static int
delete_entries(struct storaged *s, sqlite3 *db, const struct sweep_cursor *c, int *n_r)
{
	uint64_t horizon = horizon_of(s->horizons, c->owner), cut = horizon;
	sqlite3_stmt *st = stmt_with(db, Q_CUT, c->owner, c->peer, horizon);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	sqlite3_bind_int(st, 4, SLICE - 1);
	rc = db_step(st);
	if (rc == SQLITE_ROW) {
		cut = db_column_u64(st, 0);
		sqlite3_reset(st);
	} else if (rc != SQLITE_DONE) {
		return rc;
	}
	rc = SQLITE_OK;
	if (c->peer == 0 && horizon > horizon_of(s->horizons, 0))
		rc = unflag_entries(s, db, c->owner, cut);
	if (rc == SQLITE_OK)
		rc = run_with(db, Q_ENTRIES_DEL, c->owner, c->peer, cut);
	*n_r = sqlite3_changes(db);
	return rc;
}

static int
slice_of_entries(struct storaged *s, sqlite3 *db, struct sweep_cursor *c)
{
	int rc = SQLITE_OK, deleted = 0, n = 0;

	for (int groups = 0; groups < SLICE && deleted < SLICE && rc == SQLITE_OK; groups++) {
		/* A group that was cut off is gone on with, others are behind. */
		sqlite3_stmt *st =
		    stmt_with(db, Q_GROUP, c->owner, c->peer, n == SLICE ? 0 : INT64_MAX);

		rc = db_step(st);
		if (rc == SQLITE_DONE) {
			*c = (struct sweep_cursor){.phase = SWEEP_MESSAGES};
			return SQLITE_OK;
		}
		if (rc != SQLITE_ROW)
			return rc;
		c->owner = db_column_u64(st, 0);
		c->peer = db_column_u64(st, 1);
		sqlite3_reset(st);
		rc = delete_entries(s, db, c, &n);
		deleted += n;
	}
	/* The next slice looks at the same group again. */
	if (n == SLICE && c->peer > 0)
		c->peer--;
	else if (n == SLICE)
		c->owner--, c->peer = INT64_MAX;
	return rc;
}

struct old_row {
	uint64_t id, tag;
	int flags;
};

static int
read_rows(sqlite3_stmt *st, struct old_row *rows, int *n_r)
{
	int rc = SQLITE_DONE;

	*n_r = 0;
	while (*n_r < SLICE && (rc = db_step(st)) == SQLITE_ROW) {
		struct id128 origin = db_column_id(st, 2);
		struct id128 id = archive_id(&origin, db_column_u64(st, 3), (struct str){0});

		rows[(*n_r)++] = (struct old_row){.id = db_column_u64(st, 0),
		    .flags = sqlite3_column_int(st, 1),
		    .tag = archive_id_tag(&id)};
	}
	if (st)
		sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int
remove_row(sqlite3 *db, const struct old_row *r)
{
	int rc;

	if (r->flags & FLAG_HELD)
		return run_with(db, Q_UNARCHIVE, r->id, 0, 0);
	rc = run_with(db, Q_MESSAGE_DEL, r->id, 0, 0);
	return rc == SQLITE_OK ? run_with(db, Q_UID_DEL, r->tag, r->id, 0) : rc;
}

static uint64_t
indexed_upto(sqlite3 *db)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_INDEXED]);
	uint64_t id = 0;

	if (st && db_step(st) == SQLITE_ROW)
		id = db_column_u64(st, 0);
	if (st)
		sqlite3_reset(st);
	return id;
}

/* Rows behind the cursor; when there are no more, on to the next phase. */
static int
slice_of_rows(struct storaged *s, sqlite3 *db, struct sweep_cursor *c, uint64_t before)
{
	struct old_row rows[SLICE];
	bool is_loose = c->phase == SWEEP_LOOSE;
	uint64_t most = horizon_of(s->horizons, 0), indexed = indexed_upto(db);
	int n, rc;

	/* What is not in the index yet would be put into it for nothing. */
	most = most < indexed ? most : indexed;
	rc = read_rows(is_loose ? stmt_with(db, Q_LOOSE, c->id, before, SLICE)
				: stmt_with(db, Q_OLD, c->id, most, SLICE),
	    rows, &n);
	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = remove_row(db, &rows[i]);
	search_lost(s, (unsigned)n);
	/* The highest row may be among those that go: its id must not come again. */
	if (n > 0 && rc == SQLITE_OK)
		rc = run_with(db, Q_LAST_SET, s->clock.last, 0, 0);
	if (n == SLICE)
		c->id = rows[n - 1].id;
	else
		*c = (struct sweep_cursor){.phase = is_loose ? SWEEP_DONE : SWEEP_LOOSE};
	return rc;
}

int
retention_slice(struct storaged *s, sqlite3 *db, struct sweep_cursor *c, uint64_t before)
{
	if (c->phase == SWEEP_ENTRIES)
		return slice_of_entries(s, db, c);
	return slice_of_rows(s, db, c, before);
}

/* ---- on the loop ---- */

struct sweep {
	struct db_job base;
	struct storaged *storaged;
	struct sweep_cursor from, upto;
	uint64_t before, horizon, cap; /* to be done first; 0: not */
	struct loop_timer *pause;
};

static int
sweep_run(struct db_job *base, sqlite3 *db)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);
	int rc = SQLITE_OK;

	w->upto = w->from;
	if (w->horizon)
		rc = retention_raise(w->storaged, db, w->horizon);
	if (w->cap && rc == SQLITE_OK) {
		uint64_t was = horizon_of(w->storaged->horizons, 0);

		rc = retention_cap(w->storaged, db, w->cap);
		if (was != horizon_of(w->storaged->horizons, 0))
			w->upto.phase = SWEEP_ENTRIES;
	}
	return rc == SQLITE_OK ? retention_slice(w->storaged, db, &w->upto, w->before) : rc;
}

static void
sweep_go_on(void *sweep)
{
	struct sweep *w = sweep;

	db_writer_submit(w->storaged->archive.writer, &w->base);
}

static void
sweep_end(struct sweep *w)
{
	loop_timer_free(&w->pause);
	w->storaged->sweeping = NULL;
	free(w);
}

static void
sweep_done(struct db_job *base, int rc)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);

	if (rc != SQLITE_OK || w->upto.phase == SWEEP_DONE || w->storaged->is_stopping) {
		sweep_end(w);
		return;
	}
	w->from = w->upto;
	w->horizon = w->cap = 0;
	loop_timer_start(w->pause, PAUSE_MS, 0);
}

void
retention_stop(struct storaged *s)
{
	if (s->sweeping)
		sweep_end(s->sweeping);
}

static void
sweep_begin(struct storaged *s, enum sweep_phase phase, uint64_t horizon)
{
	const struct storaged_settings *set = s->daemon->settings;
	struct sweep *w;

	if (s->sweeping)
		return;
	w = s->sweeping = NEW(struct sweep);
	w->base.run = sweep_run;
	w->base.done = sweep_done;
	w->storaged = s;
	w->from.phase = phase;
	w->horizon = horizon;
	w->cap = (uint64_t)set->archive_megabytes << 20;
	w->before = (uint64_t)(clock_wall_us() - set->keep_seconds * 1000000);
	w->pause = loop_timer_new(s->daemon->loop, sweep_go_on, w);
	sweep_go_on(w);
}

void
retention_daily(void *storaged)
{
	struct storaged *s = storaged;
	const struct storaged_settings *set = s->daemon->settings;

	sweep_begin(s, SWEEP_ENTRIES,
	    set->archive_days ? (uint64_t)(clock_wall_us() - set->archive_days * DAY_US) : 0);
}

void
retention_often(void *storaged)
{
	sweep_begin(storaged, SWEEP_LOOSE, 0);
}
