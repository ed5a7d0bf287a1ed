/* See child.h. */
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define PATIENCE_MS 20000

char child_errors[8192];
static char scratch[64], before[4096];

void
scratch_enter(void)
{
	if (!getcwd(before, sizeof(before)))
		bug("getcwd: %s", strerror(errno));
	snprintf(scratch, sizeof(scratch), "/tmp/jackdaw-unit-XXXXXX");
	if (!mkdtemp(scratch) || chmod(scratch, 0755) != 0 || chdir(scratch) != 0)
		bug("%s: %s", scratch, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
scratch_leave(void)
{
	if (chdir(before) != 0 || nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		bug("%s: %s", scratch, strerror(errno));
}

const char *
scratch_path(void)
{
	return scratch;
}

void
scratch_write(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		bug("%s: %s", name, strerror(errno));
}

void
child_check(bool ok, const char *what, int line)
{
	char text[300];
	int n;

	if (ok)
		return;
	n = snprintf(text, sizeof(text), "line %d: not so: %s\n", line, what);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

/* A child that hangs is killed. */
static void
read_errors(int fd, pid_t pid)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t n = 0;

	for (;;) {
		ssize_t got;

		if (poll(&p, 1, PATIENCE_MS) <= 0) {
			kill(pid, SIGKILL);
			break;
		}
		got = read(fd, child_errors + n, sizeof(child_errors) - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	child_errors[n] = 0;
}

int
child_run(void (*fn)(void *arg), void *arg)
{
	int errors[2], status;
	pid_t pid;

	if (pipe(errors) != 0)
		bug("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(errors[1], STDERR_FILENO);
		close(errors[0]);
		close(errors[1]);
		fn(arg);
		_exit(0);
	}
	close(errors[1]);
	read_errors(errors[0], pid);
	close(errors[0]);
	if (waitpid(pid, &status, 0) != pid)
		bug("waitpid: %s", strerror(errno));
	status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	if (status != 0)
		printf("# the child said: %s\n", child_errors);
	return status;
}

static bool
thread_has(const char *task, const char *key, const char *value)
{
	char path[300], line[256];
	size_t n = strlen(key);
	bool has = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	f = fopen(path, "re");
	while (f && !has && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		has = strncmp(line, key, n) == 0 && strcmp(line + n, value) == 0;
	}
	if (f)
		fclose(f);
	return has;
}

bool
child_every_thread(const char *key, const char *value)
{
	DIR *d = opendir("/proc/self/task");
	bool all = d != NULL;

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			all &= thread_has(e->d_name, key, value);
	if (d)
		closedir(d);
	return all;
}

bool
child_may_become(unsigned uid)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(setuid(uid) == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}
