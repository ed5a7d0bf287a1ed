/* jackdawctl up: everything that can be refused is refused before the first daemon is started; then this process is the
 * supervisor (foreground), or leaves one behind and waits until all is up (--detach). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands.h"
#include "folders.h"
#include "reload.h"
#include "service/files.h"
#include "status.h"
#include "suite.h"
#include "supervise.h"
#include "tool.h"
#include <sys/file.h>
#include "service/paths.h"

#define LINK_MS 15000
#define LINK_PAUSE_US 20000
#define START_ONE_MS 90000

/* ---- before the start ---- */

static int
check_settings(struct ctl *c, struct err *err)
{
	struct buf ignored = {0};
	int rc = tool_check_programs(c, err);

	for (const struct program *p = programs; p->name && rc == 0; p++)
		rc = tool_ask(c, p, "-n", &ignored, err);
	buf_deinit(&ignored);
	return rc;
}

/* Below /run nothing is left after a boot. */
static int
open_installed(struct ctl *c, struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, "only root can start the installed suite");
	if (folders_make(c, err) != 0 || suite_open(c, err) != 0)
		return -1;
	return 0;
}

static int
prepare(struct ctl *c, struct err *err)
{
	if ((c->dir ? suite_open(c, err) : open_installed(c, err)) != 0)
		return -1;
	pid_t pid = suite_supervisor(c);
	if (pid > 0)
		return err_set(err, "the suite is running already (supervisor: pid %ld)", (long)pid);
	if (check_settings(c, err) != 0 || folders_make(c, err) != 0 ||
	    folders_share_key(c, err) != 0)
		return -1;
	if (geteuid() != 0)
		fputs(
		    "jackdawctl: started without root: all daemons run as one user, which isolates them less\n",
		    stderr);
	return 0;
}

/* ---- the supervisor ---- */

/* The lock is this process's: whoever comes second learns our pid. */
static int
supervise(struct ctl *c, int report_fd)
{
	struct err err;
	int lock_fd;

	umask(077);
	if (pidfile_lock(c->run_path, SUPERVISOR_NAME, &lock_fd, &err) != 0)
		return ctl_error("%s", err.text);
	int status = supervisor_run(c, report_fd);
	close(lock_fd);
	return status;
}

/* A process without a terminal; the descriptor tells its verdict. -1 with *err filled. */
static int
leave_supervisor(struct ctl *c, struct err *err)
{
	int report[2];

	if (pipe2(report, O_CLOEXEC) != 0)
		return err_set(err, "pipe: %s", strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, "fork: %s", strerror(errno));
	if (pid == 0) {
		close(report[0]);
		setsid();
		if (chdir("/") != 0)
			_exit(STATUS_FAILED);
		uint8_t status = (uint8_t)supervise(c, report[1]);
		/* Closed already when the start got as far as having a verdict. */
		if (status != STATUS_OK && write(report[1], &status, 1) < 0)
			_exit(status);
		_exit(status);
	}
	close(report[1]);
	return report[0];
}

/* What is up but has no link to the router; false when there is none such. */
static bool
has_unlinked(struct ctl *c, struct buf *names)
{
	struct status_row row;

	buf_clear(names);
	for (const struct program *p = programs; p->name; p++) {
		for (unsigned i = 0; p->is_linked && i < program_instances(p, c); i++) {
			status_of(c, p, i, &row);
			if (strcmp(row.link, "up") != 0)
				buf_printf(names, " %s", row.name);
		}
	}
	return buf_len(names) > 0;
}

static int
await_links(struct ctl *c)
{
	uint64_t end_ms = clock_mono_ms() + LINK_MS;
	struct buf names = {0};
	bool waiting;

	while ((waiting = has_unlinked(c, &names)) && clock_mono_ms() < end_ms)
		usleep(LINK_PAUSE_US);
	if (waiting)
		ctl_error("all daemons run, but not linked to the router:%.*s; see their logs",
		    STR_ARG(buf_str(&names)));
	buf_deinit(&names);
	return waiting ? STATUS_FAILED : STATUS_OK;
}

static int
detach(struct ctl *c)
{
	uint8_t verdict = STATUS_FAILED;
	struct err err;
	int fd = leave_supervisor(c, &err);

	if (fd < 0)
		return ctl_error("%s", err.text);
	ssize_t n;
	do
		n = read(fd, &verdict, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n != 1)
		return ctl_error("the supervisor has died; see supervisor.log");
	if (verdict != STATUS_OK)
		return STATUS_FAILED; /* it has said why */
	return await_links(c);
}

/* ---- one daemon ---- */

static int
start_one(struct ctl *c, const char *name)
{
	struct err err;
	char line[96];
	int instance;

	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (!program_parse(str_z(name), c, &instance))
		return no_such_daemon(c, name);
	if (suite_supervisor(c) == 0)
		return ctl_error("the suite is down; jackdawctl up starts all of it");
	snprintf(line, sizeof(line), "start %s", name);
	if (suite_ask_supervisor(c, line, START_ONE_MS, NULL, &err) != 0)
		return ctl_error("%s", err.text);
	return STATUS_OK;
}

/* Run scripts all start at once: one makes the folders, the others wait. The lock ends with the process. */
static int
lock_folders(const struct ctl *c, struct err *err)
{
	char *etc = path_etc(c->dir);
	int fd = open(etc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc =
	    fd >= 0 && flock(fd, LOCK_EX) == 0 ? 0 : err_set(err, "%s: %s", etc, strerror(errno));

	free(etc);
	return rc;
}

int
folders_run(struct ctl *c, int argc, char **argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	umask(022);
	if ((c->dir ? suite_open(c, &err) : open_installed(c, &err)) != 0 ||
	    lock_folders(c, &err) != 0 || folders_make(c, &err) != 0 ||
	    folders_share_key(c, &err) != 0)
		return ctl_error("%s", err.text);
	return STATUS_OK;
}

int
up_run(struct ctl *c, int argc, char **argv)
{
	struct err err;

	if (argc > 0)
		return start_one(c, argv[0]);
	if (prepare(c, &err) != 0)
		return ctl_error("%s", err.text);
	return c->options & OPTION_DETACH ? detach(c) : supervise(c, -1);
}
