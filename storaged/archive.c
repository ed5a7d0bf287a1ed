/* The message log: see archive.h. A message is one row in id order; `held` says whom it is owed to. A row that nobody
 * refers to any more is swept after keep_seconds: until then it answers replays (dedupe.h). */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/archive_id.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/jid.h"
#include "base/mem.h"
#include "dedupe.h"
#include "horizon.h"
#include "row.h"
#include "retention.h"
#include "run.h"

#define OWED_BYTES_MAX (512 * 1024) /* of one OWED answer: well below a frame */
#define SKEW_MS 10000               /* storaged may have been away for less than this */

enum {
	Q_ADDRESS,
	Q_ADDRESS_NEW,
	Q_EXISTS,
	Q_MESSAGE_NEW,
	Q_HOLD,
	Q_HELD_COUNT,
	Q_OWED,
	Q_UNHOLD,
	Q_UNFLAG,
	Q_HELD_OF,
	Q_HOLD_AGAIN,
	Q_HELD_IDS,
	Q_UNOWE,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_ADDRESS] = {.sql = ADDRESS_FIND_SQL},
    [Q_ADDRESS_NEW] = {.sql = "INSERT INTO address(bare) VALUES(?1) RETURNING id"},
    [Q_EXISTS] =
	{.sql = "SELECT flags FROM message WHERE id = ?1 AND origin = ?2 AND n = ?3 AND (flags >> 16) & 255 = ?4"},
    [Q_MESSAGE_NEW] =
	{.sql = "INSERT INTO message(id, src, dst, flags, skew, facts, src_res, dst_res, stanza_id, lang,"
		" origin, n, payload) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
    [Q_HOLD] = {.sql = "INSERT INTO held(owner, id) VALUES(?1, ?2)"},
    [Q_HELD_COUNT] = {.sql = "SELECT count(*) FROM (SELECT 1 FROM held WHERE owner = ?1 LIMIT ?2)"},
    [Q_OWED] = {.sql = "SELECT " ROW_COLUMNS
		       " FROM held h CROSS JOIN message m ON m.id = h.id" ROW_JOINS
		       " WHERE h.owner = ?1 AND h.id > ?2 ORDER BY h.id LIMIT ?3"},
    [Q_UNHOLD] = {.sql = "DELETE FROM held WHERE owner = ?1 AND id = ?2"},
    [Q_UNFLAG] = {.sql = "UPDATE message SET flags = (flags & ~4) | 8 WHERE id = ?1 AND dst = ?2"},
    [Q_HELD_OF] = {.sql = "SELECT id FROM held WHERE owner = ?1 LIMIT 1"},
    [Q_HOLD_AGAIN] = {.sql = "UPDATE message SET flags = flags | 4 WHERE id = ?1"},
    [Q_HELD_IDS] = {.sql = "SELECT m.id, m.origin, m.n FROM held h CROSS JOIN message m ON m.id = h.id"
			   " WHERE h.owner = ?1 AND h.id > ?2 ORDER BY h.id"},
    [Q_UNOWE] = {.sql = "UPDATE message SET flags = flags & ~4 WHERE id = ?1"},
};

void
archive_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
	run_statements_finalize();
	room_statements_finalize();
	retention_statements_finalize();
}

/* ---- start ---- */

/* Puts the newest rows into the dedupe set and finds the highest id ever given. */
int
archive_load(struct storaged *s, sqlite3 *db, struct err *err)
{
	struct db_stmt last = {
	    .sql = "SELECT max(value, (SELECT coalesce(max(id), 0) FROM message)) FROM state"
		   " WHERE key = 'last_id'"};
	struct db_stmt rows = {
	    .sql =
		"SELECT origin, n, (flags >> 16) & 255, id FROM message ORDER BY id DESC LIMIT ?1"};
	sqlite3_stmt *st = db_stmt(db, &last);
	int rc;

	if (st && db_step(st) == SQLITE_ROW)
		s->clock.last = db_column_u64(st, 0);
	st = db_stmt(db, &rows);
	if (st)
		sqlite3_bind_int(st, 1, DEDUPE_GENERATION);
	while ((rc = db_step(st)) == SQLITE_ROW) {
		struct opid op = {.origin = db_column_id(st, 0), .n = db_column_u64(st, 1)};

		op.kind = (uint16_t)sqlite3_column_int(st, 2);
		dedupe_add(s->dedupe, &op, db_column_u64(st, 3));
	}
	db_stmts_finalize(&last, 1);
	db_stmts_finalize(&rows, 1);
	if (rc != SQLITE_DONE)
		return err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(db));
	if (retention_load(s, db, err) != 0)
		return -1;
	return run_load(s, db, err);
}

/* ---- small helpers ---- */

static int
address_get(sqlite3 *db, struct str bare, uint64_t *id_r)
{
	sqlite3_stmt *st;
	int rc;

	*id_r = address_find(db, &stmts[Q_ADDRESS], bare);
	if (*id_r)
		return SQLITE_OK;
	st = db_stmt(db, &stmts[Q_ADDRESS_NEW]);
	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, bare);
	rc = db_step(st);
	if (rc == SQLITE_ROW)
		*id_r = db_column_u64(st, 0);
	/* With RETURNING the row is inserted by the first step; the second ends the statement. */
	if (rc == SQLITE_ROW)
		rc = db_step(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The row of this very operation, if it was stored before; 0: it was not. */
static uint64_t
archive_has(struct job *job, sqlite3 *db, int *flags_r)
{
	uint64_t id = dedupe_find(job->storaged->dedupe, &job->op);
	sqlite3_stmt *st;

	if (!id || id_is_zero(&job->op.origin))
		return 0;
	st = db_stmt(db, &stmts[Q_EXISTS]);
	if (!st)
		return 0;
	db_bind_u64(st, 1, id);
	db_bind_id(st, 2, &job->op.origin);
	db_bind_u64(st, 3, job->op.n);
	sqlite3_bind_int(st, 4, job->op.kind & 255);
	if (db_step(st) == SQLITE_ROW)
		*flags_r = sqlite3_column_int(st, 0);
	else
		id = 0;
	sqlite3_reset(st);
	return id;
}

/* ---- STORE ---- */

struct row {
	uint64_t id, src, dst;
	struct jid from, to;
};

/* Time of receipt minus id, in milliseconds: nothing unless one of the clocks was wrong. So what an archive shows is the id's own
 * time, by which it is searched. */
static int64_t
skew_of(int64_t stamp_us, uint64_t id)
{
	int64_t skew = (stamp_us - (int64_t)id) / 1000;

	return skew > -SKEW_MS && skew < SKEW_MS ? 0 : skew;
}

static int
message_insert(struct job *job, sqlite3 *db, const struct msg_STORE *m, const struct row *r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_MESSAGE_NEW]);
	int flags = (m->archive_from ? FLAG_FROM : 0) | (m->archive_to ? FLAG_TO : 0) |
	    (m->owed ? FLAG_HELD : 0) | m->st.type << SHIFT_TYPE |
	    (job->op.kind & 255) << SHIFT_KIND;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, r->id);
	db_bind_u64(st, 2, r->src);
	db_bind_u64(st, 3, r->dst);
	sqlite3_bind_int(st, 4, flags);
	sqlite3_bind_int64(st, 5, skew_of(m->stamp_us, r->id));
	sqlite3_bind_int64(st, 6, m->st.facts);
	db_bind_str(st, 7, r->from.resource);
	db_bind_str(st, 8, r->to.resource);
	db_bind_str(st, 9, m->st.id);
	db_bind_str(st, 10, m->st.lang);
	db_bind_id(st, 11, &job->op.origin);
	db_bind_u64(st, 12, job->op.n);
	db_bind_blob(st, 13, m->st.payload);
	return db_run(st);
}

static bool
held_full(sqlite3 *db, uint64_t owner, uint32_t max)
{
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_HELD_COUNT], owner, max);
	uint64_t n = 0;

	if (!st || max == 0)
		return false;
	if (db_step(st) == SQLITE_ROW)
		n = db_column_u64(st, 0);
	sqlite3_reset(st);
	return n >= max;
}

/* The same again; meanwhile its recipient may have gone, and it was given to nobody: it is owed now. What was owed and has
 * been given is not owed again. */
static int
store_again(struct job *job, sqlite3 *db, const struct msg_STORE *m, struct row *r, int flags)
{
	int rc;

	if (!m->owed || (flags & (FLAG_HELD | FLAG_WAS_HELD)))
		return SQLITE_OK;
	r->dst = address_find(db, &stmts[Q_ADDRESS], r->to.bare);
	if (held_full(db, r->dst, m->owed_max))
		return job_refuse(job, BUS_ERROR_LIMIT, "too many offline messages");
	rc = DB_RUN(db, &stmts[Q_HOLD], r->dst, r->id);
	return rc == SQLITE_OK ? DB_RUN(db, &stmts[Q_HOLD_AGAIN], r->id) : rc;
}

static void
note_archived(struct job *job, const struct msg_STORE *m, const struct row *r)
{
	struct id128 id = archive_id(&job->op.origin, job->op.n, (struct str){0});

	if (m->archive_from || m->archive_to)
		job->archived = (struct archived){.id = r->id,
		    .src = r->src,
		    .dst = r->dst,
		    .tag = archive_id_tag(&id),
		    .for_src = m->archive_from,
		    .for_dst = m->archive_to};
}

int
archive_store(struct job *job, sqlite3 *db, const void *msg)
{
	struct msg_STORE admitted = *(const struct msg_STORE *)msg, *m = &admitted;
	struct row r = {.from = jid_split(m->st.from), .to = jid_split(m->st.to)};
	int rc, flags = 0;

	fault_poison(m->st.payload, "storaged");
	r.id = archive_has(job, db, &flags);
	if (r.id)
		return store_again(job, db, m, &r, flags);
	if (!disk_admits(job->storaged, m))
		return m->owed ? job_refuse(job, BUS_ERROR_FULL, "the disk is full") : SQLITE_OK;
	rc = address_get(db, r.from.bare, &r.src);
	if (rc == SQLITE_OK)
		rc = address_get(db, r.to.bare, &r.dst);
	if (rc == SQLITE_OK && m->owed && held_full(db, r.dst, m->owed_max))
		return job_refuse(job, BUS_ERROR_LIMIT, "too many offline messages");
	r.id = idclock_next(&job->storaged->clock);
	if (rc == SQLITE_OK)
		rc = message_insert(job, db, m, &r);
	if (rc == SQLITE_OK && m->owed)
		rc = DB_RUN(db, &stmts[Q_HOLD], r.dst, r.id);
	if (rc == SQLITE_OK) {
		dedupe_add(job->storaged->dedupe, &job->op, r.id);
		note_archived(job, m, &r);
	}
	return rc;
}

/* ---- offline messages ---- */

static void
owed_row(struct arena *a, sqlite3_stmt *st, struct rec_owed_item *item)
{
	struct row_read r;

	row_read(a, st, &r);
	*item = (struct rec_owed_item){.row = r.id,
	    .stamp_us = r.stamp_us,
	    .origin = r.origin,
	    .n = r.n,
	    .archived = r.flags & FLAG_TO,
	    .st = r.st};
}

#define OWED_MAX 1000 /* items of one answer, as messages.def has it */

int
archive_owed_fetch(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_OWED_FETCH *m = msg;
	uint32_t max = m->max && m->max < OWED_MAX ? m->max : OWED_MAX, n = 0;
	struct rec_owed_item *items = arena_alloc(&job->arena, max * sizeof(*items));
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_OWED]);
	size_t bytes = 0;
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, address_find(db, &stmts[Q_ADDRESS], m->owner));
	db_bind_u64(st, 2, m->after);
	db_bind_u64(st, 3, max + 1);
	while ((rc = db_step(st)) == SQLITE_ROW && n < max && bytes < OWED_BYTES_MAX) {
		owed_row(&job->arena, st, &items[n]);
		bytes += items[n++].st.payload.n + 4096;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	sqlite3_reset(st);
	job->answer.owed =
	    (struct msg_OWED){.more = rc == SQLITE_ROW, .items = {.items = items, .count = n}};
	return job_answer(job, MSG_OWED);
}

static int
unhold(sqlite3 *db, uint64_t owner, uint64_t id)
{
	int rc = DB_RUN(db, &stmts[Q_UNHOLD], owner, id);

	return rc == SQLITE_OK ? DB_RUN(db, &stmts[Q_UNFLAG], id, owner) : rc;
}

int
archive_owed_drop(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_OWED_DROP *m = msg;
	struct bus_list rows = m->rows;
	uint64_t owner = address_find(db, &stmts[Q_ADDRESS], m->owner);
	struct rec_row row;
	int rc = SQLITE_OK;

	(void)job;
	while (rc == SQLITE_OK && bus_list_next(&rows, &bus_record_row, &row))
		rc = unhold(db, owner, row.row);
	return rc;
}

/* ---- owed messages that a detached session has ---- */

static int
compare_messages(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct message_id));
}

/* The next row behind `after` that is one of these; 0: none. */
static int
find_held(sqlite3 *db, uint64_t owner, const struct message_id *ids, size_t n, uint64_t *id)
{
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_HELD_IDS], owner, *id);
	uint64_t found = 0;
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	while (!found && (rc = db_step(st)) == SQLITE_ROW) {
		struct message_id m = {.origin = db_column_id(st, 1), .n = db_column_u64(st, 2)};

		if (bsearch(&m, ids, n, sizeof(m), compare_messages))
			found = db_column_u64(st, 0);
	}
	*id = found;
	if (found)
		sqlite3_reset(st);
	return found || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
unowe(sqlite3 *db, uint64_t owner, uint64_t id)
{
	int rc = DB_RUN(db, &stmts[Q_UNHOLD], owner, id);

	return rc == SQLITE_OK ? DB_RUN(db, &stmts[Q_UNOWE], id) : rc;
}

int
archive_unowe(sqlite3 *db, struct str owner, const struct message_id *ids, size_t n)
{
	uint64_t number = address_find(db, &stmts[Q_ADDRESS], owner), id = 0;
	int rc = find_held(db, number, ids, n, &id);

	while (rc == SQLITE_OK && id) {
		rc = unowe(db, number, id);
		if (rc == SQLITE_OK)
			rc = find_held(db, number, ids, n, &id);
	}
	return rc;
}

/* ---- an account is removed ---- */

int
archive_erase(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_USER_ERASE *m = msg;
	uint64_t owner = address_find(db, &stmts[Q_ADDRESS], m->owner), id;
	int rc = SQLITE_OK;

	do {
		sqlite3_stmt *st = DB_STMT(db, &stmts[Q_HELD_OF], owner);

		if (!st)
			return sqlite3_errcode(db);
		id = db_step(st) == SQLITE_ROW ? db_column_u64(st, 0) : 0;
		sqlite3_reset(st);
		if (id)
			rc = unhold(db, owner, id);
	} while (id && rc == SQLITE_OK);
	if (rc == SQLITE_OK)
		rc = retention_erase(job->storaged, db, owner);
	job->gone_upto = job->storaged->clock.last;
	return rc;
}
