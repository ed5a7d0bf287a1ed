/* See disk.h. */
#include "disk.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "service/paths.h"

/* ---- what the log says ---- */

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

static struct room_marks
marks_of(const struct storaged *s)
{
	const struct storaged_settings *set = s->daemon->settings;

	return (struct room_marks){.low = (uint64_t)set->disk_warn_megabytes << 20,
	    .tight = (uint64_t)set->disk_archive_megabytes << 20,
	    .none = (uint64_t)set->disk_full_megabytes << 20,
	    .ballast = (uint64_t)set->ballast_megabytes << 20};
}

/* One line each time, with the figures, and what to do. */
static void
tell(const struct storaged *s, unsigned long long room, const char *where)
{
	struct room_marks marks = marks_of(s);

	switch ((enum room_state)s->disk.room.state) {
	case ROOM_ENOUGH:
		log_info("%s: there is room again, %llu MiB", where, room);
		break;
	case ROOM_LOW:
		log_warn(
		    "%s: only %llu MiB are left on this file system; make room, or set archive_days or archive_megabytes: "
		    "below %llu MiB nothing is archived any more",
		    where, room, MIB(marks.tight));
		break;
	case ROOM_TIGHT:
		log_error(
		    "%s: only %llu MiB are left on this file system; nothing is archived until there is room, and below %llu "
		    "MiB nothing is stored",
		    where, room, MIB(marks.none));
		break;
	case ROOM_NONE:
		log_error(
		    "%s: this file system is full (%llu MiB left): offline messages and changes are refused with "
		    "resource-constraint until there is room; who is online can go on",
		    where, room);
		break;
	}
}

static void
on_changed(void *ctx, const struct room_figures *f)
{
	struct storaged *s = ctx;
	char *where;
	uint64_t lost;

	if (s->is_stopping)
		return;
	where = path_data(s->daemon->dir, ROLE_STORAGED);
	tell(s, MIB(f->free), where);
	lost = s->disk.room.state < ROOM_TIGHT ? atomic_exchange(&s->disk.unarchived, 0) : 0;
	if (lost)
		log_warn("%s: %llu messages came while there was no room, and are in no archive",
		    where, (unsigned long long)lost);
	free(where);
}

/* ---- life ---- */

/* The first of those that are held, when none is under way any more that may belong before it; the next when that is done. All at
 * once, one could succeed though what must come before it did not. */
static void
try_again(struct storaged *s)
{
	struct job *job = CONTAINER_OF(s->disk.held.next, struct job, base.link);

	if (s->disk.is_trying || s->disk.n_in_order > 0 || list_empty(&s->disk.held))
		return;
	s->disk.is_trying = true;
	list_remove(&job->base.link);
	job_submit_again(job);
}

static void
on_measured(void *ctx)
{
	struct storaged *s = ctx;

	if (!s->is_stopping)
		try_again(s);
}

static const struct room_events events = {.changed = on_changed, .measured = on_measured};

void
disk_init(struct storaged *s)
{
	room_init(&s->disk.room, &events, s);
	list_init(&s->disk.held);
}

void
disk_start(struct storaged *s)
{
	struct room_marks marks = marks_of(s);

	room_start(&s->disk.room, &marks);
}

void
disk_tick(struct storaged *s)
{
	struct room_marks marks = marks_of(s);

	room_tick(&s->disk.room, s->archive.writer, &marks);
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
	return s->disk.room.state == ROOM_NONE;
}

bool
disk_admits(struct storaged *s, struct msg_STORE *m)
{
	int state = s->disk.room.state;

	if (state < ROOM_TIGHT)
		return true;
	if (m->archive_from || m->archive_to)
		atomic_fetch_add(&s->disk.unarchived, 1);
	m->archive_from = m->archive_to = false;
	return m->owed && state < ROOM_NONE;
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
enter_order(struct storaged *s, struct job *job)
{
	job->base.in_order = true;
	job->base.halts = may_not_fail(job->message->type);
	job->order = ++s->disk.last_order;
	s->disk.n_in_order++;
}

static void
leave_order(struct storaged *s, struct job *job)
{
	if (!job->base.in_order)
		return;
	job->base.in_order = job->base.halts = false;
	s->disk.n_in_order--;
}

static void
hold(struct storaged *s, struct job *job)
{
	struct list *at = s->disk.held.prev;

	leave_order(s, job);
	if (job->is_held)
		s->disk.is_trying = false;
	else
		s->disk.n_held++;
	job->is_held = true;
	/* Two files may tell of theirs in another order than they came in. */
	while (at != &s->disk.held && CONTAINER_OF(at, struct job, base.link)->order > job->order)
		at = at->prev;
	list_add(at->next, &job->base.link);
}

/* It was not run itself, but stood behind one that halted its file. */
static bool
was_behind(const struct storaged *s, const struct job *job)
{
	return is_ordered(job->message->type) && !job->is_held && s->disk.n_held > 0;
}

bool
disk_met_full(struct storaged *s, struct job *job)
{
	room_met_full(&s->disk.room);
	/* The ballast has to go at once; when it is gone, the next tick is soon enough. */
	if (!disk_is_full(s))
		disk_tick(s);
	if (!may_not_fail(job->message->type) && !was_behind(s, job))
		return false;
	hold(s, job);
	return true;
}

bool
disk_holds_back(struct storaged *s, struct job *job)
{
	if (!is_ordered(job->message->type))
		return false;
	enter_order(s, job);
	if (s->disk.n_held == 0)
		return false;
	hold(s, job);
	return true;
}

void
disk_release(struct storaged *s, struct job *job)
{
	leave_order(s, job);
	if (!job->is_held)
		return;
	s->disk.is_trying = false;
	if (--s->disk.n_held == 0) {
		db_writer_go_on(s->archive.writer);
		db_writer_go_on(s->main.writer);
	}
	try_again(s);
}
