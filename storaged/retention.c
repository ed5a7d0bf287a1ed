/* See retention.h: horizons and slices, on the writer's thread. */
#include "retention.h"

#include <stdlib.h>

#include "base/archive_id.h"
#include "base/jid.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"
#include "search.h"

#define SLICE 512

enum {
	Q_GROUP,
	Q_CUT,
	Q_ENTRIES_DEL,
	Q_IDS,
	Q_BARE,
	Q_ADDRESS,
	Q_UNFLAG,
	Q_OLD,
	Q_LOOSE,
	Q_UNARCHIVE,
	Q_MESSAGE_DEL,
	Q_UID_DEL,
	Q_LAST_SET,
	Q_HORIZON_SET,
	Q_OWNER_SET,
	Q_DOMAIN_SET,
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
    [Q_BARE] = {.sql = "SELECT bare FROM address WHERE id = ?1"},
    [Q_ADDRESS] = {.sql = ADDRESS_FIND_SQL},
    [Q_UNFLAG] =
	{.sql = "UPDATE message SET flags = flags & ~((src = ?2) | ((dst = ?2) << 1)) WHERE id = ?1"},
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
			    " ON CONFLICT DO UPDATE SET horizon = max(horizon, excluded.horizon)"},
    [Q_DOMAIN_SET] = {.sql = "INSERT INTO domain(name, horizon) VALUES(?1, ?2)"
			     " ON CONFLICT DO UPDATE SET horizon = max(horizon, excluded.horizon)"},
    [Q_INDEXED] = {.sql = "SELECT value FROM state WHERE key = 'indexed_upto'"},
    [Q_SPAN] = {.sql = "SELECT (SELECT min(id) FROM message WHERE id > ?1),"
		       " (SELECT max(id) FROM message)"},
    [Q_PAGES] = {.sql = "SELECT (c.page_count - f.freelist_count) * s.page_size"
			" FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s"},
};

void
retention_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* ---- start ---- */

static void
note_row(struct storaged *s, sqlite3_stmt *st)
{
	uint64_t owner = db_column_u64(st, 0), id = db_column_u64(st, 2);
	struct str domain = db_column_str(st, 1);

	if (domain.n > 0)
		horizon_raise_domain(s->horizons, domain, id);
	else if (owner)
		horizon_raise_owner(s->horizons, owner, id);
	else
		horizon_raise_all(s->horizons, id);
}

int
retention_load(struct storaged *s, sqlite3 *db, struct err *err)
{
	struct db_stmt all = {.sql = "SELECT 0, '', value FROM state WHERE key = 'horizon'"
				     " UNION ALL SELECT id, '', horizon FROM owner"
				     " UNION ALL SELECT 0, name, horizon FROM domain"};
	sqlite3_stmt *st = db_stmt(db, &all);
	int rc;

	s->horizons = horizons_new();
	while ((rc = db_step(st)) == SQLITE_ROW) {
		note_row(s, st);
		if (db_column_u64(st, 2) > s->gone_upto)
			s->gone_upto = db_column_u64(st, 2);
	}
	/* Somebody may have waited for it when the last process ended. */
	s->runs.hurry_upto = s->gone_upto;
	db_stmts_finalize(&all, 1);
	return rc == SQLITE_DONE ? 0
				 : err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(db));
}

/* ---- horizons ---- */

/* A reader may see less a moment before the commit: nobody can tell. */
int
retention_raise(struct storaged *s, sqlite3 *db, uint64_t horizon)
{
	int rc = DB_RUN(db, &stmts[Q_HORIZON_SET], horizon);

	if (rc == SQLITE_OK)
		horizon_raise_all(s->horizons, horizon);
	return rc;
}

int
retention_raise_domain(struct storaged *s, sqlite3 *db, struct str domain, uint64_t horizon)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_DOMAIN_SET]);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, domain);
	db_bind_u64(st, 2, horizon);
	rc = db_run(st);
	if (rc == SQLITE_OK)
		horizon_raise_domain(s->horizons, domain, horizon);
	return rc;
}

static int
raise_owner(struct storaged *s, sqlite3 *db, uint64_t owner, uint64_t horizon)
{
	int rc = DB_RUN(db, &stmts[Q_OWNER_SET], owner, horizon);

	if (rc == SQLITE_OK)
		horizon_raise_owner(s->horizons, owner, horizon);
	return rc;
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

/* What is to go already and is not in the index yet takes room until it is: nothing more goes meanwhile. */
int
retention_cap(struct storaged *s, sqlite3 *db, uint64_t bytes)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_PAGES]);
	uint64_t used = 0, first = 0, last = 0;

	if (horizon_of_all(s->horizons) > indexed_upto(db))
		return SQLITE_OK;
	if (st && db_step(st) == SQLITE_ROW)
		used = db_column_u64(st, 0);
	if (st)
		sqlite3_reset(st);
	if (used <= bytes)
		return SQLITE_OK;
	/* Below the horizon are only those that are owed to somebody: they stay. */
	st = DB_STMT(db, &stmts[Q_SPAN], horizon_of_all(s->horizons));
	if (st && db_step(st) == SQLITE_ROW) {
		first = db_column_u64(st, 0);
		last = db_column_u64(st, 1);
	}
	if (st)
		sqlite3_reset(st);
	return first ? retention_raise(s, db, first + (last - first) / 100) : SQLITE_OK;
}

int
retention_erase(struct storaged *s, sqlite3 *db, uint64_t owner)
{
	int rc;

	if (owner == 0)
		return SQLITE_OK;
	rc = raise_owner(s, db, owner, s->clock.last);
	return rc == SQLITE_OK ? DB_RUN(db, &stmts[Q_LAST_SET], s->clock.last) : rc;
}

/* ---- the operator ---- */

int
archive_purge(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ARCHIVE_PURGE *m = msg;
	struct storaged *s = job->storaged;
	struct jid whose = jid_split(m->whose);
	uint64_t horizon = m->before_us > 0 ? (uint64_t)m->before_us - 1 : 0, owner = 0;
	int rc;

	if (horizon > s->clock.last)
		horizon = s->clock.last;
	if (!str_empty(whose.local)) {
		owner = address_find(db, &stmts[Q_ADDRESS], whose.bare);
		if (owner == 0)
			return job_refuse(job, BUS_ERROR_NOT_FOUND, "it has no archive");
		rc = raise_owner(s, db, owner, horizon);
	} else if (!str_empty(m->whose)) {
		rc = retention_raise_domain(s, db, m->whose, horizon);
	} else {
		rc = retention_raise(s, db, horizon);
	}
	if (rc != SQLITE_OK)
		return rc;
	job->gone_upto = horizon;
	job->is_hasty = true;
	return job_answer(job, MSG_DONE);
}

/* ---- slices ---- */

static int
unflag(sqlite3 *db, uint64_t owner, uint64_t id)
{
	return DB_RUN(db, &stmts[Q_UNFLAG], id, owner);
}

/* Entries of one that has lost more than all let go of their messages, which others may still have. */
static int
unflag_entries(struct storaged *s, sqlite3 *db, uint64_t owner, uint64_t upto)
{
	uint64_t ids[SLICE];
	size_t n = 0;
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_IDS], owner, horizon_of_all(s->horizons), upto);
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

static uint64_t
horizon_of_number(struct storaged *s, sqlite3 *db, uint64_t owner)
{
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_BARE], owner);
	struct str bare = {0};
	uint64_t id;

	if (st && db_step(st) == SQLITE_ROW)
		bare = db_column_str(st, 0);
	id = horizon_of(s->horizons, owner, bare);
	if (st)
		sqlite3_reset(st);
	return id;
}

/* At most a slice of one (owner, peer); *n_r rows. */
static int
delete_entries(struct storaged *s, sqlite3 *db, const struct sweep_cursor *c, int *n_r)
{
	uint64_t horizon = horizon_of_number(s, db, c->owner), cut = horizon;
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_CUT], c->owner, c->peer, horizon);
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
	if (c->peer == 0 && horizon > horizon_of_all(s->horizons))
		rc = unflag_entries(s, db, c->owner, cut);
	if (rc == SQLITE_OK)
		rc = DB_RUN(db, &stmts[Q_ENTRIES_DEL], c->owner, c->peer, cut);
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
		    DB_STMT(db, &stmts[Q_GROUP], c->owner, c->peer, n == SLICE ? 0 : INT64_MAX);

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
		return DB_RUN(db, &stmts[Q_UNARCHIVE], r->id);
	rc = DB_RUN(db, &stmts[Q_MESSAGE_DEL], r->id);
	return rc == SQLITE_OK ? DB_RUN(db, &stmts[Q_UID_DEL], r->tag, r->id) : rc;
}

/* Rows behind the cursor; when there are no more, on to the next phase. */
static int
slice_of_rows(struct storaged *s, sqlite3 *db, struct sweep_cursor *c, uint64_t before)
{
	struct old_row rows[SLICE];
	bool is_loose = c->phase == SWEEP_LOOSE;
	uint64_t most = horizon_of_all(s->horizons), indexed = indexed_upto(db);
	int n, rc;

	/* What is not in the index yet would be put into it for nothing. */
	most = most < indexed ? most : indexed;
	rc = read_rows(is_loose ? DB_STMT(db, &stmts[Q_LOOSE], c->id, before, SLICE)
				: DB_STMT(db, &stmts[Q_OLD], c->id, most, SLICE),
	    rows, &n);
	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = remove_row(db, &rows[i]);
	search_lost(s, (unsigned)n);
	/* The highest row may be among those that go: its id must not come again. */
	if (n > 0 && rc == SQLITE_OK)
		rc = DB_RUN(db, &stmts[Q_LAST_SET], s->clock.last);
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
