/* The index itself: see search.h. All of this runs on the search thread. */
#include <stdlib.h>

#include "base/jid.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"
#include "search.h"
#include "xml/bodies.h"

#define SLICE 1000            /* messages of a transaction */
#define SLICE_BYTES (4 << 20) /* of their payloads */
#define STALE_LEAST 1000      /* fewer are not worth the work */
#define STALE_SHARE 3         /* one of so many gone: begin again */

enum {
	Q_INSERT,
	Q_FORWARD,
	Q_BACKWARD,
	Q_GET,
	Q_ADD,
	Q_CLEAR,
	Q_RESET,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_INSERT] = {.sql = "INSERT INTO words(rowid, body) VALUES(?1, ?2)"},
    [Q_FORWARD] = {.sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid > ?2 AND rowid <= ?3"
			  " ORDER BY rowid LIMIT ?4"},
    [Q_BACKWARD] = {.sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid > ?2 AND rowid <= ?3"
			   " ORDER BY rowid DESC LIMIT ?4"},
    [Q_GET] = {.sql = "SELECT upto, docs, stale FROM state"},
    [Q_ADD] = {.sql = "UPDATE state SET upto = ?1, docs = docs + ?2, stale = stale + ?3"},
    [Q_CLEAR] = {.sql = "INSERT INTO words(words) VALUES('delete-all')"},
    [Q_RESET] = {.sql = "UPDATE state SET upto = 0, docs = 0, stale = 0"},
};

/* Of the log, on the connection that reads it. */
static struct db_stmt log_rows = {
    .sql = "SELECT m.id, m.flags, m.src, m.dst, s.bare, d.bare, m.facts, m.payload"
	   " FROM message m" ROW_JOINS " WHERE m.id > ?1 ORDER BY m.id LIMIT ?2"};

void
search_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
	db_stmts_finalize(&log_rows, 1);
}

/* ---- what of the log ---- */

static bool
is_searchable(const struct search *f, struct str bare)
{
	struct str domain = jid_split(bare).domain;

	for (size_t i = 0; i < f->n_domains; i++)
		if (str_is(domain, f->domains[i]))
			return true;
	return false;
}

struct doc {
	uint64_t id;
	struct str text; /* in the slice's arena */
};

struct slice {
	struct arena arena;
	struct doc docs[SLICE];
	unsigned n, n_read;
	uint64_t upto;
	size_t bytes;
};

static void
add_owner(struct storaged *s, struct buf *text, bool is_owner, uint64_t owner, struct str bare,
    uint64_t id)
{
	if (is_owner && is_searchable(s->search, bare) && id > horizon_of(s->horizons, owner, bare))
		words_add_owner(text, owner);
}

static void
read_doc(struct storaged *s, struct slice *sl, sqlite3_stmt *st)
{
	struct buf text = {0};
	int flags = sqlite3_column_int(st, 1);
	uint64_t id = db_column_u64(st, 0), src = db_column_u64(st, 2), dst = db_column_u64(st, 3);

	add_owner(s, &text, flags & FLAG_FROM, src, db_column_str(st, 4), id);
	add_owner(s, &text, flags & FLAG_TO, dst, db_column_str(st, 5), id);
	if (buf_len(&text) > 0 && (sqlite3_column_int64(st, 6) & FACT_BODY)) {
		xml_bodies(&text, db_column_str(st, 7));
		sl->docs[sl->n++] =
		    (struct doc){.id = id, .text = arena_str(&sl->arena, buf_str(&text))};
	}
	sl->upto = id;
	sl->n_read++;
	sl->bytes += (size_t)sqlite3_column_bytes(st, 7);
	buf_deinit(&text);
}

/* In a short transaction: one that stays open would keep the log of the file from being reset. */
static int
read_slice(struct storaged *s, struct slice *sl)
{
	sqlite3_stmt *st = DB_STMT(s->search->log, &log_rows, s->search->upto, SLICE);
	int rc = SQLITE_DONE;

	if (!st)
		return sqlite3_errcode(s->search->log);
	while (sl->bytes < SLICE_BYTES && (rc = db_step(st)) == SQLITE_ROW)
		read_doc(s, sl, st);
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- into the index ---- */

static int
insert_docs(const struct slice *sl, sqlite3 *db)
{
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < sl->n && rc == SQLITE_OK; i++) {
		sqlite3_stmt *st = db_stmt(db, &stmts[Q_INSERT]);

		if (!st)
			return sqlite3_errcode(db);
		db_bind_u64(st, 1, sl->docs[i].id);
		db_bind_str(st, 2, sl->docs[i].text);
		rc = db_run(st);
	}
	return rc;
}

static int
write_slice(struct storaged *s, sqlite3 *db, const struct slice *sl)
{
	uint64_t stale = atomic_exchange(&s->search->stale, 0);
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = insert_docs(sl, db);
	if (rc == SQLITE_OK)
		rc = DB_RUN(db, &stmts[Q_ADD], sl->upto, sl->n, stale);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		s->search->upto = sl->upto;
	else if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int
search_follow(struct storaged *s, sqlite3 *db, bool *more_r)
{
	struct slice *sl = NEW(struct slice);
	int rc = search_renew(s, db);

	sl->upto = s->search->upto;
	if (rc == SQLITE_OK)
		rc = read_slice(s, sl);
	if (rc == SQLITE_OK && sl->n_read > 0)
		rc = write_slice(s, db, sl);
	*more_r = sl->n_read == SLICE || sl->bytes >= SLICE_BYTES;
	arena_deinit(&sl->arena);
	free(sl);
	return rc;
}

/* ---- from the beginning ---- */

static int
read_state(sqlite3 *db, uint64_t *upto_r, uint64_t *docs_r, uint64_t *stale_r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_GET]);
	int rc = db_row(st);

	if (rc != SQLITE_OK)
		return rc;
	*upto_r = db_column_u64(st, 0);
	*docs_r = db_column_u64(st, 1);
	*stale_r = db_column_u64(st, 2);
	sqlite3_reset(st);
	return SQLITE_OK;
}

int
search_load(struct storaged *s, sqlite3 *db)
{
	uint64_t docs, stale;

	return read_state(db, &s->search->upto, &docs, &stale);
}

static int
begin_again(struct storaged *s, sqlite3 *db)
{
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = db_run(db_stmt(db, &stmts[Q_CLEAR]));
	if (rc == SQLITE_OK)
		rc = db_run(db_stmt(db, &stmts[Q_RESET]));
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		s->search->upto = 0;
	else if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* An index without texts cannot remove single messages. */
int
search_renew(struct storaged *s, sqlite3 *db)
{
	uint64_t upto, docs = 0, stale = 0;
	int rc = read_state(db, &upto, &docs, &stale);

	if (rc != SQLITE_OK)
		return rc;
	stale += atomic_load(&s->search->stale);
	if (stale < STALE_LEAST || stale < docs / STALE_SHARE)
		return rc;
	atomic_store(&s->search->stale, 0);
	return begin_again(s, db);
}

/* ---- questions ---- */

int
search_find(sqlite3 *db, struct str match, const struct tail_range *r, uint64_t *ids_r, size_t most,
    size_t *n_r)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[r->backward ? Q_BACKWARD : Q_FORWARD]);
	int rc = SQLITE_DONE;

	*n_r = 0;
	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, match);
	db_bind_u64(st, 2, r->low);
	db_bind_u64(st, 3, r->high);
	db_bind_u64(st, 4, most);
	while (*n_r < most && (rc = db_step(st)) == SQLITE_ROW)
		ids_r[(*n_r)++] = db_column_u64(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
