/* See check.h. */
#include "check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/damage.h"
#include "storaged.h"

#define CHECK_MS 5000 /* for each of the files */
#define LOOK_STEPS \
	20000 /* of SQLite's machine, between two looks at the clock: about a millisecond */

struct check {
	struct db_job base;
	struct db_writer *thread;
	_Atomic bool is_stopping;
	uint64_t until_ms; /* the thread's */
};

struct check *
check_new(struct loop *l)
{
	struct check *c = NEW(struct check);

	c->thread = db_writer_new(l);
	return c;
}

static int
is_over(void *check)
{
	const struct check *c = check;

	return c->is_stopping || clock_mono_ms() > c->until_ms;
}

static void
look_through(struct check *c, const char *path)
{
	struct db_stmt look = {.sql = "PRAGMA quick_check(1)"};
	struct err err;
	sqlite3 *db;

	if (db_open_reader(&db, path, &err) != 0) {
		log_error("%s", err.text);
		return;
	}
	c->until_ms = clock_mono_ms() + CHECK_MS;
	sqlite3_progress_handler(db, LOOK_STEPS, is_over, c);
	if (db_step(db_stmt(db, &look)) == SQLITE_ROW && !str_is(db_column_str(look.st, 0), "ok"))
		damage_note(db, (const char *)sqlite3_column_text(look.st, 0));
	db_stmts_finalize(&look, 1);
	db_close(&db);
}

static int
check_run(struct db_job *base, sqlite3 *none)
{
	struct check *c = CONTAINER_OF(base, struct check, base);

	(void)none;
	look_through(c, MAIN_DB);
	look_through(c, ARCHIVE_DB);
	return SQLITE_OK;
}

static void
check_done(struct db_job *base, int rc)
{
	(void)base;
	(void)rc;
}

void
check_start(struct check *c)
{
	c->base.run = check_run;
	c->base.done = check_done;
	c->base.is_alone = true;
	db_writer_submit(c->thread, &c->base);
}

void
check_free(struct check **cp)
{
	struct check *c = *cp;

	if (!c)
		return;
	c->is_stopping = true;
	db_writer_free(&c->thread);
	free(c);
	*cp = NULL;
}
