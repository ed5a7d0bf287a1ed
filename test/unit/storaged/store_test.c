/* See store_test.h. */
#include "store_test.h"

#include <stdlib.h>

#include "db_rig.h"
#include "dedupe.h"
#include "horizon.h"
#include "page.h"
#include "search.h"

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
	s->archive = db_rig_open(":memory:", &archive_schema);
	s->main = db_rig_open(":memory:", &main_schema);
	load(s);
	s->job.storaged = &s->storaged;
	*state = s;
	return 0;
}

/* Small tables, a row with a LIMIT behind it, and what SQLite calls so but is none. */
static const char *const walks[] = {
    "SCAN CONSTANT ROW", "SCAN (subquery-", /* a limited count reads the result of an inner query */
    "SCAN c VIRTUAL TABLE INDEX 0:",        /* the pragmas' tables: the size of the file */
    "SCAN f VIRTUAL TABLE INDEX 0:", "SCAN s VIRTUAL TABLE INDEX 0:",
    "SCAN words VIRTUAL TABLE INDEX", /* FTS5: by MATCH and rowid */
    "SCAN state",                     /* of search.db, one row */
};

static bool
may_walk(const char *line)
{
	if (strstr(line, "SCAN") == NULL && strstr(line, "TEMP B-TREE") == NULL)
		return true;
	for (size_t i = 0; i < COUNT(walks); i++)
		if (strstr(line, walks[i]))
			return true;
	return false;
}

static void
check_plan(sqlite3 *db, const char *sql)
{
	struct buf text = {0};
	sqlite3_stmt *st = NULL;

	buf_printf(&text, "EXPLAIN QUERY PLAN %s", sql);
	buf_add_c(&text, 0);
	assert_int_equal(sqlite3_prepare_v2(db, (const char *)text.data, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);

		if (!may_walk(line))
			fail_msg("%s: %s", sql, line);
	}
	sqlite3_finalize(st);
	buf_deinit(&text);
}

void
store_check_plans(sqlite3 *db)
{
	for (sqlite3_stmt *st = NULL; (st = sqlite3_next_stmt(db, st));)
		/* FTS5's own are its own affair. */
		if (!strstr(sqlite3_sql(st), "'main'.'words_"))
			check_plan(db, sqlite3_sql(st));
}

int
store_teardown(void **state)
{
	struct store *s = *state;

	store_check_plans(s->archive);
	store_check_plans(s->main);
	search_statements_finalize();
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
	s->job.progress = NULL;
	s->parts = 0;
	do {
		s->job.goes_on = false;
		s->parts++;
		assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
		rc = exec(&s->job, db, msg);
		assert_int_equal(
		    sqlite3_exec(db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL),
		    SQLITE_OK);
	} while (rc == SQLITE_OK && s->job.goes_on);
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

int
count_rows(struct store *s, const char *sql)
{
	return db_rig_number(s->archive, sql);
}
