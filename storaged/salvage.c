/* See salvage.h. The list of what is owed is read from both of its ends, each time up to where it is damaged. All that is saved goes into
 * the new file in one transaction, and only then the note goes: a death before that begins again. */
#include "salvage.h"

#include "base/log.h"
#include "base/mem.h"
#include "db/damage.h"
#include "row.h"

#define COLUMNS 13 /* of a message, with its addresses in the place of their numbers */

enum {
	Q_HELD,
	Q_HELD_BACK,
	Q_MESSAGE,
	Q_LAST,
	Q_FROM_COUNT,
};

enum {
	Q_ADDRESS_NEW,
	Q_MESSAGE_NEW,
	Q_HOLD,
	Q_LAST_SET,
	Q_TO_COUNT,
};

struct salvage {
	sqlite3 *from, *to;
	struct db_stmt read[Q_FROM_COUNT], write[Q_TO_COUNT];
	uint64_t saved, lost;
	uint64_t owner, id; /* the last one of the list from its beginning */
	bool is_torn;       /* part of the list cannot be read */
};

static const struct salvage start = {
    .read = {[Q_HELD] = {.sql = "SELECT owner, id FROM held ORDER BY owner, id"},
	[Q_HELD_BACK] = {.sql = "SELECT owner, id FROM held ORDER BY owner DESC, id DESC"},
	[Q_MESSAGE] = {.sql =
			   "SELECT m.id, s.bare, d.bare, (m.flags & ~3) | 4, m.skew, m.facts, m.src_res, m.dst_res,"
			   " m.stanza_id, m.lang, m.origin, m.n, m.payload FROM message m" ROW_JOINS
			   " WHERE m.id = ?1"},
	[Q_LAST] = {.sql = "SELECT max(value, (SELECT coalesce(max(id), 0) FROM message))"
			   " FROM state WHERE key = 'last_id'"}},
    .write = {[Q_ADDRESS_NEW] = {.sql = "INSERT OR IGNORE INTO address(bare) VALUES(?1)"},
	[Q_MESSAGE_NEW] =
	    {.sql = "INSERT OR IGNORE INTO message(id, src, dst, flags, skew, facts, src_res, dst_res, stanza_id,"
		    " lang, origin, n, payload) SELECT ?1, s.id, d.id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13"
		    " FROM address s, address d WHERE s.bare = ?2 AND d.bare = ?3"},
	[Q_HOLD] = {.sql = "INSERT OR IGNORE INTO held(owner, id) SELECT dst, id FROM message"
			   " WHERE id = ?1"},
	[Q_LAST_SET] = {.sql = "UPDATE state SET value = max(value, ?1) WHERE key = 'last_id'"}},
};

/* Not db_step: what is damaged here is known to be. */
static int
read_step(sqlite3_stmt *st)
{
	return st ? sqlite3_step(st) : SQLITE_ERROR;
}

static sqlite3_stmt *
reading(struct salvage *s, int q)
{
	return db_stmt(s->from, &s->read[q]);
}

/* ---- one message ---- */

static int
put_address(struct salvage *s, sqlite3_stmt *row, int column)
{
	sqlite3_stmt *st = db_stmt(s->to, &s->write[Q_ADDRESS_NEW]);

	if (!st)
		return sqlite3_errcode(s->to);
	sqlite3_bind_value(st, 1, sqlite3_column_value(row, column));
	return db_run(st);
}

/* What a damaged page makes of a row may not be one that is allowed: it is ignored, and so nothing is held. */
static int
put_message(struct salvage *s, sqlite3_stmt *row)
{
	sqlite3_stmt *message = db_stmt(s->to, &s->write[Q_MESSAGE_NEW]);
	sqlite3_stmt *held = db_stmt(s->to, &s->write[Q_HOLD]);
	int rc = put_address(s, row, 1);

	if (rc == SQLITE_OK)
		rc = put_address(s, row, 2);
	if (rc != SQLITE_OK || !message || !held)
		return rc == SQLITE_OK ? sqlite3_errcode(s->to) : rc;
	for (int i = 0; i < COLUMNS; i++)
		sqlite3_bind_value(message, i + 1, sqlite3_column_value(row, i));
	sqlite3_bind_value(held, 1, sqlite3_column_value(row, 0));
	rc = db_run(message);
	return rc == SQLITE_OK ? db_run(held) : rc;
}

static int
save(struct salvage *s, uint64_t id)
{
	sqlite3_stmt *st = reading(s, Q_MESSAGE);
	int rc = SQLITE_OK;
	bool is_saved = false;

	if (st)
		db_bind_u64(st, 1, id);
	if (read_step(st) == SQLITE_ROW) {
		rc = put_message(s, st);
		is_saved = rc == SQLITE_OK && sqlite3_changes(s->to) > 0;
	}
	if (st)
		sqlite3_reset(st);
	s->saved += is_saved;
	s->lost += !is_saved;
	return rc;
}

/* ---- all of them ---- */

/* Up to where it was read from its beginning. */
static bool
is_met(const struct salvage *s, uint64_t owner, uint64_t id)
{
	return owner < s->owner || (owner == s->owner && id <= s->id);
}

static int
save_first(struct salvage *s)
{
	sqlite3_stmt *st = reading(s, Q_HELD);
	int rc = SQLITE_OK, step;

	while (rc == SQLITE_OK && (step = read_step(st)) == SQLITE_ROW) {
		s->owner = db_column_u64(st, 0);
		s->id = db_column_u64(st, 1);
		rc = save(s, s->id);
	}
	s->is_torn = rc == SQLITE_OK && step != SQLITE_DONE;
	if (st)
		sqlite3_reset(st);
	return rc;
}

static int
save_last(struct salvage *s)
{
	sqlite3_stmt *st = reading(s, Q_HELD_BACK);
	int rc = SQLITE_OK;

	while (rc == SQLITE_OK && read_step(st) == SQLITE_ROW) {
		uint64_t id = db_column_u64(st, 1);

		if (is_met(s, db_column_u64(st, 0), id))
			break;
		rc = save(s, id);
	}
	if (st)
		sqlite3_reset(st);
	return rc;
}

/* Ids never go back (idclock.h). */
static int
save_last_id(struct salvage *s)
{
	sqlite3_stmt *from = reading(s, Q_LAST), *to = db_stmt(s->to, &s->write[Q_LAST_SET]);
	int rc = SQLITE_OK;

	if (!to)
		return sqlite3_errcode(s->to);
	if (read_step(from) == SQLITE_ROW) {
		sqlite3_bind_value(to, 1, sqlite3_column_value(from, 0));
		rc = db_run(to);
	}
	if (from)
		sqlite3_reset(from);
	return rc;
}

static int
save_all(struct salvage *s)
{
	int rc = sqlite3_exec(s->to, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = save_last_id(s);
	if (rc == SQLITE_OK)
		rc = save_first(s);
	if (rc == SQLITE_OK && s->is_torn)
		rc = save_last(s);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->to, "COMMIT", NULL, NULL, NULL);
	return rc;
}

/* ---- the files ---- */

static int
fill(sqlite3 *to, const char *aside, struct salvage *s, struct err *err)
{
	int rc;

	*s = start;
	s->to = to;
	s->is_torn = true;
	/* One that cannot even be opened has nothing to save. */
	if (db_open_damaged(&s->from, aside, NULL) != 0)
		return 0;
	rc = save_all(s);
	if (rc != SQLITE_OK)
		err_set(err, ARCHIVE_DB ": %s", sqlite3_errmsg(to));
	db_stmts_finalize(s->read, Q_FROM_COUNT);
	db_stmts_finalize(s->write, Q_TO_COUNT);
	db_close(&s->from);
	return rc == SQLITE_OK ? 0 : -1;
}

static void
tell(const struct salvage *s, const char *what, const char *aside)
{
	log_error(ARCHIVE_DB
	    " is damaged (%s): it was set aside as %s, and a new archive begins. %llu offline messages were saved, "
	    "%llu could not be read%s. What else can be read of it, see DAMAGED FILES in storaged(8)",
	    what, aside, (unsigned long long)s->saved, (unsigned long long)s->lost,
	    s->is_torn ? ", and a part of their list neither" : "");
}

static int
begin_anew(sqlite3 **db_r, struct err *err)
{
	char aside[DAMAGE_PATH_MAX], what[128];
	struct salvage s;

	damage_text(ARCHIVE_DB, what);
	if (damage_set_aside(ARCHIVE_DB, aside, err) != 0)
		return -1;
	if (db_open_anew(db_r, ARCHIVE_DB, &archive_schema, err) != 0)
		return -1;
	if (fill(*db_r, aside, &s, err) != 0 || damage_settle(ARCHIVE_DB, err) != 0) {
		db_close(db_r);
		return -1;
	}
	tell(&s, what, aside);
	return 0;
}

int
salvage_open(sqlite3 **db_r, struct err *err)
{
	if (!damage_is_noted(ARCHIVE_DB) && db_open(db_r, ARCHIVE_DB, &archive_schema, err) == 0)
		return 0;
	return damage_is_noted(ARCHIVE_DB) ? begin_anew(db_r, err) : -1;
}
