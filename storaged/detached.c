/* Detached sessions: see detached.h. A row has a version, the epoch of its record: what is older changes nothing.
 *
 *   no row ──DETACH──▶ free ──CLAIM──▶ claimed (by one handle; the same may again)
 *     ▲                  ▲ └──DETACH──┘   │
 *     └────────DROP──────┴────────────────┘   DETACH frees a claimed row: its claimer has died
 *
 * The messages in a record are owed rows no longer, but those lie in another file. The record is written first: a death
 * between the two parts leaves a message in both, never in none. DETACH is acknowledged after the second, so it comes again
 * and is done again, with the same result. If sessiond has died as well, the record's ledger says what was given
 * already. CLAIM and DROP make the same way through both files: were one of them acknowledged before a DETACH that came
 * first, that would come again alone, and undo it. */
#include "detached.h"

#include <stdlib.h>

#include "archive.h"
#include "base/mem.h"

#define LOADED_MAX 1000 /* records of one answer, as messages.def has it */

enum {
	Q_FIND,
	Q_PUT,
	Q_CLAIM,
	Q_RECORD,
	Q_DROP,
	Q_LOAD,
	Q_ERASE,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_FIND] = {.sql = "SELECT epoch, claim_edge, claim_conn FROM session WHERE sid = ?1"},
    [Q_PUT] =
	{.sql = "INSERT INTO session(sid, epoch, account, layout, record) VALUES(?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT(sid) DO UPDATE SET epoch = excluded.epoch, account = excluded.account,"
		" layout = excluded.layout, record = excluded.record, claim_edge = 0, claim_conn = 0"},
    [Q_CLAIM] = {.sql = "UPDATE session SET claim_edge = ?2, claim_conn = ?3 WHERE sid = ?1"},
    [Q_RECORD] = {.sql = "SELECT record FROM session WHERE sid = ?1 AND epoch <= ?2 AND layout = ?3"},
    [Q_DROP] = {.sql = "DELETE FROM session WHERE sid = ?1 AND epoch <= ?2"},
    [Q_LOAD] =
	{.sql = "SELECT id, account, record FROM session WHERE id > ?1 AND layout = ?2 ORDER BY id"},
    [Q_ERASE] = {.sql = "DELETE FROM session WHERE account = ?1"},
};

void
detached_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* ---- the layout of records ---- */

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * UINT64_C(1099511628211);
	return h;
}

static uint64_t
layout_hash(uint64_t h, const struct bus_record *r)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		const struct bus_field *f = &r->fields[i];
		uint32_t kind = (uint32_t)f->kind;

		h = mix(h, f->name, strlen(f->name));
		h = mix(h, &kind, sizeof(kind));
		if (f->record)
			h = layout_hash(h, f->record);
	}
	return h;
}

/* A record outlives the program that wrote it. One that another version laid out differently must not be misread: it is left
 * alone, until a migration rewrites it. */
static uint64_t
layout(void)
{
	return layout_hash(UINT64_C(14695981039346656037), &bus_record_session);
}

/* ---- DETACH ---- */

struct row_version {
	uint64_t epoch, claim_edge, claim_conn;
};

/* False: there is no row. */
static bool
find(sqlite3 *db, const struct id128 *sid, struct row_version *v_r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_FIND]);
	bool found = false;

	*v_r = (struct row_version){.epoch = 0};
	if (!st)
		return false;
	db_bind_id(st, 1, sid);
	if (db_step(st) == SQLITE_ROW) {
		found = true;
		v_r->epoch = db_column_u64(st, 0);
		v_r->claim_edge = db_column_u64(st, 1);
		v_r->claim_conn = db_column_u64(st, 2);
	}
	sqlite3_reset(st);
	return found;
}

static int
put(sqlite3 *db, const struct rec_session *r, struct str record)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_PUT]);

	if (!st)
		return sqlite3_errcode(db);
	db_bind_id(st, 1, &r->sid);
	db_bind_u64(st, 2, r->epoch);
	db_bind_str(st, 3, jid_split(r->jid).bare);
	db_bind_u64(st, 4, layout());
	db_bind_blob(st, 5, record);
	return db_run(st);
}

/* The frame's body is the record and nothing else. */
int
detached_put(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_DETACH *m = msg;
	struct str record = buf_str(&job->body);
	struct row_version v;

	buf_clear(&job->carried);
	if (record.n > DETACHED_RECORD_MAX)
		return SQLITE_TOOBIG;
	if (find(db, &m->session.sid, &v) && v.epoch > m->session.epoch)
		return SQLITE_OK;
	buf_add_str(&job->carried, record);
	return put(db, &m->session, record);
}

/* ---- CLAIM ---- */

int
detached_claim(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_CLAIM *m = msg;
	struct row_version v;
	sqlite3_stmt *st;
	int rc;

	buf_clear(&job->carried);
	if (!find(db, &m->sid, &v))
		return job_refuse(job, BUS_ERROR_NOT_FOUND, "no such session");
	if (v.epoch >= m->epoch)
		return job_refuse(job, BUS_ERROR_CONFLICT, "the session has gone on");
	if (v.claim_edge && (v.claim_edge != m->edge_incarnation || v.claim_conn != m->conn))
		return job_refuse(job, BUS_ERROR_CONFLICT, "another connection has it");
	st = db_stmt(db, &stmts[Q_CLAIM]);
	if (!st)
		return sqlite3_errcode(db);
	db_bind_id(st, 1, &m->sid);
	db_bind_u64(st, 2, m->edge_incarnation);
	db_bind_u64(st, 3, m->conn);
	rc = db_run(st);
	job->answer.done = (struct msg_DONE){.count = 1};
	return rc == SQLITE_OK ? job_answer(job, MSG_DONE) : rc;
}

/* ---- DROP ---- */

static int
carry_record(struct job *job, sqlite3 *db, const struct msg_DROP *m)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_RECORD]);
	int rc;

	buf_clear(&job->carried);
	if (!m->given)
		return SQLITE_OK;
	if (!st)
		return sqlite3_errcode(db);
	db_bind_id(st, 1, &m->sid);
	db_bind_u64(st, 2, m->epoch);
	db_bind_u64(st, 3, layout());
	rc = db_step(st);
	if (rc == SQLITE_ROW)
		buf_add_str(&job->carried, db_column_str(st, 0));
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
detached_drop(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_DROP *m = msg;
	int rc = carry_record(job, db, m);
	sqlite3_stmt *st = rc == SQLITE_OK ? db_stmt(db, &stmts[Q_DROP]) : NULL;

	if (!st)
		return rc == SQLITE_OK ? sqlite3_errcode(db) : rc;
	db_bind_id(st, 1, &m->sid);
	db_bind_u64(st, 2, m->epoch);
	return db_run(st);
}

int
detached_erase(sqlite3 *db, struct str account)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_ERASE]);

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, account);
	return db_run(st);
}

/* ---- the owed rows of a record ---- */

static int
compare_messages(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct message_id));
}

/* Those that it contains as messages; a carbon is nobody's owed message. */
static size_t
messages_of(struct job *job, const struct rec_session *r, struct message_id **ids_r)
{
	struct message_id *ids = arena_alloc(&job->arena, (r->unacked.count + 1) * sizeof(*ids));
	struct bus_list list = r->unacked;
	struct rec_unacked u;
	size_t n = 0;

	while (bus_list_next(&list, &bus_record_unacked, &u)) {
		if (u.kind == OP_DELIVERY)
			ids[n++] = (struct message_id){.origin = u.origin, .n = u.n};
	}
	qsort(ids, n, sizeof(*ids), compare_messages);
	*ids_r = ids;
	return n;
}

int
detached_owed(struct job *job, sqlite3 *db, const void *msg)
{
	struct msg_DETACH m;
	struct message_id *ids;
	size_t n;

	(void)msg;
	if (buf_len(&job->carried) == 0)
		return SQLITE_OK;
	if (!bus_decode(bus_message(MSG_DETACH), buf_str(&job->carried), &m))
		bug("a record of a known layout cannot be decoded");
	n = messages_of(job, &m.session, &ids);
	return n ? archive_unowe(db, jid_split(m.session.jid).bare, ids, n) : SQLITE_OK;
}

/* ---- LOAD ---- */

struct page {
	struct buf bytes;
	uint32_t count;
	uint64_t last;
};

/* False when the record does not fit any more. */
static bool
page_add(struct page *p, sqlite3_stmt *st)
{
	struct str record = db_column_str(st, 2);

	if (p->count == LOADED_MAX || buf_len(&p->bytes) + record.n > DETACHED_RECORD_MAX)
		return false;
	buf_add_str(&p->bytes, record);
	p->count++;
	p->last = db_column_u64(st, 0);
	return true;
}

static int
page_fill(struct page *p, sqlite3_stmt *st, const struct msg_LOAD *m, bool *more_r)
{
	int rc;

	*more_r = false;
	while (!*more_r && (rc = db_step(st)) == SQLITE_ROW) {
		if (bus_shard(db_column_str(st, 1), m->shards) == m->shard)
			*more_r = !page_add(p, st);
	}
	if (*more_r)
		sqlite3_reset(st);
	return *more_r || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
detached_load(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_LOAD *m = msg;
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_LOAD]);
	struct page p = {.last = m->after};
	bool more;
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_u64(st, 1, m->after);
	db_bind_u64(st, 2, layout());
	rc = page_fill(&p, st, m, &more);
	job->answer.loaded = (struct msg_LOADED){.more = more,
	    .last = p.last,
	    .sessions = {.bytes = arena_str(&job->arena, buf_str(&p.bytes)), .count = p.count}};
	buf_deinit(&p.bytes);
	return rc == SQLITE_OK ? job_answer(job, MSG_LOADED) : rc;
}
