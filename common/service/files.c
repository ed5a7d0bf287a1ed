/* See files.h. */
#include "service/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define LOCK_TRIES 10
#define LOCK_PAUSE_US 5000
#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX 256

/* ---- reading ---- */

/* Anything else could keep us waiting, or never end. A file that may be missing is passed as the null device. */
static int
check_regular(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	if (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return 0;
	return err_set(err, "%s: is not a regular file", name);
}

int
file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
	if (check_regular(fd, name, err) != 0)
		return -1;
	/* Whoever passed it may have read it before. */
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	for (;;) {
		ssize_t n = read(fd, buf_reserve(out, 4096), 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, "%s: cannot be read: %s", name, strerror(errno));
		if (n == 0)
			break;
		buf_commit(out, (size_t)n);
		if (buf_len(out) > max)
			return err_set(err, "%s: larger than %zu bytes", name, max);
	}
	*buf_reserve(out, 1) = 0;
	return 0;
}

static int
check_text(const struct buf *text, const char *name, struct err *err)
{
	struct str s = buf_str(text);
	const char *nul = s.p ? memchr(s.p, 0, s.n) : NULL;
	int line = 1;

	if (!nul)
		return 0;
	for (const char *p = s.p; p < nul; p++)
		line += *p == '\n';
	return err_set(err, "%s:%d: there is a NUL byte; this is no text file", name, line);
}

int
file_read_text(int fd, const char *name, struct buf *out, struct err *err)
{
	return file_read_fd(fd, name, SETTINGS_FILE_MAX, out, err) != 0 ? -1
									: check_text(out, name, err);
}

/* What root obeys, nobody else may have written. */
static int
check_writers(int fd, const char *folder, const char *name, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || fstat(fd, &st) != 0)
		return 0;
	if (st.st_uid != 0)
		return err_set(err, "%s/%s belongs to user %u; chown it to root", folder, name,
		    (unsigned)st.st_uid);
	if (S_ISREG(st.st_mode) && (st.st_mode & 022))
		return err_set(err, "%s/%s may be written by others; chmod go-w", folder, name);
	return 0;
}

int
file_read(const char *folder, const char *name, bool optional, struct buf *out, struct err *err)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, rc;

	if (dir < 0)
		return err_set(
		    err, "%s: %s; run \"jackdawctl init\" first", folder, strerror(errno));
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(dir);
	if (fd < 0 && errno == ENOENT && optional) {
		*buf_reserve(out, 1) = 0;
		return 0;
	}
	if (fd < 0)
		return err_set(err, "%s/%s: %s", folder, name, strerror(errno));
	rc = check_writers(fd, folder, name, err);
	if (rc == 0)
		rc = file_read_text(fd, name, out, err);
	close(fd);
	return rc;
}

/* ---- folders ---- */

int
folder_keep(int folder_fd)
{
	int above = openat(folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = above < 0 ? -1 : fsync(above);

	if (above >= 0)
		close(above);
	return rc;
}

/* ---- pid files ----
 * NAME.pid is for whoever may enter the folder (admin_group). A file that can be read can be locked, and whoever held the lock
 * would keep the daemon from starting: so the lock is on NAME.lock, which is for nobody else. */

static int
pidfile_open(int dir, const char *name, const char *kind, int flags, mode_t mode)
{
	char file[128];

	if (snprintf(file, sizeof(file), "%s.%s", name, kind) >= (int)sizeof(file)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* An installed role's folder is its own, and may hold a link when root comes. */
	return openat(dir, file, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
}

/* Opened for us alone to write, whatever our umask and its mode before. */
static int
pidfile_make(int dir, const char *name, const char *kind, mode_t mode, struct err *err)
{
	int fd = pidfile_open(dir, name, kind, O_RDWR | O_CREAT, mode);
	struct stat st;

	if (fd < 0)
		return err_set(err, "%s.%s: %s", name, kind, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		err_set(err, "%s.%s is no plain file; remove it", name, kind);
	else if (fchmod(fd, mode) != 0)
		err_set(err, "%s.%s: %s", name, kind, strerror(errno));
	else
		return fd;
	close(fd);
	return -1;
}

static pid_t
pidfile_pid(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* Cut to its length behind the write: on a full disk a file keeps the block that it has, and gets no new one. */
static int
pidfile_write(int dir, const char *name, struct err *err)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int fd = pidfile_make(dir, name, "pid", 0644, err), rc = 0;

	if (fd < 0)
		return -1;
	if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) != 0)
		rc = err_set(err, "%s.pid: %s", name, strerror(errno));
	close(fd);
	return rc;
}

/* pidfile_owner holds the lock for an instant, which must not be taken for another of us. */
static bool
lock_soon(int fd)
{
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		usleep(LOCK_PAUSE_US);
	}
	return false;
}

/* Between the owner's lock and its writing the pid of the one before stands there: it names nobody, most likely. */
static pid_t
pidfile_read_owner(int dir, const char *name)
{
	int fd = pidfile_open(dir, name, "pid", O_RDONLY, 0);
	pid_t pid = 0;

	for (unsigned i = 0; i < LOCK_TRIES && fd >= 0; i++) {
		pid = pidfile_pid(fd);
		if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
			break;
		usleep(LOCK_PAUSE_US);
	}
	if (fd >= 0)
		close(fd);
	return pid;
}

static int
pidfile_take(int dir, const char *name, struct err *err)
{
	int fd = pidfile_make(dir, name, "lock", 0600, err);

	if (fd < 0)
		return -1;
	if (!lock_soon(fd))
		err_set(err, "%s runs already (pid %ld)", name, (long)pidfile_read_owner(dir, name));
	else if (pidfile_write(dir, name, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int
pidfile_lock(const char *folder, const char *name, int *fd_r, struct err *err)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return err_set(
		    err, "%s: %s; run \"jackdawctl init\" first", folder, strerror(errno));
	fd = pidfile_take(dir, name, err);
	close(dir);
	if (fd < 0)
		return err_prefix(err, "%s", folder);
	*fd_r = fd;
	return 0;
}

/* For those who may not open the lock: whether the kernel knows of one that this process has. */
static bool
holds_a_lock(pid_t pid)
{
	FILE *f = fopen("/proc/locks", "re");
	bool found = !f;
	char line[256];
	long owner;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*d: FLOCK %*s WRITE %ld", &owner) == 1 && owner == (long)pid;
	if (f)
		fclose(f);
	return found;
}

pid_t
pidfile_owner(int folder_fd, const char *name)
{
	int fd = pidfile_open(folder_fd, name, "lock", O_RDONLY, 0);
	bool may_look = fd >= 0, is_held;
	pid_t pid;

	if (!may_look && errno != EACCES)
		return 0;
	is_held = !may_look || flock(fd, LOCK_SH | LOCK_NB) != 0;
	if (may_look)
		close(fd);
	pid = is_held ? pidfile_read_owner(folder_fd, name) : 0;
	return may_look || (pid > 0 && holds_a_lock(pid)) ? pid : 0;
}

/* ---- inherited listeners ---- */

struct listen_fds {
	char *names[LISTEN_FDS_MAX];
	bool taken[LISTEN_FDS_MAX];
	int n;
};

static bool
meant_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");

	return !pid || strtol(pid, NULL, 10) == (long)getpid();
}

static void
listen_fds_name(struct listen_fds *l)
{
	struct str rest = str_z(getenv("LISTEN_FDNAMES")), name;

	for (int i = 0; i < l->n; i++) {
		str_split(rest, ':', &name, &rest);
		l->names[i] = str_dup(name);
		/* One that was not passed after all is nobody's listening socket. */
		l->taken[i] = fcntl(LISTEN_FDS_START + i, F_SETFD, FD_CLOEXEC) != 0;
	}
}

void
descriptors_fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* What stays open is 0 to 2 and what was passed, nothing that slipped through. */
static void
close_others(int n_passed)
{
	descriptors_fill();
	close_range(LISTEN_FDS_START + (unsigned)n_passed, ~0U, 0);
}

static struct listen_fds *
listen_fds_take(void)
{
	struct listen_fds *l = NEW(struct listen_fds);
	const char *n = getenv("LISTEN_FDS");
	long count = n && meant_for_us() ? strtol(n, NULL, 10) : 0;

	l->n = count > 0 && count <= LISTEN_FDS_MAX ? (int)count : 0;
	listen_fds_name(l);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return l;
}

struct listen_fds *
descriptors_tidy(void)
{
	struct listen_fds *l = listen_fds_take();

	close_others(l->n);
	return l;
}

int
listen_fds_find(struct listen_fds *l, const char *name)
{
	for (int i = 0; l && i < l->n; i++) {
		if (!l->taken[i] && strcmp(l->names[i], name) == 0) {
			l->taken[i] = true;
			return LISTEN_FDS_START + i;
		}
	}
	return -1;
}

void
listen_fds_free(struct listen_fds **l)
{
	if (!*l)
		return;
	for (int i = 0; i < (*l)->n; i++) {
		if (!(*l)->taken[i])
			close(LISTEN_FDS_START + i);
		free((*l)->names[i]);
	}
	free(*l);
	*l = NULL;
}

/* ---- readiness ---- */

int
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, n);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0) {
		close(fd);
		fd = -1;
	}
	unsetenv("NOTIFY_SOCKET");
	return fd;
}

void
notify_send(int fd, const char *text)
{
	if (fd >= 0)
		(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}
