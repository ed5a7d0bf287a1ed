/* See store_test.h. */
#include "store_test.h"

#include <stdlib.h>

#include "dedupe.h"
#include "horizon.h"
#include "page.h"

static sqlite3 *
open_memory(const struct db_schema *schema)
{
	struct err err = {.text = ""};
	sqlite3 *db = NULL;

	if (db_open(&db, ":memory:", schema, &err) != 0)
		fail_msg("%s", err.text);
	return db;
}

static void
load(struct store *s)
{
	struct err err = {.text = ""};

	s->storaged.dedupe = dedupe_new();
	if (archive_load(&s->storaged, s->archive, &err) != 0)
		fail_msg("%s", err.text);
}

static void
unload(struct store *s)
{
	dedupe_free(&s->storaged.dedupe);
	tail_free(&s->storaged.tail);
	horizons_free(&s->storaged.horizons);
}

void
store_restart(struct store *s)
{
	unload(s);
	memset(&s->storaged, 0, sizeof(s->storaged));
	load(s);
}

int
store_setup(void **state)
{
	struct store *s = NEW(struct store);

	id_init();
	db_global_init();
	s->archive = open_memory(&archive_schema);
	s->main = open_memory(&main_schema);
	load(s);
	s->job.storaged = &s->storaged;
	*state = s;
	return 0;
}

int
store_teardown(void **state)
{
	struct store *s = *state;

	archive_statements_finalize();
	page_statements_finalize();
	main_statements_finalize();
	db_close(&s->archive);
	db_close(&s->main);
	unload(s);
	arena_deinit(&s->job.arena);
	free(s);
	return 0;
}

int
store_run(struct store *s, sqlite3 *db, job_exec *exec, const void *msg)
{
	int rc;

	arena_clear(&s->job.arena);
	s->job.archived.id = 0;
	s->job.result = JOB_SILENT;
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	rc = exec(&s->job, db, msg);
	assert_int_equal(
	    sqlite3_exec(db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	if (rc == SQLITE_OK && s->job.archived.id)
		tail_add(s->storaged.tail, &s->job.archived);
	return rc;
}

static void
begin(struct store *s)
{
	assert_int_equal(sqlite3_exec(s->archive, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void
commit(struct store *s)
{
	assert_int_equal(sqlite3_exec(s->archive, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

void
store_ride(struct store *s, size_t rows)
{
	struct ride_cursor *c = &s->storaged.runs.cursor;

	if (!tail_frozen(s->storaged.tail) && tail_young(s->storaged.tail))
		tail_freeze(s->storaged.tail);
	if (!tail_frozen(s->storaged.tail))
		return;
	begin(s);
	assert_int_equal(
	    run_ride(&s->storaged, s->archive, tail_frozen(s->storaged.tail), c, rows), SQLITE_OK);
	commit(s);
	if (!c->is_complete)
		return;
	tail_retire(s->storaged.tail);
	*c = (struct ride_cursor){.group = 0};
}

void
store_sweep(struct store *s, enum sweep_phase from, uint64_t before)
{
	struct sweep_cursor c = {.phase = from};

	while (c.phase != SWEEP_DONE) {
		begin(s);
		assert_int_equal(retention_slice(&s->storaged, s->archive, &c, before), SQLITE_OK);
		commit(s);
	}
}

struct opid
op_of(uint8_t origin, uint64_t n, enum op_kind kind)
{
	struct opid op = {.n = n, .kind = kind};

	memset(op.origin.b, origin, sizeof(op.origin.b));
	return op;
}
