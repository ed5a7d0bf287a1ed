/* See suite.h. Everything is opened relative to a folder's descriptor, sockets through /proc/self/fd: however long the path of
 * the suite is, no name is cut short. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/files.h"
#include "service/paths.h"
#include "talk.h"

#define CONTROL_MS 15000
#define CONNECT_S 2

/* ---- folders and settings ---- */

static int
open_folder(char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		err_set(err, "%s does not exist; jackdawctl init makes a suite", path);
	else if (fd < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	free(path);
	return fd;
}

/* A relative D would mean something else to a daemon, or once we have changed the folder. */
static int
make_absolute(struct ctl *c, struct err *err)
{
	if (!c->dir || c->dir[0] == '/')
		return 0;
	char *path = realpath(c->dir, NULL);
	if (!path && errno == ENOENT)
		return err_set(err, "%s does not exist; jackdawctl init makes a suite", c->dir);
	if (!path)
		return err_set(err, "%s: %s", c->dir, strerror(errno));
	c->dir = c->made_dir = path;
	return 0;
}

int
suite_open_folders(struct ctl *c, struct err *err)
{
	if (c->run_dir >= 0)
		return 0;
	if (make_absolute(c, err) != 0)
		return -1;
	c->run_path = path_run(c->dir);
	c->etc_dir = open_folder(path_etc(c->dir), err);
	c->run_dir = c->etc_dir < 0 ? -1 : open_folder(str_dup(str_z(c->run_path)), err);
	return c->run_dir < 0 ? -1 : 0;
}

int
suite_load(struct ctl *c, struct err *err)
{
	char *etc = path_etc(c->dir);
	struct buf text = {0};
	struct suite suite;
	struct suite_file *file = NULL;

	if (file_read(etc, "jackdaw.conf", false, &text, err) == 0)
		file = suite_parse("jackdaw.conf", (const char *)text.data, &suite, err);
	free(etc);
	buf_deinit(&text);
	if (!file)
		return -1;
	suite_free(&c->file);
	c->file = file;
	c->suite = suite;
	return 0;
}

int
suite_open(struct ctl *c, struct err *err)
{
	return suite_open_folders(c, err) == 0 ? suite_load(c, err) : -1;
}

void
suite_close(struct ctl *c)
{
	if (c->etc_dir >= 0)
		close(c->etc_dir);
	if (c->run_dir >= 0)
		close(c->run_dir);
	c->etc_dir = c->run_dir = -1;
	suite_free(&c->file);
	free(c->run_path);
	free(c->made_dir);
	c->run_path = c->made_dir = NULL;
}

int
suite_role_dir(const struct ctl *c, enum role role, struct err *err)
{
	return open_folder(path_role(c->dir, role), err);
}

/* ---- who runs ---- */

pid_t
suite_running(const struct ctl *c, const struct program *p, unsigned instance)
{
	char name[32];
	struct err ignored;
	pid_t pid = 0;

	program_instance_name(p, instance, name, sizeof(name));
	if (c->dir)
		return pidfile_owner(c->run_dir, name);
	/* Installed, they lie where the daemon's own user may write. */
	int dir = suite_role_dir(c, p->role, &ignored);
	if (dir >= 0) {
		pid = pidfile_owner(dir, name);
		close(dir);
	}
	return pid;
}

pid_t
suite_supervisor(const struct ctl *c)
{
	return pidfile_owner(c->run_dir, SUPERVISOR_NAME);
}

bool
suite_is_up(const struct ctl *c)
{
	if (suite_supervisor(c) > 0)
		return true;
	for (const struct program *p = programs; p->name; p++)
		for (unsigned i = 0; i < program_instances(p, c); i++)
			if (suite_running(c, p, i) > 0)
				return true;
	return false;
}

/* ---- sockets ---- */

/* flags: SOCK_NONBLOCK or 0. */
static int
socket_in(int dir, const char *file, int flags, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(at->sun_path, sizeof(at->sun_path), "/proc/self/fd/%d/%s", dir, file);
	if (n < 0 || (size_t)n >= sizeof(at->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

int
suite_listen(const struct ctl *c, const char *file, struct err *err)
{
	struct sockaddr_un at;
	int fd = socket_in(c->run_dir, file, SOCK_NONBLOCK, &at);

	unlinkat(c->run_dir, file, 0);
	mode_t mask = umask(077);
	bool is_good =
	    fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0;
	umask(mask);
	if (is_good)
		return fd;
	err_set(err, "cannot make %s/%s: %s", c->run_path, file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A daemon that hangs must not hang whoever asks it. */
static void
limit_connect(int fd)
{
	struct timeval limit = {.tv_sec = CONNECT_S};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int
suite_connect(int dir, const char *file, int flags)
{
	struct sockaddr_un at;
	int fd = socket_in(dir, file, flags, &at);

	limit_connect(fd);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
suite_control_connect(const struct ctl *c, const struct program *p, unsigned instance, int flags)
{
	struct err ignored;
	char file[32];
	int dir = suite_role_dir(c, p->role, &ignored);

	if (dir < 0)
		return -1;
	snprintf(file, sizeof(file), "control.%u.sock", instance);
	int fd = suite_connect(dir, file, flags);
	int error = errno;
	close(dir);
	errno = error;
	return fd;
}

/* ---- questions ---- */

/* Takes fd, which may be -1 with errno; `who` is for errors. */
static int
ask(int fd, const char *who, const struct control_call *call, struct buf *out, struct err *err)
{
	struct buf answer = {0};
	int rc = -1;

	if (fd < 0)
		return err_set(err, "%s cannot be asked: %s", who, strerror(errno));
	if (talk_send(fd, call->line, call->fds, call->n_fds) != 0 ||
	    talk_receive(fd, call->timeout_ms ? call->timeout_ms : CONTROL_MS, &answer) != 0 ||
	    buf_len(&answer) == 0)
		err_set(err, "%s gives no answer", who);
	else
		rc = talk_first_line(buf_str(&answer), out, err);
	close(fd);
	buf_deinit(&answer);
	return rc;
}

int
suite_control(const struct ctl *c, const struct control_call *call, struct buf *out, struct err *err)
{
	char who[32];

	snprintf(who, sizeof(who), "%s.%u", call->program->name, call->instance);
	return ask(suite_control_connect(c, call->program, call->instance, 0), who, call, out, err);
}

int
suite_ask_supervisor(
    const struct ctl *c, const char *line, unsigned timeout_ms, struct buf *out, struct err *err)
{
	const struct control_call call = {.line = line, .timeout_ms = timeout_ms};

	return ask(
	    suite_connect(c->run_dir, SUPERVISOR_SOCKET, 0), "the supervisor", &call, out, err);
}
