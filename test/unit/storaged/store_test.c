/* See store_test.h. */
#include "store_test.h"

#include <stdlib.h>

#include "dedupe.h"

static sqlite3 *
open_memory(const struct db_schema *schema)
{
	struct err err = {.text = ""};
	sqlite3 *db = NULL;

	if (db_open(&db, ":memory:", schema, &err) != 0)
		fail_msg("%s", err.text);
	return db;
}

int
store_setup(void **state)
{
	struct store *s = NEW(struct store);

	id_init();
	db_global_init();
	s->archive = open_memory(&archive_schema);
	s->main = open_memory(&main_schema);
	s->storaged.dedupe = dedupe_new();
	s->job.storaged = &s->storaged;
	*state = s;
	return 0;
}

int
store_teardown(void **state)
{
	struct store *s = *state;

	archive_statements_finalize();
	main_statements_finalize();
	db_close(&s->archive);
	db_close(&s->main);
	dedupe_free(&s->storaged.dedupe);
	arena_deinit(&s->job.arena);
	free(s);
	return 0;
}

int
store_run(struct store *s, sqlite3 *db, job_exec *exec, const void *msg)
{
	int rc;

	arena_clear(&s->job.arena);
	s->job.result = JOB_SILENT;
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	rc = exec(&s->job, db, msg);
	assert_int_equal(
	    sqlite3_exec(db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	return rc;
}

struct opid
op_of(uint8_t origin, uint64_t n, enum op_kind kind)
{
	struct opid op = {.n = n, .kind = kind};

	memset(op.origin.b, origin, sizeof(op.origin.b));
	return op;
}
