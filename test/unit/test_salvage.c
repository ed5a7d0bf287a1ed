/* F29: what can be read of a damaged database goes into a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "db/damage.h"
#include "db/salvage.h"
#include "db_rig.h"

#define FILE_DB "a.db"

static const char *const V1[] = {
    DB_MIGRATION(1,
	"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
	"CREATE TABLE u(a TEXT PRIMARY KEY, b INTEGER NOT NULL CHECK(b < 60)) WITHOUT ROWID"),
    NULL};
static const struct db_schema schema = {V1};

static const struct salvage_table tables[] = {
    SALVAGE_TABLE("t", "a, b", "a", "a DESC", "VALUES(?1, ?2)"),
    SALVAGE_TABLE("u", "a, b", "a", "a DESC", "VALUES(?1, ?2)"),
    {.name = NULL},
};
static const struct salvage_plan plan = {.path = FILE_DB, .schema = &schema, .tables = tables};

static sqlite3 *
open_ok(void)
{
	return db_rig_open(FILE_DB, &schema);
}

static void
make(void)
{
	sqlite3 *db = open_ok();

	assert_int_equal(
	    sqlite3_exec(db,
		"PRAGMA ignore_check_constraints = ON;"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
		" INSERT INTO t SELECT i, 'row ' || i || ' ' || hex(zeroblob(500)) FROM n;"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
		" INSERT INTO u SELECT 'key ' || i, i FROM n",
		NULL, NULL, NULL),
	    SQLITE_OK);
	db_close(&db);
}

static void
damage_page(long n)
{
	sqlite3 *db = open_ok();

	damage_note(db, "as a test has it");
	db_close(&db);
	db_rig_spoil(FILE_DB, n);
}

static void
test_rows_before_and_behind_a_damaged_page(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db;

	(void)state;
	make();
	damage_page(20);
	assert_int_equal(salvage_file(&plan, &err), 0);
	assert_false(damage_is_noted(FILE_DB));
	db = open_ok();
	assert_in_range(db_rig_number(db, "SELECT count(*) FROM t"), 192, 199);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t WHERE a IN (1, 200)"), 2);
	assert_int_equal(
	    db_rig_number(db, "SELECT count(*) FROM t WHERE b LIKE 'row ' || a || ' 00%'"),
	    db_rig_number(db, "SELECT count(*) FROM t"));
	/* What may not be there is left out, and the rest is not lost for it. */
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM u"), 59);
	db_close(&db);
}

static void
test_nothing_can_be_read(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db;

	(void)state;
	make();
	damage_page(0);
	assert_int_equal(salvage_file(&plan, &err), 0);
	db = open_ok();
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t"), 0);
	db_close(&db);
}

static void
test_a_file_that_is_not_damaged_is_left_alone(void **state)
{
	struct err err = {.text = ""};
	sqlite3 *db;

	(void)state;
	make();
	assert_int_equal(salvage_file(&plan, &err), -1);
	assert_non_null(strstr(err.text, "not damaged"));
	db = open_ok();
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM t"), 200);
	db_close(&db);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, db_rig_setup, db_rig_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_rows_before_and_behind_a_damaged_page),
	    TEST(test_nothing_can_be_read),
	    TEST(test_a_file_that_is_not_damaged_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
