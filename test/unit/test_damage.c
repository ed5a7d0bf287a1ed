/* F29: damaged database files are noted, not used any more, and set aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "child.h"
#include "db/damage.h"
#include "db/db.h"
#include "db/writer.h"
#include "db_rig.h"

#define FILE_DB "a.db"

static const char *const V1[] = {
    DB_MIGRATION(1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"), NULL};
static const struct db_schema schema = {V1};

static sqlite3 *
open_ok(void)
{
	return db_rig_open(FILE_DB, &schema);
}

/* Rows over many pages, then a page in their middle that is none. */
static void
make_damaged(void)
{
	sqlite3 *db = open_ok();

	assert_int_equal(
	    sqlite3_exec(db,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
		" INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n",
		NULL, NULL, NULL),
	    SQLITE_OK);
	db_close(&db);
	db_rig_spoil(FILE_DB, 20);
}

/* What a job that walks through the table ends with. */
static int
walk(sqlite3 *db)
{
	struct db_stmt all = {.sql = "SELECT b FROM t"};
	sqlite3_stmt *st = db_stmt(db, &all);
	int rc;

	while ((rc = db_step(st)) == SQLITE_ROW)
		;
	db_stmts_finalize(&all, 1);
	return rc;
}

static void
test_who_meets_damage_notes_it(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db;
	char what[128];

	(void)state;
	make_damaged();
	db = open_ok();
	assert_false(damage_is_noted(FILE_DB));
	assert_true(damage_is(walk(db)));
	assert_true(damage_is_noted(FILE_DB));
	db_close(&db);
	damage_text(FILE_DB, what);
	assert_string_equal(what, "database disk image is malformed");
	/* From then on nobody opens it, and whoever tries is told what to do. */
	assert_int_equal(db_open(&db, FILE_DB, &schema, &err), -1);
	assert_non_null(strstr(err.text, FILE_DB " is damaged (database disk image is malformed)"));
	assert_non_null(strstr(err.text, "backup"));
	assert_int_equal(db_open(&db, FILE_DB, &schema, &err), -1);
}

static void
test_a_reader_notes_it_too(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db, *reader;

	(void)state;
	make_damaged();
	db = open_ok();
	assert_int_equal(db_open_reader(&reader, FILE_DB, &err), 0);
	assert_true(damage_is(walk(reader)));
	db_close(&reader);
	db_close(&db);
	assert_true(damage_is_noted(FILE_DB));
}

static void
test_the_first_note_stays(void **state)
{
	sqlite3 *db;
	char what[128];

	(void)state;
	db = open_ok();
	damage_note(db, "*** in database main ***\none\nmore");
	damage_note(db, "two");
	db_close(&db);
	damage_text(FILE_DB, what);
	assert_string_equal(what, "one");
}

/* ---- a job of the writer ---- */

static int
walk_run(struct db_job *job, sqlite3 *db)
{
	(void)job;
	return walk(db);
}

static void
walk_done(struct db_job *job, int rc)
{
	(void)job;
	(void)rc;
}

static void
run_writer(void *arg)
{
	struct db_job job = {.run = walk_run, .done = walk_done};
	struct loop *loop = loop_new();
	struct db_writer *w = db_writer_new(loop);
	struct err err;
	sqlite3 *db;

	(void)arg;
	CHILD_CHECK(db_open(&db, FILE_DB, &schema, &err) == 0);
	db_writer_open(w, db);
	db_writer_submit(w, &job);
	db_writer_free(&w);
}

static void
test_the_writer_ends_the_process(void **state)
{
	(void)state;
	make_damaged();
	assert_int_equal(child_run(run_writer, NULL), -6);
	assert_non_null(strstr(child_errors, "is damaged"));
	assert_true(damage_is_noted(FILE_DB));
}

/* ---- set aside ---- */

static char aside[DAMAGE_PATH_MAX];

static void
set_aside(void)
{
	struct err err = {.text = ""};

	if (damage_set_aside(FILE_DB, aside, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_not_equal(access(FILE_DB, F_OK), 0);
	assert_int_not_equal(access(FILE_DB "-wal", F_OK), 0);
	assert_true(damage_is_noted(FILE_DB));
}

/* A file whose damage was met, and its log. */
static void
set_damaged_aside(void)
{
	sqlite3 *db;

	make_damaged();
	db = open_ok();
	assert_true(damage_is(walk(db)));
	db_close(&db);
	scratch_write(FILE_DB "-wal", "its log");
	set_aside();
}

static void
assert_log_is_aside(void)
{
	char wal[DAMAGE_PATH_MAX + 8];

	snprintf(wal, sizeof(wal), "%s-wal", aside);
	assert_int_equal(access(wal, F_OK), 0);
}

static void
test_a_file_is_set_aside_with_its_log(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db;

	(void)state;
	set_damaged_aside();
	assert_log_is_aside();
	assert_int_equal(db_open_anew(&db, FILE_DB, &schema, &err), 0);
	db_close(&db);
	assert_int_equal(damage_settle(FILE_DB, &err), 0);
	db = open_ok();
	db_close(&db);
}

/* Whatever a death leaves half done, the next one does again with the same result. */
static void
test_setting_aside_can_be_done_again(void **state)
{
	char first[DAMAGE_PATH_MAX];
	struct err err = {.text = ""};
	sqlite3 *db;

	(void)state;
	set_damaged_aside();
	snprintf(first, sizeof(first), "%s", aside);
	/* Only the log had been moved. */
	assert_int_equal(rename(aside, FILE_DB), 0);
	set_aside();
	assert_string_equal(aside, first);
	assert_log_is_aside();
	/* A new file had been begun. */
	assert_int_equal(db_open_anew(&db, FILE_DB, &schema, &err), 0);
	db_close(&db);
	set_aside();
	assert_string_equal(aside, first);
	assert_int_equal(db_open_damaged(&db, aside, &err), 0);
	assert_int_equal(sqlite3_exec(db, "SELECT b FROM t WHERE a = 1", NULL, NULL, NULL), 0);
	db_close(&db);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, db_rig_setup, db_rig_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_who_meets_damage_notes_it),
	    TEST(test_a_reader_notes_it_too),
	    TEST(test_the_first_note_stays),
	    TEST(test_the_writer_ends_the_process),
	    TEST(test_a_file_is_set_aside_with_its_log),
	    TEST(test_setting_aside_can_be_done_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
