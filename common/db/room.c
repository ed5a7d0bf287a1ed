/* See room.h. Figures are taken on the writer's thread, which also makes and gives up the ballast: nothing of that keeps the loop
 * waiting. */
#include "db/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/db.h"

#define DATA "data"
#define BALLAST DATA "/ballast"
#define FULL_MS 5000 /* so long a full disk is not believed to have room again */

static struct db_stmt free_pages_stmt = {.sql = "SELECT f.freelist_count * s.page_size"
						" FROM pragma_freelist_count f, pragma_page_size s"};

void
room_statements_finalize(void)
{
	db_stmts_finalize(&free_pages_stmt, 1);
}

/* ---- what follows from the figures ---- */

/* A mark that was passed is passed back only with a quarter more. */
static uint64_t
mark_of(uint64_t mark, bool is_below)
{
	return is_below ? mark + mark / 4 : mark;
}

/* On the file system, as if the ballast were there. */
static uint64_t
room_outside(const struct room_marks *m, const struct room_figures *f)
{
	uint64_t missing = f->has_ballast ? 0 : m->ballast;

	return f->free > missing ? f->free - missing : 0;
}

enum room_state
room_next(enum room_state now, const struct room_marks *m, const struct room_figures *f)
{
	uint64_t room = room_outside(m, f) + f->reusable;

	if (room < mark_of(m->none, now >= ROOM_NONE))
		return ROOM_NONE;
	if (room < mark_of(m->tight, now >= ROOM_TIGHT))
		return ROOM_TIGHT;
	return room < mark_of(m->low, now >= ROOM_LOW) ? ROOM_LOW : ROOM_ENOUGH;
}

/* ---- figures and ballast, on the writer's thread (at the start: on the loop) ---- */

static uint64_t
free_pages(sqlite3 *db)
{
	sqlite3_stmt *st = db ? db_stmt(db, &free_pages_stmt) : NULL;
	uint64_t bytes = 0;

	if (st && db_step(st) == SQLITE_ROW)
		bytes = db_column_u64(st, 0);
	if (st)
		sqlite3_reset(st);
	return bytes;
}

static bool
ballast_is_there(uint64_t size)
{
	struct stat st;

	return size == 0 || (stat(BALLAST, &st) == 0 && (uint64_t)st.st_size == size);
}

static bool
ballast_make(uint64_t size)
{
	int fd = open(BALLAST, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);

	if (fd >= 0)
		close(fd);
	if (rc != 0)
		unlink(BALLAST);
	return rc == 0;
}

/* Given up below the last mark whatever room there is within the files: their log and what it is checkpointed to lie outside. */
static void
ballast_adjust(struct room_measure *m)
{
	struct room_figures *f = &m->figures;
	uint64_t least = mark_of(m->marks.none, !f->has_ballast || m->now == ROOM_NONE);
	bool has_room = !m->met_full && room_outside(&m->marks, f) >= least;

	if (m->marks.ballast == 0 || !has_room)
		unlink(BALLAST);
	else if (!f->has_ballast)
		f->has_ballast = ballast_make(m->marks.ballast);
	if (m->met_full || (m->now == ROOM_NONE && has_room && !f->has_ballast))
		m->next = ROOM_NONE;
}

static void
measure(struct room_measure *m, sqlite3 *db)
{
	struct statfs fs;

	m->next = m->now;
	if (statfs(DATA, &fs) != 0)
		return;
	m->figures = (struct room_figures){.free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize,
	    .reusable = free_pages(db),
	    .has_ballast = ballast_is_there(m->marks.ballast)};
	m->next = room_next(m->now, &m->marks, &m->figures);
	ballast_adjust(m);
}

static int
measure_run(struct db_job *base, sqlite3 *db)
{
	measure(CONTAINER_OF(base, struct room_measure, base), db);
	return SQLITE_OK;
}

/* ---- on the loop ---- */

static void
measure_prepare(struct room *r, const struct room_marks *marks)
{
	r->measure = (struct room_measure){.marks = *marks,
	    .now = (enum room_state)r->state,
	    .met_full = clock_mono_ms() < r->full_until_ms};
}

static void
enter(struct room *r)
{
	const struct room_measure *m = &r->measure;

	r->state = m->next;
	if (m->next != m->now)
		r->events->changed(r->ctx, &m->figures);
}

static void
measure_done(struct db_job *base, int rc)
{
	struct room *r = CONTAINER_OF(base, struct room, measure.base);

	(void)rc;
	r->is_measuring = false;
	enter(r);
	if (r->events->measured)
		r->events->measured(r->ctx);
}

void
room_init(struct room *r, const struct room_events *events, void *ctx)
{
	*r = (struct room){.state = ROOM_ENOUGH, .events = events, .ctx = ctx};
}

void
room_start(struct room *r, const struct room_marks *marks)
{
	measure_prepare(r, marks);
	measure(&r->measure, NULL);
	enter(r);
}

void
room_tick(struct room *r, struct db_writer *w, const struct room_marks *marks)
{
	if (r->is_measuring)
		return;
	measure_prepare(r, marks);
	r->measure.base.run = measure_run;
	r->measure.base.done = measure_done;
	r->measure.base.is_alone = true;
	r->is_measuring = true;
	db_writer_submit(w, &r->measure.base);
}

void
room_met_full(struct room *r)
{
	r->full_until_ms = clock_mono_ms() + FULL_MS;
}
