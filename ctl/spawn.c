/* See spawn.h. Called by child.c (daemons), tool.c (asking daemons' programs for listeners, samples, checks), backup.c. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define OUTPUT_MAX (1024 * 1024)
#define FIRST_HIGH_FD 100 /* above every number that a child's descriptors are moved to */

static void
reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, s == SIGPIPE ? SIG_IGN : SIG_DFL);
}

static void
set_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	setenv(name, text, 1);
}

static void
set_environment(const struct spawn *s)
{
	static const char *const ours[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
	    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", NULL};

	for (unsigned i = 0; ours[i]; i++)
		unsetenv(ours[i]);
	if (s->n_listen_fds > 0) {
		set_number("LISTEN_PID", (unsigned)getpid());
		set_number("LISTEN_FDS", s->n_listen_fds);
		setenv("LISTEN_FDNAMES", s->listen_names, 1);
	}
	if (s->notify)
		setenv("NOTIFY_SOCKET", s->notify, 1);
}

/* In the child: 0 is empty, 1 and 2 the log, 3 … the listeners, *report_fd stays until exec, all else is closed then. */
static int
arrange_descriptors(const struct spawn *s, int *report_fd)
{
	int null = open("/dev/null", O_RDWR);
	int high[SPAWN_LISTENERS_MAX];

	*report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
	int log_fd = fcntl(s->log_fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
	for (unsigned i = 0; i < s->n_listen_fds; i++)
		high[i] = fcntl(s->listen_fds[i], F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
	if (dup2(null, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		return -1;
	for (unsigned i = 0; i < s->n_listen_fds; i++)
		if (dup2(high[i], 3 + (int)i) < 0)
			return -1;
	return close_range(3 + s->n_listen_fds, ~0U, CLOSE_RANGE_CLOEXEC);
}

_Noreturn static void
become_daemon(const struct spawn *s, int report_fd)
{
	setsid();
	reset_signals();
	if (arrange_descriptors(s, &report_fd) == 0) {
		set_environment(s);
		execv(s->argv[0], (char *const *)(uintptr_t)s->argv);
	}
	int error = errno;
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* The pipe closes by itself at exec; before that comes what went wrong. */
static int
await_exec(int fd, pid_t pid, const char *program, struct err *err)
{
	int error;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(error))
		return 0;
	waitpid(pid, NULL, 0);
	return err_set(err, "cannot run %s: %s", program, strerror(error));
}

pid_t
spawn_daemon(const struct spawn *s, struct err *err)
{
	int report[2];

	if (pipe2(report, O_CLOEXEC) != 0)
		return err_set(err, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		become_daemon(s, report[1]);
	close(report[1]);
	if (pid < 0)
		err_set(err, "fork: %s", strerror(errno));
	else if (await_exec(report[0], pid, s->argv[0], err) != 0)
		pid = -1;
	close(report[0]);
	return pid;
}

/* ---- helpers whose output is wanted ---- */

_Noreturn static void
become_helper(const char *const *argv, const struct spawn_files *files)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	reset_signals();
	signal(SIGPIPE, SIG_DFL);
	if (dup2(files->in >= 0 ? files->in : null, 0) >= 0 && dup2(files->out, 1) >= 0 &&
	    dup2(files->errors, 2) >= 0) {
		close_range(3, ~0U, 0);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	}
	dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t
spawn_helper(const char *const *argv, const struct spawn_files *files, struct err *err)
{
	pid_t pid = fork();

	if (pid == 0)
		become_helper(argv, files);
	if (pid < 0)
		return err_set(err, "fork: %s", strerror(errno));
	return pid;
}

/* False: it still runs when the time is over. */
static bool
ends_within(pid_t pid, unsigned timeout_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t end_ms = clock_mono_ms() + timeout_ms;
	int n;

	do {
		uint64_t now_ms = clock_mono_ms();
		n = poll(&p, 1, now_ms < end_ms ? (int)(end_ms - now_ms) : 0);
	} while (n < 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	return n > 0;
}

int
spawn_wait(pid_t pid, const char *name, unsigned timeout_ms, struct err *err)
{
	bool in_time = ends_within(pid, timeout_ms);
	int status;

	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, "waiting for %s: %s", name, strerror(errno));
	if (!in_time)
		return err_set(err, "%s did not end within %u s", name, timeout_ms / 1000);
	if (WIFSIGNALED(status))
		return err_set(err, "%s was killed by SIG%s", name, sigabbrev_np(WTERMSIG(status)));
	return WEXITSTATUS(status);
}

int
spawn_scratch(struct err *err)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	return fd >= 0 ? fd : err_set(err, "memfd_create: %s", strerror(errno));
}

void
spawn_read_scratch(int fd, struct buf *out)
{
	ssize_t n;
	off_t at = 0;

	while (at < OUTPUT_MAX && (n = pread(fd, buf_reserve(out, 4096), 4096, at)) > 0) {
		buf_commit(out, (size_t)n);
		at += n;
	}
}

int
spawn_capture(const char *const *argv, unsigned timeout_ms, struct buf *out, struct buf *errors,
    struct err *err)
{
	struct spawn_files files = {
	    .in = -1, .out = spawn_scratch(err), .errors = spawn_scratch(err)};
	int status = -1;

	if (files.out >= 0 && files.errors >= 0) {
		pid_t pid = spawn_helper(argv, &files, err);
		if (pid > 0)
			status = spawn_wait(pid, argv[0], timeout_ms, err);
		spawn_read_scratch(files.out, out);
		spawn_read_scratch(files.errors, errors);
	}
	if (files.out >= 0)
		close(files.out);
	if (files.errors >= 0)
		close(files.errors);
	return status;
}
