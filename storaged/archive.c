/* The message log: see archive.h. A message is one row in id order; `held` says whom it is owed to. A row that nobody
 * refers to any more is swept after keep_seconds: until then it answers replays (dedupe.h). */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jid.h"
#include "base/mem.h"
#include "dedupe.h"

#define OWED_BYTES_MAX (512 * 1024) /* of one OWED answer: well below a frame */
#define SWEEP_SLICE 512             /* rows of one sweep transaction */

enum {
	FLAG_FROM = 1,
	FLAG_TO = 2,
	FLAG_HELD = 4,
	SHIFT_TYPE = 8,
	SHIFT_KIND = 16,
};

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
	Q_SWEEP,
	Q_STATE_SET,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_ADDRESS] = {.sql = "SELECT id FROM address WHERE bare = ?1"},
    [Q_ADDRESS_NEW] = {.sql = "INSERT INTO address(bare) VALUES(?1) RETURNING id"},
    [Q_EXISTS] =
	{.sql = "SELECT 1 FROM message WHERE id = ?1 AND origin = ?2 AND n = ?3 AND (flags >> 16) & 255 = ?4"},
    [Q_MESSAGE_NEW] =
	{.sql = "INSERT INTO message(id, src, dst, flags, skew, facts, src_res, dst_res, stanza_id, lang,"
		" origin, n, payload) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
    [Q_HOLD] = {.sql = "INSERT INTO held(owner, id) VALUES(?1, ?2)"},
    [Q_HELD_COUNT] = {.sql = "SELECT count(*) FROM (SELECT 1 FROM held WHERE owner = ?1 LIMIT ?2)"},
    [Q_OWED] = {.sql = "SELECT m.id, m.skew, m.origin, m.n, m.flags, m.facts, s.bare, m.src_res, d.bare, m.dst_res,"
		       " m.stanza_id, m.lang, m.payload"
		       " FROM held h CROSS JOIN message m ON m.id = h.id"
		       " CROSS JOIN address s ON s.id = m.src CROSS JOIN address d ON d.id = m.dst"
		       " WHERE h.owner = ?1 AND h.id > ?2 ORDER BY h.id LIMIT ?3"},
    [Q_UNHOLD] = {.sql = "DELETE FROM held WHERE owner = ?1 AND id = ?2"},
    [Q_UNFLAG] = {.sql = "UPDATE message SET flags = flags & ~4 WHERE id = ?1 AND dst = ?2"},
    [Q_HELD_OF] = {.sql = "SELECT id FROM held WHERE owner = ?1 LIMIT 1"},
    [Q_SWEEP] =
	{.sql = "DELETE FROM message WHERE id IN"
		" (SELECT id FROM message INDEXED BY message_loose WHERE flags & 7 = 0 AND id < ?1 LIMIT ?2)"},
    [Q_STATE_SET] = {.sql = "UPDATE state SET value = ?1 WHERE key = 'last_id'"},
};

void
archive_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
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
		s->last_id = db_column_u64(st, 0);
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
	return rc == SQLITE_DONE ? 0
				 : err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(db));
}

/* ---- small helpers ---- */

/* Number of a bare JID, 0 when it has none (or on an error, which the next statement meets again). */
static uint64_t
address_find(sqlite3 *db, struct str bare)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_ADDRESS]);
	uint64_t id = 0;

	if (!st)
		return 0;
	db_bind_str(st, 1, bare);
	if (db_step(st) == SQLITE_ROW)
		id = db_column_u64(st, 0);
	sqlite3_reset(st);
	return id;
}

static int
address_get(sqlite3 *db, struct str bare, uint64_t *id_r)
{
	sqlite3_stmt *st;
	int rc;

	*id_r = address_find(db, bare);
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

static bool
archive_has(struct job *job, sqlite3 *db)
{
	uint64_t id = dedupe_find(job->storaged->dedupe, &job->op);
	sqlite3_stmt *st;
	bool has;

	if (!id || id_is_zero(&job->op.origin))
		return false;
	st = db_stmt(db, &stmts[Q_EXISTS]);
	if (!st)
		return false;
	db_bind_u64(st, 1, id);
	db_bind_id(st, 2, &job->op.origin);
	db_bind_u64(st, 3, job->op.n);
	sqlite3_bind_int(st, 4, job->op.kind & 255);
	has = db_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return has;
}

static uint64_t
archive_next_id(struct storaged *s)
{
	uint64_t now = (uint64_t)clock_wall_us();

	s->last_id = now > s->last_id ? now : s->last_id + 1;
	return s->last_id;
}

/* ---- STORE ---- */

struct row {
	uint64_t id, src, dst;
	struct jid from, to;
};

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
	sqlite3_bind_int64(st, 5, (m->stamp_us - (int64_t)r->id) / 1000);
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

static int
hold(sqlite3 *db, const struct row *r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_HOLD]);

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, r->dst);
	db_bind_u64(st, 2, r->id);
	return db_run(st);
}

static bool
held_full(sqlite3 *db, uint64_t owner, uint32_t max)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_HELD_COUNT]);
	uint64_t n = 0;

	if (!st || max == 0)
		return false;
	db_bind_u64(st, 1, owner);
	db_bind_u64(st, 2, max);
	if (db_step(st) == SQLITE_ROW)
		n = db_column_u64(st, 0);
	sqlite3_reset(st);
	return n >= max;
}

int
archive_store(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_STORE *m = msg;
	struct row r = {.from = jid_split(m->st.from), .to = jid_split(m->st.to)};
	int rc;

	if (archive_has(job, db))
		return SQLITE_OK;
	rc = address_get(db, r.from.bare, &r.src);
	if (rc == SQLITE_OK)
		rc = address_get(db, r.to.bare, &r.dst);
	if (rc == SQLITE_OK && m->owed && held_full(db, r.dst, m->owed_max))
		return job_refuse(job, BUS_ERROR_LIMIT, "too many offline messages");
	r.id = archive_next_id(job->storaged);
	if (rc == SQLITE_OK)
		rc = message_insert(job, db, m, &r);
	if (rc == SQLITE_OK && m->owed)
		rc = hold(db, &r);
	if (rc == SQLITE_OK)
		dedupe_add(job->storaged->dedupe, &job->op, r.id);
	return rc;
}

/* ---- offline messages ---- */

static struct str
full_jid(struct arena *a, struct str bare, struct str resource)
{
	return resource.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(bare), STR_ARG(resource))
			  : arena_str(a, bare);
}

static void
owed_row(struct arena *a, sqlite3_stmt *st, struct rec_owed_item *item)
{
	int flags = sqlite3_column_int(st, 4);

	item->row = db_column_u64(st, 0);
	item->stamp_us = (int64_t)item->row + sqlite3_column_int64(st, 1) * 1000;
	item->origin = db_column_id(st, 2);
	item->n = db_column_u64(st, 3);
	item->st.kind = STANZA_MESSAGE;
	item->st.type = (uint8_t)(flags >> SHIFT_TYPE & 255);
	item->st.facts = (uint32_t)sqlite3_column_int64(st, 5);
	item->st.from = full_jid(a, db_column_str(st, 6), db_column_str(st, 7));
	item->st.to = full_jid(a, db_column_str(st, 8), db_column_str(st, 9));
	item->st.id = arena_str(a, db_column_str(st, 10));
	item->st.lang = arena_str(a, db_column_str(st, 11));
	item->st.payload = arena_str(a, db_column_str(st, 12));
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
	db_bind_u64(st, 1, address_find(db, m->owner));
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
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_UNHOLD]);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, owner);
	db_bind_u64(st, 2, id);
	rc = db_run(st);
	st = rc == SQLITE_OK ? db_stmt(db, &stmts[Q_UNFLAG]) : NULL;
	if (!st)
		return rc == SQLITE_OK ? sqlite3_errcode(db) : rc;
	db_bind_u64(st, 1, id);
	db_bind_u64(st, 2, owner);
	return db_run(st);
}

int
archive_owed_drop(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_OWED_DROP *m = msg;
	struct bus_list rows = m->rows;
	uint64_t owner = address_find(db, m->owner);
	struct rec_row row;
	int rc = SQLITE_OK;

	(void)job;
	while (rc == SQLITE_OK && bus_list_next(&rows, &bus_record_row, &row))
		rc = unhold(db, owner, row.row);
	return rc;
}

/* ---- an account is removed ---- */

int
archive_erase(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_USER_ERASE *m = msg;
	uint64_t owner = address_find(db, m->owner), id;
	int rc = SQLITE_OK;

	(void)job;
	do {
		sqlite3_stmt *st = db_stmt(db, &stmts[Q_HELD_OF]);

		if (!st)
			return sqlite3_errcode(db);
		db_bind_u64(st, 1, owner);
		id = db_step(st) == SQLITE_ROW ? db_column_u64(st, 0) : 0;
		sqlite3_reset(st);
		if (id)
			rc = unhold(db, owner, id);
	} while (id && rc == SQLITE_OK);
	return rc;
}

/* ---- sweep ---- */

struct sweep {
	struct db_job base;
	struct storaged *storaged;
	uint64_t before;
	int deleted;
};

/* The highest row may be among those that go: its id must not come again. */
int
archive_sweep_slice(struct storaged *s, sqlite3 *db, uint64_t before, int *deleted_r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_SWEEP]);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, before);
	sqlite3_bind_int(st, 2, SWEEP_SLICE);
	rc = db_run(st);
	*deleted_r = sqlite3_changes(db);
	if (rc != SQLITE_OK || *deleted_r == 0)
		return rc;
	st = db_stmt(db, &stmts[Q_STATE_SET]);
	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, s->last_id);
	return db_run(st);
}

static int
sweep_run(struct db_job *base, sqlite3 *db)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);

	return archive_sweep_slice(w->storaged, db, w->before, &w->deleted);
}

static void
sweep_done(struct db_job *base, int rc)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);
	struct storaged *s = w->storaged;

	if (rc == SQLITE_OK && w->deleted == SWEEP_SLICE && s->sweep) {
		db_writer_submit(s->archive.writer, &w->base);
		return;
	}
	s->sweeping = false;
	free(w);
}

void
archive_sweep(void *storaged)
{
	struct storaged *s = storaged;
	const struct storaged_settings *set = s->daemon->settings;
	struct sweep *w;

	if (s->sweeping)
		return;
	s->sweeping = true;
	w = NEW(struct sweep);
	w->base.run = sweep_run;
	w->base.done = sweep_done;
	w->storaged = s;
	w->before = (uint64_t)(clock_wall_us() - set->keep_seconds * 1000000);
	db_writer_submit(s->archive.writer, &w->base);
}
