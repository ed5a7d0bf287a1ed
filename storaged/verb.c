/* Operations that change state are remembered by origin, kind and owner with the highest n and its result, so that a replay is
 * answered and not done twice. Rows of origins that have been silent for KEEP_US are forgotten. */
#include "accounts.h"

#include "base/clock.h"

#define KEEP_US (7 * 24 * 3600 * INT64_C(1000000))

enum {
	Q_FIND,
	Q_SET,
	Q_FORGET,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_FIND] = {.sql = "SELECT n, value FROM verb WHERE origin = ?1 AND kind = ?2 AND owner = ?3"},
    [Q_SET] =
	{.sql = "INSERT INTO verb(origin, kind, owner, n, value, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT DO UPDATE SET n = excluded.n, value = excluded.value, at = excluded.at"},
    [Q_FORGET] =
	{.sql = "DELETE FROM verb WHERE rowid IN (SELECT rowid FROM verb WHERE at < ?1 LIMIT 2)"},
};

void
verb_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

static void
verb_bind(sqlite3_stmt *st, const struct job *job, struct str owner)
{
	db_bind_id(st, 1, &job->op.origin);
	sqlite3_bind_int(st, 2, job->op.kind);
	db_bind_str(st, 3, owner);
}

bool
verb_seen(struct job *job, sqlite3 *db, struct str owner, uint64_t *value_r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_FIND]);
	bool seen = false;

	if (!st || id_is_zero(&job->op.origin))
		return false;
	verb_bind(st, job, owner);
	if (db_step(st) == SQLITE_ROW && db_column_u64(st, 0) >= job->op.n) {
		seen = true;
		*value_r = db_column_u64(st, 1);
	}
	sqlite3_reset(st);
	return seen;
}

/* Two old ones go for each new one: the table follows what is alive without a timer of its own. */
static int
verb_forget(sqlite3 *db, int64_t now)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_FORGET]);

	if (!st)
		return sqlite3_errcode(db);
	sqlite3_bind_int64(st, 1, now - KEEP_US);
	return db_run(st);
}

int
verb_remember(struct job *job, sqlite3 *db, struct str owner, uint64_t value)
{
	int64_t now = clock_wall_us();
	sqlite3_stmt *st;
	int rc;

	if (id_is_zero(&job->op.origin))
		return SQLITE_OK;
	st = db_stmt(db, &stmts[Q_SET]);
	if (!st)
		return sqlite3_errcode(db);
	verb_bind(st, job, owner);
	db_bind_u64(st, 4, job->op.n);
	db_bind_u64(st, 5, value);
	sqlite3_bind_int64(st, 6, now);
	rc = db_run(st);
	return rc == SQLITE_OK ? verb_forget(db, now) : rc;
}
