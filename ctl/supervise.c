/* The supervisor: see supervise.h. Owns the children, the listeners that they share, and the three ways in: signals,
 * sd_notify, supervisor.sock. Everything runs on one loop; nothing here waits, but asking a program for its listeners.
 *
 *   RUNNING --SIGINT, SIGTERM, `down`, a failed startup--> STOPPING --all down--> STOPPED
 *   RUNNING --`restart`--> RESTARTING --all down, planned anew--> RUNNING
 *
 * Stopping goes from the last child to the first, each only when the one behind it has ended. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/paths.h"
#include "spawn.h"
#include "suite.h"
#include "tool.h"

#define WATCHDOG_MS 1000
#define LATE_MS 5000 /* the supervisor itself was stopped for a while */

/* ---- children ---- */

static struct child *
find_pid(const struct supervisor *s, pid_t pid)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->children[i]->pid == pid)
			return s->children[i];
	return NULL;
}

static bool
has_adopted(const struct supervisor *s, const struct program *p)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->children[i]->program == p && s->children[i]->adopted)
			return true;
	return false;
}

static pid_t
on_spawn(void *ctx, const struct child *c, struct err *err)
{
	struct supervisor *s = ctx;
	const struct program *p = c->program;
	struct tool_argv argv;
	struct spawn spawn = {.log_fd = drain_fd(c->drain), .notify = notify_address(s->notify)};

	/* Those of an adopted daemon went with the supervisor before us. */
	if (p->listens && !listeners_have(s->listeners, p) &&
	    listeners_refresh(s->listeners, s->ctl, p, has_adopted(s, p), err) != 0)
		return -1;
	spawn.n_listen_fds = listeners_of(s->listeners, p, &spawn.listen_fds, &spawn.listen_names);
	tool_argv_instance(&argv, s->ctl, p, c->instance);
	spawn.argv = argv.v;
	pid_t pid = spawn_daemon(&spawn, err);
	tool_argv_deinit(&argv);
	return pid;
}

static void
on_changed(void *ctx)
{
	struct supervisor *s = ctx;

	loop_again(s->loop);
}

static int
on_connect(void *ctx, const struct child *c)
{
	struct supervisor *s = ctx;

	return suite_control_connect(s->ctl, c->program, c->instance, SOCK_NONBLOCK);
}

static void
on_notify(void *ctx, pid_t pid, enum notify_kind kind)
{
	struct child *c = find_pid(ctx, pid);

	if (!c)
		return;
	if (kind == NOTIFY_READY)
		child_is_ready(c);
	else
		child_is_alive(c);
}

static void
free_children(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++)
		child_free(&s->children[i]);
	free(s->children);
	s->children = NULL;
	s->n_children = 0;
}

static int
make_children(struct supervisor *s, struct err *err)
{
	s->children = mem_new_array(PROGRAM_INSTANCES_MAX, sizeof(struct child *));
	for (const struct program *p = programs; p->name; p++) {
		unsigned n = program_instances(p, s->ctl);

		for (unsigned i = 0; i < n; i++) {
			struct child *c = child_new(&s->host, p, i, err);
			if (!c)
				return -1;
			s->children[s->n_children++] = c;
		}
	}
	return 0;
}

/* What an earlier supervisor has left running goes on. */
static unsigned
adopt_children(struct supervisor *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = s->children[i];
		pid_t pid = suite_running(s->ctl, c->program, c->instance);

		n += pid > 0 && child_adopt(c, pid);
	}
	return n;
}

static void
start_children(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->children[i]->state == CHILD_DOWN)
			child_start(s->children[i]);
}

/* ---- all of them ---- */

/* The last one that still runs is asked to end; those before it wait. True: none runs. */
static bool
stop_next(struct supervisor *s)
{
	for (unsigned i = s->n_children; i-- > 0;) {
		struct child *c = s->children[i];

		if (c->adopted && s->spares_adopted)
			continue;
		child_stop(c);
		if (c->state != CHILD_DOWN)
			return false;
	}
	return true;
}

/* Where no process of ours has them already. */
static int
open_listeners(struct supervisor *s, struct err *err)
{
	for (const struct program *p = programs; p->name; p++)
		if (p->listens && program_instances(p, s->ctl) > 0 && !has_adopted(s, p) &&
		    listeners_refresh(s->listeners, s->ctl, p, false, err) != 0)
			return -1;
	return 0;
}

/* Instances, listeners and settings may be others now; a broken file has been refused before anything was stopped. */
static void
plan_anew(struct supervisor *s)
{
	struct err err;

	free_children(s);
	s->state = SUPERVISOR_RUNNING;
	if (suite_load(s->ctl, &err) == 0 && make_children(s, &err) == 0 &&
	    open_listeners(s, &err) == 0) {
		start_children(s);
		return;
	}
	drain_say(s->log, LOG_ERROR, "cannot start again: %s", err.text);
	s->exit_status = 1;
	supervisor_stop(s, SUPERVISOR_STOPPING);
}

/* Once per turn, never from within a child's own function: children may be freed here. */
static void
on_turn(void *ctx)
{
	struct supervisor *s = ctx;
	bool is_ending = s->state == SUPERVISOR_STOPPING || s->state == SUPERVISOR_RESTARTING;

	if (is_ending && stop_next(s)) {
		if (s->state == SUPERVISOR_RESTARTING) {
			plan_anew(s);
		} else {
			s->state = SUPERVISOR_STOPPED;
			drain_say(s->log, LOG_INFO, "all daemons have ended");
			loop_stop(s->loop);
		}
	}
	startup_step(s->startup);
	verbs_step(s->verbs);
}

void
supervisor_stop(struct supervisor *s, enum supervisor_state how)
{
	if (s->state != SUPERVISOR_RUNNING && how != SUPERVISOR_STOPPING)
		return;
	s->state = how;
	loop_again(s->loop);
}

bool
supervisor_means(const struct child *c, struct str name)
{
	return str_is(name, c->name) || str_is(name, c->program->name);
}

static void
do_one(struct child *c, enum one_verb verb)
{
	switch (verb) {
	case ONE_START:
		child_start(c);
		break;
	case ONE_STOP:
		child_stop(c);
		break;
	case ONE_RESTART:
		child_restart(c);
		break;
	}
}

int
supervisor_do(struct supervisor *s, enum one_verb verb, struct str name, struct err *err)
{
	const struct program *p = NULL;
	struct err refused;

	for (unsigned i = 0; i < s->n_children; i++)
		if (supervisor_means(s->children[i], name))
			p = s->children[i]->program;
	if (!p)
		return err_set(err, "there is no daemon %.*s here", STR_ARG(name));
	/* If that fails the daemon itself will say why. */
	if (verb != ONE_STOP && p->listens && listeners_have(s->listeners, p) &&
	    listeners_refresh(s->listeners, s->ctl, p, has_adopted(s, p), &refused) != 0)
		drain_say(s->log, LOG_WARN, "%s", refused.text);
	for (unsigned i = 0; i < s->n_children; i++)
		if (supervisor_means(s->children[i], name))
			do_one(s->children[i], verb);
	return 0;
}

/* ---- signals ---- */

static void
on_stop_signal(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->n_interrupts++ > 0) {
		drain_say(s->log, LOG_WARN, "asked again to stop: what still runs is killed");
		for (unsigned i = 0; i < s->n_children; i++)
			child_kill(s->children[i]);
	}
	supervisor_stop(s, SUPERVISOR_STOPPING);
}

/* The terminal is gone; detached there is none. */
static void
on_hangup(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->in_foreground)
		supervisor_stop(s, SUPERVISOR_STOPPING);
}

static void
on_reopen(void *ctx)
{
	struct supervisor *s = ctx;

	drain_reopen(s->log);
	for (unsigned i = 0; i < s->n_children; i++)
		drain_reopen(s->children[i]->drain);
}

static void
on_child(void *ctx)
{
	struct supervisor *s = ctx;
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct child *c = find_pid(s, pid);
		if (c)
			child_died(c, status);
	}
	loop_again(s->loop);
}

static void
on_watchdog(void *ctx)
{
	struct supervisor *s = ctx;
	uint64_t now_ms = loop_now_ms(s->loop);
	bool is_late = now_ms - s->watchdog_ms > LATE_MS;

	s->watchdog_ms = now_ms;
	notify_flush(s->notify);
	for (unsigned i = 0; i < s->n_children; i++) {
		if (is_late)
			child_is_alive(s->children[i]);
		child_check(s->children[i]);
	}
}

/* ---- life ---- */

static void
watch(struct supervisor *s)
{
	static const struct {
		int signo;
		loop_fn *fn;
	} signals[] = {{SIGINT, on_stop_signal}, {SIGTERM, on_stop_signal}, {SIGHUP, on_hangup},
	    {SIGUSR1, on_reopen}, {SIGCHLD, on_child}};

	_Static_assert(COUNT(signals) == COUNT(((struct supervisor *)0)->signals), "one place each");
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < COUNT(signals); i++)
		s->signals[i] = loop_signal_new(s->loop, signals[i].signo, signals[i].fn, s);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	s->watchdog_ms = loop_now_ms(s->loop);
	loop_timer_start(s->watchdog, WATCHDOG_MS, WATCHDOG_MS);
}

static int
open_log(struct supervisor *s, struct err *err)
{
	char *path = path_log(s->ctl->dir);

	s->log_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->log_dir < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	free(path);
	return s->log_dir < 0 ? -1 : 0;
}

static int
prepare(struct supervisor *s, struct err *err)
{
	struct ctl *ctl = s->ctl;

	if (open_log(s, err) != 0)
		return -1;
	s->host = (struct child_host){.loop = s->loop,
	    .place = {.run_dir = ctl->run_dir, .log_dir = s->log_dir, .on_screen = s->in_foreground},
	    .spawn = on_spawn,
	    .changed = on_changed,
	    .connect = on_connect,
	    .ctx = s};
	s->log = s->host.log =
	    drain_new(s->loop, &s->host.place, SUPERVISOR_NAME, SUPERVISOR_NAME, err);
	s->notify =
	    s->log ? notify_new(s->loop, ctl->run_dir, ctl->run_path, on_notify, s, err) : NULL;
	s->listeners = listeners_new();
	if (!s->notify || make_children(s, err) != 0)
		return -1;
	unsigned n = adopt_children(s);
	if (n > 0)
		drain_say(s->log, LOG_INFO, "%u of %u daemons run already and are adopted", n,
		    s->n_children);
	if (open_listeners(s, err) != 0)
		return -1;
	s->verbs = verbs_new(s, err);
	return s->verbs ? 0 : -1;
}

static void
finish(struct supervisor *s)
{
	verbs_free(&s->verbs);
	free_children(s);
	startup_free(&s->startup);
	listeners_free(&s->listeners);
	notify_free(&s->notify);
	drain_free(&s->log);
	if (s->watchdog)
		loop_timer_free(&s->watchdog);
	for (unsigned i = 0; i < COUNT(s->signals); i++)
		if (s->signals[i])
			loop_signal_free(&s->signals[i]);
	loop_free(&s->loop);
	if (s->log_dir >= 0)
		close(s->log_dir);
}

int
supervisor_run(struct ctl *ctl, int report_fd)
{
	struct supervisor s = {.ctl = ctl, .in_foreground = report_fd < 0, .log_dir = -1};
	struct loop_hook *turn = NULL;
	struct err err;

	s.loop = loop_new();
	if (prepare(&s, &err) != 0) {
		ctl_error("%s", err.text);
		finish(&s);
		return 1;
	}
	watch(&s);
	turn = loop_hook_new(s.loop, on_turn, &s);
	if (!s.in_foreground)
		s.startup = startup_new(&s, report_fd);
	drain_say(
	    s.log, LOG_INFO, "starting the suite%s", s.in_foreground ? "; Ctrl-C stops it" : "");
	start_children(&s);
	loop_run(s.loop);
	loop_run_once(s.loop); /* the answers to `down` */
	loop_hook_free(&turn);
	finish(&s);
	return s.exit_status;
}
