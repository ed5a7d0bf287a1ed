/* See run.h. One ride is under way at a time; its cursor counts only when its batch is committed, so a rollback rides
 * again from where it was. */
#include "run.h"

#include <stdlib.h>

#include "base/archive_id.h"
#include "base/clock.h"
#include "base/mem.h"
#include "horizon.h"
#include "row.h"
#include "search.h"

#define ROWS_PER_MESSAGE \
	6              /* five belong to one; more, so that a run ends before the next is full */
#define RIDE_MAX 1536  /* rows of one batch: 256 messages */
#define RIDE_IDLE 1024 /* rows a second when nothing comes in */
#define IDLE_MS 600000 /* so long messages may wait in memory */

enum {
	Q_ENTRY,
	Q_UID,
	Q_INDEXED,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_ENTRY] = {.sql = "INSERT INTO entry(owner, peer, id) VALUES(?1, ?2, ?3)"
			" ON CONFLICT DO NOTHING"},
    [Q_UID] = {.sql = "INSERT INTO uid(tag, id) VALUES(?1, ?2) ON CONFLICT DO NOTHING"},
    [Q_INDEXED] = {.sql = "UPDATE state SET value = ?1 WHERE key = 'indexed_upto'"},
};

void
run_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* ---- start ---- */

int
run_load(struct storaged *s, sqlite3 *db, struct err *err)
{
	struct db_stmt upto = {.sql = "SELECT value FROM state WHERE key = 'indexed_upto'"};
	struct db_stmt rows = {.sql = "SELECT id, src, dst, flags, origin, n FROM message"
				      " WHERE id > ?1 ORDER BY id"};
	sqlite3_stmt *st = db_stmt(db, &upto);
	uint64_t indexed = st && db_step(st) == SQLITE_ROW ? db_column_u64(st, 0) : 0;
	int rc;

	s->tail = tail_new(indexed);
	st = db_stmt(db, &rows);
	if (st)
		db_bind_u64(st, 1, indexed);
	while ((rc = db_step(st)) == SQLITE_ROW) {
		struct id128 origin = db_column_id(st, 4);
		struct archived m = {.id = db_column_u64(st, 0),
		    .src = db_column_u64(st, 1),
		    .dst = db_column_u64(st, 2)};
		int flags = sqlite3_column_int(st, 3);
		struct id128 id = archive_id(&origin, db_column_u64(st, 5), (struct str){0});

		m.for_src = flags & FLAG_FROM;
		m.for_dst = flags & FLAG_TO;
		m.tag = archive_id_tag(&id);
		if (m.for_src || m.for_dst)
			tail_add(s->tail, &m);
	}
	db_stmts_finalize(&upto, 1);
	db_stmts_finalize(&rows, 1);
	return rc == SQLITE_DONE ? 0
				 : err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(db));
}

/* ---- riding, on the writer's thread ---- */

static int
compare_owners(const void *a, const void *b)
{
	const struct tail_owner *x = *(struct tail_owner *const *)a,
				*y = *(struct tail_owner *const *)b;

	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

static int
compare_peers(const void *a, const void *b)
{
	const struct tail_entry *x = a, *y = b;

	if (x->peer != y->peer)
		return x->peer < y->peer ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int
compare_tags(const void *a, const void *b)
{
	const struct tail_tag *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static size_t
n_owners(const struct run *run)
{
	return HASH_COUNT(run->owners);
}

static void
order_owners(struct run *run)
{
	size_t n = 0;

	run->order = mem_new_array(n_owners(run) + 1, sizeof(struct tail_owner *));
	for (struct tail_owner *o = run->owners; o; o = o->hh.next)
		run->order[n++] = o;
	qsort(run->order, n, sizeof(struct tail_owner *), compare_owners);
}

static void
order_peers(struct tail_owner *o)
{
	o->by_peer = mem_dup(o->v, o->n * sizeof(*o->v));
	qsort(o->by_peer, o->n, sizeof(*o->v), compare_peers);
}

/* The next entry of an owner: first those of peer 0, which are in order, then those by peer. */
static int
ride_owner(struct storaged *s, sqlite3 *db, struct tail_owner *o, size_t at)
{
	const struct tail_entry *e;

	if (at >= o->n && !o->by_peer)
		order_peers(o);
	e = at < o->n ? &o->v[at] : &o->by_peer[at - o->n];
	/* What is gone for this one alone gets into the index all the same: the sweep takes it from there, with its message. */
	if (e->id <= horizon_of_all(s->horizons))
		return SQLITE_OK;
	return DB_RUN(db, &stmts[Q_ENTRY], o->owner, at < o->n ? 0 : e->peer, e->id);
}

static int
ride_entry(struct storaged *s, sqlite3 *db, const struct run *run, struct ride_cursor *c)
{
	struct tail_owner *o;
	int rc;

	if (c->group == n_owners(run)) {
		*c = (struct ride_cursor){.has_entries = true};
		return SQLITE_OK;
	}
	o = run->order[c->group];
	rc = ride_owner(s, db, o, c->at);
	if (++c->at == 2 * o->n) {
		c->group++;
		c->at = 0;
	}
	return rc;
}

static int
ride_finish(sqlite3 *db, const struct run *run, struct ride_cursor *c)
{
	c->is_complete = true;
	return DB_RUN(db, &stmts[Q_INDEXED], run->end);
}

static int
ride_tag(sqlite3 *db, struct run *run, struct ride_cursor *c)
{
	struct tail_tags *b = &run->tags[c->group];
	int rc = SQLITE_OK;

	if (c->at < b->n) {
		const struct tail_tag *t = &b->sorted[c->at++];

		rc = DB_RUN(db, &stmts[Q_UID], t->tag, t->id);
	}
	if (c->at >= b->n && ++c->group == RUN_TAGS && rc == SQLITE_OK)
		return ride_finish(db, run, c);
	if (c->at >= b->n)
		c->at = 0;
	return rc;
}

/* A bucket is sorted when it is reached, as a copy: readers look into the other. */
static void
order_tags(struct tail_tags *b)
{
	if (b->sorted || b->n == 0)
		return;
	b->sorted = mem_dup(b->v, b->n * sizeof(*b->v));
	qsort(b->sorted, b->n, sizeof(*b->v), compare_tags);
}

int
run_ride(struct storaged *s, sqlite3 *db, struct run *run, struct ride_cursor *c, size_t most)
{
	int rc = SQLITE_OK;

	if (!run->order)
		order_owners(run);
	while (most-- > 0 && rc == SQLITE_OK && !c->is_complete) {
		if (!c->has_entries) {
			rc = ride_entry(s, db, run, c);
		} else {
			order_tags(&run->tags[c->group]);
			rc = ride_tag(db, run, c);
		}
	}
	return rc;
}

/* ---- pacing, on the loop ---- */

struct ride {
	struct db_job base;
	struct storaged *s;
	struct run *run;
	struct ride_cursor from, upto;
	size_t most;
};

static void pace(struct storaged *s);

static int
ride_run(struct db_job *base, sqlite3 *db)
{
	struct ride *r = CONTAINER_OF(base, struct ride, base);

	r->upto = r->from;
	return run_ride(r->s, db, r->run, &r->upto, r->most);
}

static void
ride_done(struct db_job *base, int rc)
{
	struct ride *r = CONTAINER_OF(base, struct ride, base);
	struct storaged *s = r->s;

	s->runs.is_riding = false;
	if (rc == SQLITE_OK)
		s->runs.cursor = r->upto;
	free(r);
	if (s->runs.cursor.is_complete) {
		tail_retire(s->tail);
		s->runs.cursor = (struct ride_cursor){.group = 0};
	}
	pace(s);
}

static void
ride(struct storaged *s, size_t rows)
{
	struct ride *r = NEW(struct ride);

	r->base.run = ride_run;
	r->base.done = ride_done;
	r->s = s;
	r->run = tail_frozen(s->tail);
	r->from = s->runs.cursor;
	r->most = rows < RIDE_MAX ? rows : RIDE_MAX;
	s->runs.is_riding = true;
	s->runs.owed_rows = 0;
	db_writer_submit(s->archive.writer, &r->base);
}

static void
pace(struct storaged *s)
{
	const struct run *young = tail_young(s->tail);

	/* While the files are being closed there is nobody to ride with; on a full disk there is no room. */
	if (!s->archive.open || s->is_stopping || disk_is_full(s))
		return;
	if (!tail_frozen(s->tail) && young &&
	    (young->n_messages >= s->runs.size || young->from < s->runs.hurry_upto))
		tail_freeze(s->tail);
	if (tail_frozen(s->tail) && !s->runs.is_riding && s->runs.owed_rows > 0)
		ride(s, s->runs.owed_rows);
}

void
run_add(struct storaged *s, const struct archived *m)
{
	tail_add(s->tail, m);
	search_touch(s);
	s->runs.owed_rows += ROWS_PER_MESSAGE;
	pace(s);
}

void
run_tick(struct storaged *s)
{
	const struct run *young = tail_young(s->tail);

	if (!tail_frozen(s->tail) && young && clock_mono_ms() - young->began_ms > IDLE_MS)
		tail_freeze(s->tail);
	if (s->runs.owed_rows < RIDE_IDLE)
		s->runs.owed_rows = RIDE_IDLE;
	pace(s);
}
