/* Opening and migrating database files; the writer's thread and its group commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "db/db.h"
#include "db/writer.h"
#include "db_rig.h"

static const char *const V1[] = {
    DB_MIGRATION(1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"), NULL};
static const char *const V2[] = {DB_MIGRATION(1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"),
    DB_MIGRATION(2, "ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT 'new'"), NULL};
static const char *const BROKEN[] = {
    DB_MIGRATION(1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"),
    DB_MIGRATION(2, "CREATE TABLE u(a); CREATE TABLE u(a)"), NULL};

static const struct db_schema schema_v1 = {V1}, schema_v2 = {V2}, schema_broken = {BROKEN};

struct folder {
	char dir[64];
	char file[80];
	char copy[96];
};

static int
setup(void **state)
{
	struct folder *f = NEW(struct folder);

	snprintf(f->dir, sizeof(f->dir), "/tmp/jackdaw-db-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/a.db", f->dir);
	snprintf(f->copy, sizeof(f->copy), "%s.v1", f->file);
	db_global_init();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const SUFFIXES[] = {"", "-wal", "-shm", ".v1", ".v2", ".damaged"};
	struct folder *f = *state;

	for (size_t i = 0; i < COUNT(SUFFIXES); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", f->file, SUFFIXES[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
test_migrates_an_older_file_and_keeps_a_copy(void **state)
{
	struct folder *f = *state;
	sqlite3 *db = db_rig_open(f->file, &schema_v1);

	assert_int_equal(
	    sqlite3_exec(db, "INSERT INTO t VALUES(1, 'kept')", NULL, NULL, NULL), SQLITE_OK);
	db_close(&db);
	db = db_rig_open(f->file, &schema_v2);
	assert_int_equal(
	    db_rig_number(db, "SELECT count(*) FROM t WHERE b = 'kept' AND c = 'new'"), 1);
	db_close(&db);
	assert_int_equal(access(f->copy, F_OK), 0);
	db = db_rig_open(f->copy, &schema_v1);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t WHERE b = 'kept'"), 1);
	db_close(&db);
}

static void
test_refuses_a_newer_file(void **state)
{
	struct folder *f = *state;
	struct err err = {.text = ""};
	sqlite3 *db = db_rig_open(f->file, &schema_v2);

	db_close(&db);
	assert_int_equal(db_open(&db, f->file, &schema_v1, &err), -1);
	assert_non_null(strstr(err.text, "newer version"));
	assert_non_null(strstr(err.text, f->file));
}

static void
test_a_broken_migration_leaves_the_file_as_it_was(void **state)
{
	struct folder *f = *state;
	struct err err = {.text = ""};
	sqlite3 *db = db_rig_open(f->file, &schema_v1);

	db_close(&db);
	assert_int_equal(db_open(&db, f->file, &schema_broken, &err), -1);
	db = db_rig_open(f->file, &schema_v1);
	assert_int_equal(
	    db_rig_number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'u'"), 0);
	db_close(&db);
}

static void
test_is_durable_and_hardened(void **state)
{
	struct folder *f = *state;
	sqlite3 *db = db_rig_open(f->file, &schema_v1);

	assert_int_equal(db_rig_number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(db_rig_number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(db_rig_number(db, "PRAGMA foreign_keys"), 1);
	assert_int_not_equal(
	    sqlite3_exec(db, "ATTACH '/tmp/x.db' AS x", NULL, NULL, NULL), SQLITE_OK);
	db_close(&db);
}

static void
test_a_file_that_is_no_database_is_named(void **state)
{
	struct folder *f = *state;
	struct err err = {.text = ""};
	sqlite3 *db = NULL;
	FILE *out = fopen(f->file, "w");

	assert_non_null(out);
	for (int i = 0; i < 200; i++)
		fputs("this is no database\n", out);
	fclose(out);
	assert_int_equal(db_open(&db, f->file, &schema_v1, &err), -1);
	assert_non_null(strstr(err.text, f->file));
	assert_non_null(strstr(err.text, "not a database"));
}

/* ---- writer ---- */

struct insert {
	struct db_job base;
	int value; /* negative: fails after having written */
	int rc;
	int order;
};

static struct loop *loop;
static int done_count, done_expected;

static int
insert_run(struct db_job *base, sqlite3 *db)
{
	struct insert *i = CONTAINER_OF(base, struct insert, base);
	struct db_stmt s = {.sql = "INSERT INTO t(a) VALUES(?1)"};
	sqlite3_stmt *st = db_stmt(db, &s);
	int rc;

	sqlite3_bind_int(st, 1, i->value);
	rc = db_run(st);
	db_stmts_finalize(&s, 1);
	return i->value < 0 ? SQLITE_CONSTRAINT : rc;
}

static void
insert_done(struct db_job *base, int rc)
{
	struct insert *i = CONTAINER_OF(base, struct insert, base);

	i->rc = rc;
	i->order = done_count++;
	if (done_count == done_expected)
		loop_stop(loop);
}

static void
test_one_failing_job_does_not_sink_the_batch(void **state)
{
	struct folder *f = *state;
	sqlite3 *db = db_rig_open(f->file, &schema_v1);
	struct insert jobs[100] = {0};
	struct db_writer *w;

	loop = loop_new();
	w = db_writer_new(loop);
	done_count = 0;
	done_expected = COUNT(jobs);
	db_writer_open(w, db);
	for (int i = 0; i < (int)COUNT(jobs); i++) {
		jobs[i].base.run = insert_run;
		jobs[i].base.done = insert_done;
		jobs[i].value = i == 40 || i == 41 ? -i : i + 1;
		db_writer_submit(w, &jobs[i].base);
	}
	loop_run(loop);
	for (int i = 0; i < (int)COUNT(jobs); i++) {
		assert_int_equal(jobs[i].order, i);
		assert_int_equal(jobs[i].rc == SQLITE_OK, i != 40 && i != 41);
	}
	db = db_writer_free(&w);
	loop_free(&loop);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t"), 98);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t WHERE a < 0"), 0);
	db_close(&db);
}

static void
test_freeing_the_writer_finishes_what_was_submitted(void **state)
{
	struct folder *f = *state;
	sqlite3 *db = db_rig_open(f->file, &schema_v1);
	struct insert job = {.base = {.run = insert_run, .done = insert_done}, .value = 7};
	struct db_writer *w;

	loop = loop_new();
	w = db_writer_new(loop);
	done_count = 0;
	done_expected = 99;
	db_writer_open(w, db);
	db_writer_submit(w, &job.base);
	db = db_writer_free(&w);
	loop_free(&loop);
	assert_int_equal(done_count, 1);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t WHERE a = 7"), 1);
	db_close(&db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_migrates_an_older_file_and_keeps_a_copy, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refuses_a_newer_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_a_broken_migration_leaves_the_file_as_it_was, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_is_durable_and_hardened, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_a_file_that_is_no_database_is_named, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_one_failing_job_does_not_sink_the_batch, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_freeing_the_writer_finishes_what_was_submitted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
