/* jackdawctl down, restart. The supervisor does it; where there is none any more, `down` ends what still runs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands.h"
#include "reload.h"
#include "suite.h"

#define ALL_MS 180000 /* each daemon has its own, shorter deadline in the supervisor */
#define END_MS 10000
#define PAUSE_US 10000

/* ---- without a supervisor ---- */

/* p NULL: the supervisor. */
static bool
ends_in_time(const struct ctl *c, const struct program *p, unsigned instance)
{
	uint64_t end_ms = clock_mono_ms() + END_MS;

	while ((p ? suite_running(c, p, instance) : suite_supervisor(c)) > 0) {
		if (clock_mono_ms() >= end_ms)
			return false;
		usleep(PAUSE_US);
	}
	return true;
}

static int
end_one(const struct ctl *c, const struct program *p, unsigned instance)
{
	pid_t pid = suite_running(c, p, instance);

	if (pid <= 0)
		return STATUS_OK;
	if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
		return ctl_error("cannot stop %s.%u (pid %ld): %s", p->name, instance, (long)pid,
		    strerror(errno));
	if (ends_in_time(c, p, instance))
		return STATUS_OK;
	ctl_error("%s.%u did not end within %d s; killed", p->name, instance, END_MS / 1000);
	kill(pid, SIGKILL);
	return ends_in_time(c, p, instance) ? STATUS_OK : STATUS_FAILED;
}

/* The last one first. */
static int
end_all(struct ctl *c)
{
	int status = STATUS_OK;
	unsigned n = 0;

	while (programs[n].name)
		n++;
	while (n-- > 0)
		for (unsigned i = program_instances(&programs[n], c); i-- > 0;)
			if (end_one(c, &programs[n], i) != STATUS_OK)
				status = STATUS_FAILED;
	return status;
}

/* ---- through the supervisor ---- */

static int
ask_about(struct ctl *c, const char *verb, const char *name, struct err *err)
{
	char line[96];

	snprintf(line, sizeof(line), "%s%s%s", verb, name ? " " : "", name ? name : "");
	return suite_ask_supervisor(c, line, ALL_MS, NULL, err);
}

static int
stop_all(struct ctl *c)
{
	struct err err;

	if (suite_supervisor(c) == 0)
		return end_all(c);
	if (ask_about(c, "down", NULL, &err) != 0) {
		/* It may just have been killed. */
		return suite_supervisor(c) == 0 ? end_all(c) : ctl_error("%s", err.text);
	}
	/* It has answered, and only has to leave. */
	if (!ends_in_time(c, NULL, 0))
		return ctl_error("all daemons have ended, but the supervisor goes on");
	return STATUS_OK;
}

/* With a broken jackdaw.conf one of each is assumed; stopping must work all the same. */
static int
open_suite(struct ctl *c, struct err *err)
{
	struct err broken;

	if (suite_open_folders(c, err) != 0)
		return -1;
	if (suite_load(c, &broken) != 0)
		ctl_error("%s", broken.text);
	return 0;
}

int
down_run(struct ctl *c, int argc, char **argv)
{
	struct err err;
	int instance;

	if (open_suite(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (argc == 0)
		return stop_all(c);
	if (!program_parse(str_z(argv[0]), c, &instance))
		return no_such_daemon(c, argv[0]);
	if (suite_supervisor(c) == 0)
		return ctl_error("there is no supervisor; jackdawctl down stops all that runs");
	return ask_about(c, "stop", argv[0], &err) == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

int
restart_run(struct ctl *c, int argc, char **argv)
{
	struct err err;
	int instance;

	if (open_suite(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (argc > 0 && !program_parse(str_z(argv[0]), c, &instance))
		return no_such_daemon(c, argv[0]);
	if (suite_supervisor(c) == 0)
		return ctl_error(suite_is_up(c)
			? "there is no supervisor; jackdawctl up --detach starts one, which goes on with what runs"
			: "the suite is down; jackdawctl up starts it");
	/* Nothing is stopped that could not be started again. */
	if (argc == 0 && check_run(c, 0, NULL) != STATUS_OK)
		return STATUS_FAILED;
	if (ask_about(c, "restart", argc > 0 ? argv[0] : NULL, &err) != 0)
		return ctl_error("%s", err.text);
	return STATUS_OK;
}
