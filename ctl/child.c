/* See child.h. Owned by the supervisor (supervise.c).
 *
 *   DOWN --child_start--> STARTING --READY=1: child_is_ready--> READY
 *   DOWN --child_adopt--> READY
 *   STARTING, READY --child_died--> STARTING (started again at once)
 *   STARTING, READY --child_died too often--> PAUSED --on_timer--> STARTING
 *   STARTING, READY --child_stop, child_restart--> STOPPING --child_died--> DOWN, or STARTING when wanted
 *   PAUSED --child_stop--> DOWN
 *
 * enter() is the only function that assigns the state. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "ping.h"

#define STOP_MS 10000
#define SILENCE_MS 15000
#define START_SILENCE_MS 120000 /* recovering a store or a sanitizer's start may take long */

static void on_timer(void *ctx);

const char *
child_state_name(enum child_state s)
{
	static const char *const names[] = {[CHILD_DOWN] = "down",
	    [CHILD_STARTING] = "starting",
	    [CHILD_READY] = "ready",
	    [CHILD_PAUSED] = "paused",
	    [CHILD_STOPPING] = "stopping"};

	return names[s];
}

static void
enter(struct child *c, enum child_state state)
{
	c->state = state;
	c->host->changed(c->host->ctx);
}

struct child *
child_new(const struct child_host *host, const struct program *program, unsigned instance,
    struct err *err)
{
	struct child *c = NEW(struct child);

	c->host = host;
	c->program = program;
	c->instance = instance;
	c->pid_fd = -1;
	program_instance_name(program, instance, c->name, sizeof(c->name));
	c->drain = drain_new(host->loop, &host->place, c->name, program->name, err);
	if (!c->drain) {
		free(c);
		return NULL;
	}
	c->timer = loop_timer_new(host->loop, on_timer, c);
	return c;
}

/* What only an adopted one has. */
static void
forget_adoption(struct child *c)
{
	ping_free(&c->ping);
	if (c->pid_watch)
		loop_watch_free(&c->pid_watch);
	if (c->pid_fd >= 0)
		close(c->pid_fd);
	c->pid_fd = -1;
	c->adopted = false;
}

void
child_free(struct child **cp)
{
	struct child *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	forget_adoption(c);
	loop_timer_free(&c->timer);
	drain_free(&c->drain);
	free(c);
}

static void
pause_child(struct child *c, uint64_t pause_ms)
{
	loop_timer_start(c->timer, pause_ms, 0);
	enter(c, CHILD_PAUSED);
}

static void
start(struct child *c)
{
	struct err err;

	drain_forget(c->drain);
	c->started_ms = c->alive_ms = loop_now_ms(c->host->loop);
	c->pid = c->host->spawn(c->host->ctx, c, &err);
	if (c->pid > 0) {
		enter(c, CHILD_STARTING);
		return;
	}
	c->pid = 0;
	drain_say(c->drain, LOG_ERROR, "%s", err.text);
	restarts_after_death(&c->restarts, c->started_ms, c->started_ms);
	pause_child(c, RESTARTS_PAUSE_MIN_MS);
}

void
child_start(struct child *c)
{
	c->wanted = true;
	if (c->state == CHILD_PAUSED)
		loop_timer_stop(c->timer);
	if (c->state == CHILD_DOWN || c->state == CHILD_PAUSED)
		start(c);
}

static void
on_pid(void *ctx, int events)
{
	(void)events;
	child_died(ctx, -1);
}

static void
on_ping(void *ctx)
{
	child_is_alive(ctx);
}

static int
ping_connect(void *ctx)
{
	struct child *c = ctx;

	return c->host->connect(c->host->ctx, c);
}

bool
child_adopt(struct child *c, pid_t pid)
{
	c->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pid_fd < 0)
		return false;
	c->adopted = c->wanted = true;
	c->pid = pid;
	c->started_ms = c->alive_ms = loop_now_ms(c->host->loop);
	c->pid_watch = loop_watch_new(c->host->loop, c->pid_fd, on_pid, c);
	loop_watch_set(c->pid_watch, LOOP_READ);
	/* Its READY=1 and WATCHDOG=1 go to the socket of a supervisor that is no more: it is asked instead. */
	c->ping = ping_new(c->host->loop, ping_connect, on_ping, c);
	enter(c, CHILD_READY);
	return true;
}

/* The number of an adopted one may be another process's by now, its descriptor never is. */
static int
send_signal(const struct child *c, int signo)
{
	if (c->adopted)
		return (int)syscall(SYS_pidfd_send_signal, c->pid_fd, signo, NULL, 0);
	return kill(c->pid, signo);
}

void
child_kill(struct child *c)
{
	if (c->pid > 0)
		send_signal(c, SIGKILL);
}

static void
begin_stop(struct child *c)
{
	if (send_signal(c, SIGTERM) != 0 && errno != ESRCH)
		drain_say(c->host->log, LOG_ERROR, "cannot stop %s: %s", c->name, strerror(errno));
	loop_timer_start(c->timer, STOP_MS, 0);
	enter(c, CHILD_STOPPING);
}

void
child_stop(struct child *c)
{
	c->wanted = false;
	switch (c->state) {
	case CHILD_STARTING:
	case CHILD_READY:
		begin_stop(c);
		break;
	case CHILD_PAUSED:
		loop_timer_stop(c->timer);
		enter(c, CHILD_DOWN);
		break;
	case CHILD_DOWN:
	case CHILD_STOPPING:
		break;
	}
}

void
child_restart(struct child *c)
{
	memset(&c->restarts, 0, sizeof(c->restarts));
	if (c->state == CHILD_STARTING || c->state == CHILD_READY)
		begin_stop(c);
	child_start(c);
}

static void
on_timer(void *ctx)
{
	struct child *c = ctx;

	if (c->state == CHILD_STOPPING) {
		drain_say(c->host->log, LOG_WARN, "%s did not end within %d s; killed", c->name,
		    STOP_MS / 1000);
		child_kill(c);
	} else {
		start(c);
	}
}

static void
describe_end(int status, char *out, size_t cap)
{
	if (status == -1)
		snprintf(out, cap, "ended");
	else if (WIFSIGNALED(status))
		snprintf(out, cap, "was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(out, cap, "ended with status %d", WEXITSTATUS(status));
}

/* Nobody asked for it. */
static void
start_again(struct child *c, int status)
{
	char how[64];
	uint64_t now_ms = loop_now_ms(c->host->loop);
	uint64_t pause_ms = restarts_after_death(&c->restarts, c->started_ms, now_ms);

	describe_end(status, how, sizeof(how));
	c->n_restarts++;
	if (pause_ms == 0) {
		drain_say(c->host->log, LOG_WARN, "%s %s; started again", c->name, how);
		start(c);
		return;
	}
	drain_say(c->host->log, LOG_ERROR,
	    "%s %s, for the %uth time in short order; next start in %u s", c->name, how,
	    c->restarts.deaths, (unsigned)(pause_ms / 1000));
	pause_child(c, pause_ms);
}

void
child_died(struct child *c, int status)
{
	bool was_asked = c->state == CHILD_STOPPING;

	forget_adoption(c);
	drain_flush(c->drain);
	loop_timer_stop(c->timer);
	c->pid = 0;
	if (!was_asked)
		start_again(c, status);
	else if (c->wanted)
		start(c);
	else
		enter(c, CHILD_DOWN);
}

void
child_is_ready(struct child *c)
{
	child_is_alive(c);
	if (c->state == CHILD_STARTING)
		enter(c, CHILD_READY);
}

void
child_is_alive(struct child *c)
{
	c->alive_ms = loop_now_ms(c->host->loop);
}

void
child_check(struct child *c)
{
	uint64_t silent_ms = loop_now_ms(c->host->loop) - c->alive_ms;
	uint64_t allowed_ms = c->state == CHILD_STARTING ? START_SILENCE_MS : SILENCE_MS;

	if ((c->state != CHILD_STARTING && c->state != CHILD_READY) || silent_ms < allowed_ms)
		return;
	drain_say(c->host->log, LOG_ERROR, "%s has shown no sign of life for %u s; killed", c->name,
	    (unsigned)(silent_ms / 1000));
	child_is_alive(c);
	child_kill(c);
}
