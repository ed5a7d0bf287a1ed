/* F29: of an archive.db that is damaged, the offline messages are saved that can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "child.h"
#include "db/damage.h"
#include "db_rig.h"
#include "salvage.h"

static int
setup(void **state)
{
	db_rig_setup(state);
	return mkdir("data", 0700);
}

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
}

static sqlite3 *
open_ok(void)
{
	struct err err = {.text = ""};
	sqlite3 *db = NULL;

	if (salvage_open(&db, &err) != 0)
		fail_msg("%s", err.text);
	return db;
}

/* 1,000 messages; those whose number is 3 or 4 in ten are held, and the former are in archives. */
#define NUMBERS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "

static void
make_archive(void)
{
	sqlite3 *db = open_ok();

	run(db,
	    NUMBERS "INSERT INTO address(id, bare) SELECT i, 'p' || i || '@x' FROM n WHERE i < 100");
	run(db,
	    NUMBERS
	    "INSERT INTO message SELECT i, 1 + i % 7, 10 + i % 9,"
	    " 768 + CASE i % 10 WHEN 3 THEN 7 WHEN 4 THEN 4 ELSE 3 END, 0, 1, 'r', '', 's' || i, 'en',"
	    " zeroblob(16), i, CAST('<body>number ' || i || ' ' || hex(zeroblob(100)) || '</body>' AS BLOB)"
	    " FROM n");
	run(db, "INSERT INTO held SELECT dst, id FROM message WHERE flags & 4");
	run(db, "UPDATE state SET value = 5000 WHERE key = 'last_id'");
	db_close(&db);
}

/* The page in which this text stands is no page any more. */
static void
damage_page_of(const char *text)
{
	FILE *f = fopen(ARCHIVE_DB, "rb");
	char page[RIG_PAGE];
	bool found = false;
	long n = -1;

	assert_non_null(f);
	for (; !found && fread(page, sizeof(page), 1, f) == 1; n++)
		found = memmem(page, sizeof(page), text, strlen(text)) != NULL;
	fclose(f);
	assert_true(found);
	db_rig_spoil(ARCHIVE_DB, n);
}

static void
meet(const char *sql)
{
	sqlite3 *db = open_ok();
	struct db_stmt s = {.sql = sql};
	sqlite3_stmt *st = db_stmt(db, &s);
	int rc;

	while ((rc = db_step(st)) == SQLITE_ROW)
		;
	assert_true(damage_is(rc));
	db_stmts_finalize(&s, 1);
	db_close(&db);
}

static void
test_offline_messages_are_saved(void **state)
{
	sqlite3 *db;
	int n;

	(void)state;
	make_archive();
	damage_page_of("<body>number 503 ");
	meet("SELECT payload FROM message");
	db = open_ok();
	assert_false(damage_is_noted(ARCHIVE_DB));
	n = db_rig_number(db, "SELECT count(*) FROM held");
	assert_in_range(n, 190, 199);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM message"), n);
	/* Each as it was, but for the archives. */
	assert_int_equal(
	    db_rig_number(db,
		"SELECT count(*) FROM held h JOIN message m ON m.id = h.id JOIN address s ON s.id = m.src"
		" JOIN address d ON d.id = m.dst WHERE h.owner = m.dst AND m.flags = 772 AND m.n = m.id"
		" AND s.bare = 'p' || (1 + m.id % 7) || '@x' AND d.bare = 'p' || (10 + m.id % 9) || '@x'"
		" AND m.stanza_id = 's' || m.id AND m.lang = 'en' AND m.src_res = 'r'"
		" AND m.payload >= CAST('<body>number ' || m.id || ' 00' AS BLOB)"),
	    n);
	assert_int_equal(db_rig_number(db, "SELECT value FROM state WHERE key = 'last_id'"), 5000);
	db_close(&db);
}

static int
root_page(void)
{
	sqlite3 *db = open_ok();
	int page = db_rig_number(db, "SELECT rootpage FROM sqlite_master WHERE name = 'held'");

	db_close(&db);
	return page;
}

/* The list is read from both ends: what lies between cannot be. */
static void
test_a_damaged_list(void **state)
{
	int root, n;
	sqlite3 *db;
	FILE *f;
	uint8_t child[4];

	(void)state;
	make_archive();
	db = open_ok();
	run(db,
	    "WITH RECURSIVE n(i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
	    " INSERT INTO message SELECT i, 1, 50, 772, 0, 1, '', '', '', '', zeroblob(16), i, x'78' FROM n");
	run(db, "INSERT INTO held SELECT dst, id FROM message WHERE id >= 2000");
	db_close(&db);
	/* The second page that the root points to. */
	root = root_page();
	f = fopen(ARCHIVE_DB, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, (root - 1L) * RIG_PAGE + 12 + 2, SEEK_SET), 0);
	assert_int_equal(fread(child, 2, 1, f), 1);
	assert_int_equal(fseek(f, (root - 1L) * RIG_PAGE + child[0] * 256 + child[1], SEEK_SET), 0);
	assert_int_equal(fread(child, 4, 1, f), 1);
	fclose(f);
	db_rig_spoil(ARCHIVE_DB, child[2] * 256 + child[3] - 1);
	meet("SELECT owner, id FROM held");
	db = open_ok();
	n = db_rig_number(db, "SELECT count(*) FROM held");
	assert_in_range(n, 3000, 4100);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM message WHERE id = 3"), 1);
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM message WHERE id = 6000"), 1);
	db_close(&db);
}

static void
test_a_file_that_is_nothing(void **state)
{
	sqlite3 *db;

	(void)state;
	make_archive();
	scratch_write(ARCHIVE_DB,
	    "this is no database, but long enough to be taken for one: "
	    "the header of a file has a hundred bytes, and these are more.");
	db = open_ok();
	assert_int_equal(db_rig_number(db, "SELECT count(*) FROM held"), 0);
	assert_false(damage_is_noted(ARCHIVE_DB));
	db_close(&db);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, db_rig_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_offline_messages_are_saved),
	    TEST(test_a_damaged_list),
	    TEST(test_a_file_that_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
