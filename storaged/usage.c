/* See usage.h. */
#include "usage.h"

#include <stdlib.h>

#include "base/jid.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"

#define SLICE 2000 /* rows of one answer: so at most as many domains as it may have */

enum {
	Q_ROWS,
	Q_PAGES,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_ROWS] = {.sql = "SELECT m.id, m.flags, m.src, m.dst, s.bare, d.bare, length(m.payload)"
		       " FROM message m" ROW_JOINS " WHERE m.id > ?1 ORDER BY m.id LIMIT ?2"},
    [Q_PAGES] = {.sql = "SELECT (c.page_count - f.freelist_count) * s.page_size"
			" FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s"},
};

void
usage_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* ---- the walk ---- */

/* The domain of one side, if it has the message in its archive. */
static struct str
domain_of_side(struct storaged *s, sqlite3_stmt *st, int flag, int owner, int bare)
{
	struct str address = db_column_str(st, bare);

	if (!(sqlite3_column_int(st, 1) & flag) ||
	    db_column_u64(st, 0) <= horizon_of(s->horizons, db_column_u64(st, owner), address))
		return (struct str){0};
	return jid_split(address).domain;
}

static void
look_at(struct storaged *s, sqlite3_stmt *st, usage_fn *fn, void *ctx)
{
	struct str from = domain_of_side(s, st, FLAG_FROM, 2, 4),
		   to = domain_of_side(s, st, FLAG_TO, 3, 5);
	uint64_t id = db_column_u64(st, 0), bytes = db_column_u64(st, 6) + USAGE_OVERHEAD;

	if (from.n > 0)
		fn(ctx, from, id, bytes);
	if (to.n > 0 && !str_eq(from, to))
		fn(ctx, to, id, bytes);
}

int
usage_walk(struct storaged *s, sqlite3 *db, uint64_t *upto, unsigned most, usage_fn *fn, void *ctx)
{
	sqlite3_stmt *st = DB_STMT(db, &stmts[Q_ROWS], *upto, most);
	unsigned n = 0;
	int rc = SQLITE_DONE;

	if (!st)
		return sqlite3_errcode(db);
	while (n < most && (rc = db_step(st)) == SQLITE_ROW) {
		look_at(s, st, fn, ctx);
		*upto = db_column_u64(st, 0);
		n++;
	}
	sqlite3_reset(st);
	return rc;
}

/* ---- for the operator ---- */

struct usage {
	struct str domain;
	uint64_t messages, bytes, oldest;
	UT_hash_handle hh;
};

struct count {
	struct arena *arena;
	struct usage *by_domain; /* uthash; in the arena but for its table. At most two for each row. */
	uint32_t n;
};

static void
count_one(void *ctx, struct str domain, uint64_t id, uint64_t bytes)
{
	struct count *c = ctx;
	struct usage *u;

	HASH_FIND(hh, c->by_domain, domain.p, domain.n, u);
	if (!u) {
		u = arena_alloc(c->arena, sizeof(*u));
		*u = (struct usage){.domain = arena_str(c->arena, domain), .oldest = id};
		HASH_ADD_KEYPTR(hh, c->by_domain, u->domain.p, u->domain.n, u);
		c->n++;
	}
	u->messages++;
	u->bytes += bytes;
}

/* Moves what was counted into the answer. */
static struct bus_list
list_of(struct count *c)
{
	struct rec_archive_usage *items = arena_alloc(c->arena, (c->n + 1) * sizeof(*items));
	uint32_t n = 0;

	for (struct usage *u = c->by_domain; u; u = u->hh.next)
		items[n++] = (struct rec_archive_usage){.domain = u->domain,
		    .messages = u->messages,
		    .bytes = u->bytes,
		    .oldest_us = (int64_t)u->oldest};
	HASH_CLEAR(hh, c->by_domain);
	return (struct bus_list){.items = items, .count = n};
}

static uint64_t
file_bytes(sqlite3 *db)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_PAGES]);
	uint64_t bytes = st && db_step(st) == SQLITE_ROW ? db_column_u64(st, 0) : 0;

	if (st)
		sqlite3_reset(st);
	return bytes;
}

int
archive_stats(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ARCHIVE_STATS_GET *m = msg;
	struct msg_ARCHIVE_STATS *answer = &job->answer.stats;
	struct count c = {.arena = &job->arena};
	uint64_t upto = m->after;
	int rc = usage_walk(job->storaged, db, &upto, SLICE, count_one, &c);

	*answer = (struct msg_ARCHIVE_STATS){.more = rc == SQLITE_ROW,
	    .last = upto,
	    .file_bytes = file_bytes(db),
	    .domains = list_of(&c)};
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? job_answer(job, MSG_ARCHIVE_STATS) : rc;
}
