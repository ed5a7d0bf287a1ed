/* Values that sessiond keeps for a user as they are: vCards, private XML, the time of the last session (enum blob_space). And
 * the end of an account. */
#include "accounts.h"
#include "detached.h"

enum {
	Q_GET,
	Q_PUT,
	Q_DEL,
	Q_ERASE_ROSTER,
	Q_ERASE_GROUPS,
	Q_ERASE_VERSION,
	Q_ERASE_BLOBS,
	Q_COUNT_OF,
	Q_COUNT,
};

#define BLOBS_MAX 1000 /* values of one owner */

static struct db_stmt stmts[Q_COUNT] = {
    [Q_GET] = {.sql = "SELECT data FROM blob WHERE owner = ?1 AND space = ?2 AND key = ?3"},
    [Q_PUT] = {.sql = "INSERT INTO blob(owner, space, key, data) VALUES(?1, ?2, ?3, ?4)"
		      " ON CONFLICT(owner, space, key) DO UPDATE SET data = excluded.data"},
    [Q_DEL] = {.sql = "DELETE FROM blob WHERE owner = ?1 AND space = ?2 AND key = ?3"},
    [Q_ERASE_ROSTER] = {.sql = "DELETE FROM roster WHERE owner = ?1"},
    [Q_ERASE_GROUPS] = {.sql = "DELETE FROM roster_group WHERE owner = ?1"},
    [Q_ERASE_VERSION] = {.sql = "DELETE FROM roster_version WHERE owner = ?1"},
    [Q_ERASE_BLOBS] = {.sql = "DELETE FROM blob WHERE owner = ?1"},
    [Q_COUNT_OF] = {.sql = "SELECT count(*) FROM blob WHERE owner = ?1"},
};

void
blob_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

static sqlite3_stmt *
blob_stmt(sqlite3 *db, int q, struct str owner, uint8_t space, struct str key)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[q]);

	if (!st)
		return NULL;
	db_bind_str(st, 1, owner);
	sqlite3_bind_int(st, 2, space);
	db_bind_str(st, 3, key);
	return st;
}

int
blob_get(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_BLOB_GET *m = msg;
	sqlite3_stmt *st = blob_stmt(db, Q_GET, m->owner, m->space, m->key);
	int rc = db_step(st);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	job->answer.blob = (struct msg_BLOB){.found = rc == SQLITE_ROW};
	if (rc == SQLITE_ROW)
		job->answer.blob.data = arena_str(&job->arena, db_column_str(st, 0));
	sqlite3_reset(st);
	return job_answer(job, MSG_BLOB);
}

static bool
blobs_full(sqlite3 *db, struct str owner)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_COUNT_OF]);
	bool full = false;

	if (!st)
		return false;
	db_bind_str(st, 1, owner);
	if (db_step(st) == SQLITE_ROW)
		full = sqlite3_column_int(st, 0) >= BLOBS_MAX;
	sqlite3_reset(st);
	return full;
}

int
blob_put(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_BLOB_PUT *m = msg;
	sqlite3_stmt *st;
	uint64_t value;
	int rc;

	job->answer.done = (struct msg_DONE){.count = 1};
	if (verb_seen(job, db, m->owner, &value))
		return job_answer(job, MSG_DONE);
	if (m->data.n && disk_is_full(job->storaged))
		return job_refuse(job, BUS_ERROR_FULL, "the disk is full");
	if (m->data.n && blobs_full(db, m->owner))
		return job_refuse(job, BUS_ERROR_LIMIT, "too many stored values");
	st = blob_stmt(db, m->data.n ? Q_PUT : Q_DEL, m->owner, m->space, m->key);
	if (st && m->data.n)
		db_bind_blob(st, 4, m->data);
	rc = db_run(st);
	if (rc == SQLITE_OK)
		rc = verb_remember(job, db, m->owner, 1);
	return rc == SQLITE_OK ? job_answer(job, MSG_DONE) : rc;
}

int
account_erase(struct job *job, sqlite3 *db, const void *msg)
{
	static const int ALL[] = {Q_ERASE_ROSTER, Q_ERASE_GROUPS, Q_ERASE_VERSION, Q_ERASE_BLOBS};
	const struct msg_USER_ERASE *m = msg;
	int rc = detached_erase(db, m->owner);

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(ALL) / sizeof(ALL[0]); i++) {
		sqlite3_stmt *st = db_stmt(db, &stmts[ALL[i]]);

		if (!st)
			return sqlite3_errcode(db);
		db_bind_str(st, 1, m->owner);
		rc = db_run(st);
	}
	if (rc != SQLITE_OK)
		return rc;
	job->answer.done = (struct msg_DONE){.count = 1};
	return job_answer(job, MSG_DONE);
}
