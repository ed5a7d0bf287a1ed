/* See disk.h. Figures are taken on the thread of archive.db's writer, which also makes and gives up the ballast: nothing of that
 * keeps the loop waiting. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "service/paths.h"

#define BALLAST "data/ballast"
#define DATA "data"
#define FULL_MS 5000 /* so long a full disk is not believed to have room again */

enum {
	Q_FREE_PAGES,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_FREE_PAGES] = {.sql = "SELECT f.freelist_count * s.page_size"
			     " FROM pragma_freelist_count f, pragma_page_size s"},
};

void
disk_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
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
room_outside(const struct disk_marks *m, const struct disk_figures *f)
{
	uint64_t missing = f->has_ballast ? 0 : m->ballast;

	return f->free > missing ? f->free - missing : 0;
}

enum disk_state
disk_next(enum disk_state now, const struct disk_marks *m, const struct disk_figures *f)
{
	uint64_t room = room_outside(m, f) + f->reusable;

	if (room < mark_of(m->full, now >= DISK_FULL))
		return DISK_FULL;
	if (room < mark_of(m->archive, now >= DISK_TIGHT))
		return DISK_TIGHT;
	return room < mark_of(m->warn, now >= DISK_LOW) ? DISK_LOW : DISK_ROOM;
}

/* ---- figures and ballast, on the writer's thread (at the start: on the loop) ---- */

struct measure {
	struct db_job base;
	struct storaged *storaged;
	struct disk_marks marks;
	enum disk_state now, next;
	bool met_full;
	struct disk_figures figures;
};

static uint64_t
free_pages(sqlite3 *db)
{
	sqlite3_stmt *st = db ? db_stmt(db, &stmts[Q_FREE_PAGES]) : NULL;
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
ballast_adjust(struct measure *w)
{
	struct disk_figures *f = &w->figures;
	uint64_t least = mark_of(w->marks.full, !f->has_ballast || w->now == DISK_FULL);
	bool has_room = !w->met_full && room_outside(&w->marks, f) >= least;

	if (w->marks.ballast == 0 || !has_room)
		unlink(BALLAST);
	else if (!f->has_ballast)
		f->has_ballast = ballast_make(w->marks.ballast);
	if (w->met_full || (w->now == DISK_FULL && has_room && !f->has_ballast))
		w->next = DISK_FULL;
}

static void
measure(struct measure *w, sqlite3 *db)
{
	struct statfs fs;

	w->next = w->now;
	if (statfs(DATA, &fs) != 0)
		return;
	w->figures = (struct disk_figures){.free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize,
	    .reusable = free_pages(db),
	    .has_ballast = ballast_is_there(w->marks.ballast)};
	w->next = disk_next(w->now, &w->marks, &w->figures);
	ballast_adjust(w);
}

static int
measure_run(struct db_job *base, sqlite3 *db)
{
	measure(CONTAINER_OF(base, struct measure, base), db);
	return SQLITE_OK;
}

/* ---- on the loop ---- */

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

/* One line each time, with the figures, and what to do. */
static void
tell(const struct measure *w, const char *where)
{
	unsigned long long room = MIB(w->figures.free);

	switch (w->next) {
	case DISK_ROOM:
		log_info("%s: there is room again, %llu MiB", where, room);
		break;
	case DISK_LOW:
		log_warn(
		    "%s: only %llu MiB are left on this file system; make room, or set archive_days or archive_megabytes: "
		    "below %llu MiB nothing is archived any more",
		    where, room, MIB(w->marks.archive));
		break;
	case DISK_TIGHT:
		log_error(
		    "%s: only %llu MiB are left on this file system; nothing is archived until there is room, and below %llu "
		    "MiB nothing is stored",
		    where, room, MIB(w->marks.full));
		break;
	case DISK_FULL:
		log_error(
		    "%s: this file system is full (%llu MiB left): offline messages and changes are refused with "
		    "resource-constraint until there is room; who is online can go on",
		    where, room);
		break;
	}
}

static void
enter(struct storaged *s, const struct measure *w)
{
	char *where = path_data(s->daemon->dir, ROLE_STORAGED);
	uint64_t lost;

	tell(w, where);
	s->disk.state = w->next;
	lost = w->next < DISK_TIGHT ? atomic_exchange(&s->disk.unarchived, 0) : 0;
	if (lost)
		log_warn("%s: %llu messages came while there was no room, and are in no archive",
		    where, (unsigned long long)lost);
	free(where);
}

/* The first of those that are held; the next when that is done. All at once, one could succeed though what must come before it did
 * not. */
static void
try_again(struct storaged *s)
{
	struct job *job = CONTAINER_OF(s->disk.held.next, struct job, base.link);

	if (s->disk.is_trying || list_empty(&s->disk.held))
		return;
	s->disk.is_trying = true;
	list_remove(&job->base.link);
	job_submit_again(job);
}

static void
measure_done(struct db_job *base, int rc)
{
	struct measure *w = CONTAINER_OF(base, struct measure, base);
	struct storaged *s = w->storaged;

	(void)rc;
	s->disk.is_measuring = false;
	if (!s->is_stopping) {
		if (w->next != w->now)
			enter(s, w);
		try_again(s);
	}
	free(w);
}

static void
measure_prepare(struct measure *w, struct storaged *s)
{
	const struct storaged_settings *set = s->daemon->settings;

	w->storaged = s;
	w->marks = (struct disk_marks){.warn = (uint64_t)set->disk_warn_megabytes << 20,
	    .archive = (uint64_t)set->disk_archive_megabytes << 20,
	    .full = (uint64_t)set->disk_full_megabytes << 20,
	    .ballast = (uint64_t)set->ballast_megabytes << 20};
	w->now = (enum disk_state)s->disk.state;
	w->met_full = clock_mono_ms() < s->disk.full_until_ms;
}

void
disk_start(struct storaged *s)
{
	struct measure w = {.next = DISK_ROOM};

	measure_prepare(&w, s);
	measure(&w, NULL);
	if (w.next != w.now)
		enter(s, &w);
}

void
disk_tick(struct storaged *s)
{
	struct measure *w;

	if (s->disk.is_measuring)
		return;
	w = NEW(struct measure);
	measure_prepare(w, s);
	w->base.run = measure_run;
	w->base.done = measure_done;
	w->base.is_alone = true;
	s->disk.is_measuring = true;
	db_writer_submit(s->archive.writer, &w->base);
}

void
disk_stop(struct storaged *s)
{
	while (!list_empty(&s->disk.held)) {
		struct job *job = CONTAINER_OF(s->disk.held.next, struct job, base.link);

		list_remove(&job->base.link);
		job_abandon(job);
	}
}

/* ---- what may be written ---- */

bool
disk_is_full(const struct storaged *s)
{
	return s->disk.state == DISK_FULL;
}

bool
disk_admits(struct storaged *s, struct msg_STORE *m)
{
	int state = s->disk.state;

	if (state < DISK_TIGHT)
		return true;
	if (m->archive_from || m->archive_to)
		atomic_fetch_add(&s->disk.unarchived, 1);
	m->archive_from = m->archive_to = false;
	return m->owed && state < DISK_FULL;
}

/* What is acknowledged without an answer, so that nobody learns of it if it is not done; and a claim, whose refusal is the end of a
 * session. */
static bool
may_not_fail(enum msg_type t)
{
	return t == MSG_DETACH || t == MSG_CLAIM || t == MSG_DROP || t == MSG_OWED_DROP;
}

/* What means another thing before or behind one of those. */
static bool
is_ordered(enum msg_type t)
{
	return may_not_fail(t) || t == MSG_LOAD || t == MSG_USER_ERASE || t == MSG_OWED_FETCH;
}

static void
hold(struct storaged *s, struct job *job)
{
	if (job->is_held) {
		/* It was tried again: still the first. */
		s->disk.is_trying = false;
		list_add(s->disk.held.next, &job->base.link);
		return;
	}
	s->disk.n_held++;
	job->is_held = true;
	list_add(&s->disk.held, &job->base.link);
}

bool
disk_met_full(struct storaged *s, struct job *job)
{
	s->disk.full_until_ms = clock_mono_ms() + FULL_MS;
	/* The ballast has to go at once; when it is gone, the next tick is soon enough. */
	if (!disk_is_full(s))
		disk_tick(s);
	if (!may_not_fail(job->message->type))
		return false;
	hold(s, job);
	return true;
}

bool
disk_holds_back(struct storaged *s, struct job *job)
{
	if (s->disk.n_held == 0 || !is_ordered(job->message->type))
		return false;
	hold(s, job);
	return true;
}

void
disk_release(struct storaged *s)
{
	s->disk.n_held--;
	s->disk.is_trying = false;
	try_again(s);
}
