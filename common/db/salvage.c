/* See salvage.h. */
#include "db/salvage.h"

#include <stdio.h>

#include "db/damage.h"

struct salvage {
	sqlite3 *from, *to;
	uint64_t rows;
};

/* Not db_step: what is damaged here is known to be. */
static int
read_step(sqlite3_stmt *st)
{
	return st ? sqlite3_step(st) : SQLITE_ERROR;
}

/* What a damaged page makes of a row may not be one that is allowed. */
static int
put_row(struct salvage *s, sqlite3_stmt *row, sqlite3_stmt *write)
{
	int rc;

	for (int i = 0; i < sqlite3_column_count(row); i++)
		sqlite3_bind_value(write, i + 1, sqlite3_column_value(row, i));
	rc = db_run(write);
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		return SQLITE_OK;
	s->rows += rc == SQLITE_OK ? (uint64_t)sqlite3_changes(s->to) : 0;
	return rc;
}

/* False: it ends where it is damaged, or with *rc_r. */
static bool
copy(struct salvage *s, const char *read, sqlite3_stmt *write, int *rc_r)
{
	struct db_stmt from = {.sql = read};
	sqlite3_stmt *st = db_stmt(s->from, &from);
	int step;

	while ((step = read_step(st)) == SQLITE_ROW && *rc_r == SQLITE_OK)
		*rc_r = put_row(s, st, write);
	db_stmts_finalize(&from, 1);
	return step == SQLITE_DONE;
}

static int
save_table(struct salvage *s, const struct salvage_table *t)
{
	struct db_stmt to = {.sql = t->write};
	sqlite3_stmt *write = db_stmt(s->to, &to);
	int rc = write ? SQLITE_OK : sqlite3_errcode(s->to);
	bool is_torn;

	s->rows = 0;
	is_torn = write && !copy(s, t->read, write, &rc);
	if (is_torn && rc == SQLITE_OK)
		copy(s, t->read_back, write, &rc);
	db_stmts_finalize(&to, 1);
	if (rc == SQLITE_OK)
		printf("%s: %llu rows were saved%s\n", t->name, (unsigned long long)s->rows,
		    is_torn ? "; others could not be read" : "");
	return rc;
}

static int
save_all(struct salvage *s, const struct salvage_plan *p)
{
	int rc = sqlite3_exec(s->to, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (const struct salvage_table *t = p->tables; t->name && rc == SQLITE_OK; t++)
		rc = save_table(s, t);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->to, "COMMIT", NULL, NULL, NULL);
	return rc;
}

/* One that cannot even be opened has nothing to save. */
static int
fill(const struct salvage_plan *p, const char *aside, struct err *err)
{
	struct salvage s = {.from = NULL};
	int rc = SQLITE_OK;

	if (db_open_anew(&s.to, p->path, p->schema, err) != 0)
		return -1;
	if (db_open_damaged(&s.from, aside, NULL) == 0)
		rc = save_all(&s, p);
	if (rc != SQLITE_OK)
		err_set(err, "%s: %s", p->path, sqlite3_errmsg(s.to));
	db_close(&s.from);
	db_close(&s.to);
	return rc == SQLITE_OK ? 0 : -1;
}

int
salvage_file(const struct salvage_plan *p, struct err *err)
{
	char aside[DAMAGE_PATH_MAX];

	if (!damage_is_noted(p->path))
		return err_set(err, "%s is not damaged, as far as is known", p->path);
	if (damage_set_aside(p->path, aside, err) != 0 || fill(p, aside, err) != 0)
		return -1;
	printf("%s lies in %s now\n", p->path, aside);
	return damage_settle(p->path, err);
}
