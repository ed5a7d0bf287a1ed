/* The store's outside: requests to the writer's thread and back. Owns the file. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "db/room.h"
#include "store_verbs.h"

struct store *
store_open(const char *path, struct err *err)
{
	struct store *s = NEW(struct store);

	db_global_init();
	for (size_t i = 0; i < ST_COUNT; i++)
		s->statements[i].sql = store_sql[i];
	if (db_open(&s->db, path, &store_schema, err) == 0)
		return s;
	free(s);
	return NULL;
}

void
store_attach(struct store *s, struct db_writer *writer)
{
	s->writer = writer;
	db_writer_open(writer, s->db);
}

void
store_close(struct store **sp, struct db_writer **writer)
{
	struct store *s = *sp;

	/* First the thread: it may still be using the statements. */
	if (writer)
		db_writer_free(writer);
	if (!s)
		return;
	db_stmts_finalize(s->statements, COUNT(s->statements));
	room_statements_finalize();
	db_close(&s->db);
	free(s);
	*sp = NULL;
}

static void
rows_free(struct store_request *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		free(r->rows[i].jid);
	free(r->rows);
	r->rows = NULL;
	r->n_rows = 0;
	r->more = false;
}

static int
on_run(struct db_job *job, sqlite3 *db)
{
	struct store_request *r = CONTAINER_OF(job, struct store_request, job);

	(void)db; /* it is the store's own */
	rows_free(r);
	return store_verb_run(r->store, r);
}

static void
store_verdict(struct store_request *r, int rc)
{
	if (rc != SQLITE_OK)
		r->result = (rc & 0xff) == SQLITE_FULL ? STORE_FULL : STORE_ERROR;
}

static void
on_done(struct db_job *job, int rc)
{
	struct store_request *r = CONTAINER_OF(job, struct store_request, job);

	store_verdict(r, rc);
	r->done(r);
}

void
store_submit(struct store *s, struct store_request *r)
{
	r->store = s;
	r->job.run = on_run;
	r->job.done = on_done;
	db_writer_submit(s->writer, &r->job);
}

static int
store_exec(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

enum store_result
store_run(struct store *s, struct store_request *r)
{
	int rc = store_exec(s, "BEGIN IMMEDIATE");

	r->store = s;
	if (rc == SQLITE_OK)
		rc = on_run(&r->job, s->db);
	if (rc == SQLITE_OK)
		rc = store_exec(s, "COMMIT");
	if (!sqlite3_get_autocommit(s->db))
		store_exec(s, "ROLLBACK");
	store_verdict(r, rc);
	return r->result;
}

void
store_request_deinit(struct store_request *r)
{
	rows_free(r);
	credentials_wipe(&r->credentials);
}

static int
secret_read(struct store *s, const char *name, uint8_t value_r[STORE_SECRET_BYTES])
{
	sqlite3_stmt *st = db_stmt(s->db, &s->statements[ST_SECRET]);
	int rc = SQLITE_ERROR;

	if (!st)
		return rc;
	db_bind_str(st, 1, str_z(name));
	rc = db_step(st);
	if (rc != SQLITE_ROW)
		return rc;
	struct str value = db_column_str(st, 0);
	if (value.n == STORE_SECRET_BYTES)
		memcpy(value_r, value.p, value.n);
	else
		rc = SQLITE_CORRUPT;
	sqlite3_reset(st);
	return rc;
}

static int
secret_get(struct store *s, const char *name, uint8_t value_r[STORE_SECRET_BYTES])
{
	int rc = secret_read(s, name, value_r);
	sqlite3_stmt *st;

	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? SQLITE_OK : rc;
	st = db_stmt(s->db, &s->statements[ST_INSERT_SECRET]);
	if (!st)
		return SQLITE_ERROR;
	id_random_bytes(value_r, STORE_SECRET_BYTES);
	db_bind_str(st, 1, str_z(name));
	db_bind_blob(st, 2, str_of(value_r, STORE_SECRET_BYTES));
	return db_run(st);
}

int
store_secrets(struct store *s, struct store_secrets *secrets_r, struct err *err)
{
	int rc = secret_get(s, "capability", secrets_r->capability);

	if (rc == SQLITE_OK)
		rc = secret_get(s, "fake salt", secrets_r->fake);
	if (rc != SQLITE_OK)
		return err_set(err, "credentials.db: cannot read or make this server's secrets: %s",
		    sqlite3_errmsg(s->db));
	return 0;
}
