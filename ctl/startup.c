/* The first seconds under `up --detach`: whoever started us waits for one byte. When a daemon does not come up, says which
 * and why, and has everything stopped that was started. Owned by the supervisor.
 *
 *   WAITING --all ready--> told 0, detached from the terminal
 *   WAITING --one has died too often, or the deadline--> FAILED --all stopped: startup_free--> told 1 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "supervise.h"

#define DEADLINE_MS 60000

enum startup_state {
	STARTUP_WAITING,
	STARTUP_READY,
	STARTUP_FAILED,
};

struct startup {
	struct supervisor *supervisor;
	enum startup_state state;
	int report_fd;
	struct loop_timer *deadline;
};

static void
tell(struct startup *st, uint8_t status)
{
	if (write(st->report_fd, &status, 1) != 1)
		drain_say(st->supervisor->log, LOG_WARN, "whoever started the suite has not waited");
	close(st->report_fd);
	st->report_fd = -1;
}

/* Nothing of ours may keep the terminal, or a pipe that somebody reads to its end. */
static void
leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static void
explain(const struct child *c)
{
	struct buf lines = {0};

	drain_flush(c->drain);
	drain_last_lines(c->drain, &lines);
	fprintf(stderr, "jackdawctl: %s does not come up%s\n%.*s", c->name,
	    buf_len(&lines) ? "; its last lines:" : " and says nothing", STR_ARG(buf_str(&lines)));
	buf_deinit(&lines);
}

static void
fail(struct startup *st)
{
	struct supervisor *s = st->supervisor;

	st->state = STARTUP_FAILED;
	s->exit_status = 1;
	s->spares_adopted = true;
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->children[i]->state != CHILD_READY)
			explain(s->children[i]);
	supervisor_stop(s, SUPERVISOR_STOPPING);
}

static void
on_deadline(void *ctx)
{
	struct startup *st = ctx;

	if (st->state == STARTUP_WAITING)
		fail(st);
}

struct startup *
startup_new(struct supervisor *s, int report_fd)
{
	struct startup *st = NEW(struct startup);

	*st = (struct startup){.supervisor = s, .report_fd = report_fd};
	st->deadline = loop_timer_new(s->loop, on_deadline, st);
	loop_timer_start(st->deadline, DEADLINE_MS, 0);
	return st;
}

void
startup_free(struct startup **stp)
{
	struct startup *st = *stp;

	if (!st)
		return;
	*stp = NULL;
	if (st->report_fd >= 0)
		tell(st, 1);
	loop_timer_free(&st->deadline);
	free(st);
}

static bool
is_any(const struct supervisor *s, enum child_state state)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->children[i]->state == state)
			return true;
	return false;
}

void
startup_step(struct startup *st)
{
	if (!st || st->state != STARTUP_WAITING)
		return;
	if (is_any(st->supervisor, CHILD_PAUSED)) {
		fail(st);
	} else if (!is_any(st->supervisor, CHILD_STARTING) && !is_any(st->supervisor, CHILD_DOWN)) {
		st->state = STARTUP_READY;
		leave_terminal();
		tell(st, 0);
	}
}
