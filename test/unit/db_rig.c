/* See db_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "child.h"
#include "db_rig.h"

int
db_rig_setup(void **state)
{
	(void)state;
	scratch_enter();
	db_global_init();
	return 0;
}

int
db_rig_teardown(void **state)
{
	(void)state;
	scratch_leave();
	return 0;
}

sqlite3 *
db_rig_open(const char *path, const struct db_schema *schema)
{
	struct err err = {.text = ""};
	sqlite3 *db = NULL;

	if (db_open(&db, path, schema, &err) != 0)
		fail_msg("%s", err.text);
	return db;
}

int
db_rig_number(sqlite3 *db, const char *sql)
{
	struct db_stmt s = {.sql = sql};
	int n;

	assert_int_equal(db_step(db_stmt(db, &s)), SQLITE_ROW);
	n = sqlite3_column_int(s.st, 0);
	db_stmts_finalize(&s, 1);
	return n;
}

void
db_rig_spoil(const char *path, long page)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, page * RIG_PAGE, SEEK_SET), 0);
	for (int i = 0; i < RIG_PAGE; i++)
		fputc(0xff, f);
	fclose(f);
}
