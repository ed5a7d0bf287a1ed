/* common/service/files.c and the sockets of listen.c: what may lie in a folder, and what a process is born with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "child.h"
#include "service/files.h"

static int
setup(void **state)
{
	(void)state;
	scratch_enter();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	scratch_leave();
	return 0;
}

/* ---- reading ---- */

static void
test_a_file_has_a_size(void **state)
{
	struct buf b = {.data = NULL};
	struct err err;
	int fd;

	(void)state;
	scratch_write("f", "abc\n");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_read_fd(fd, "f", 3, &b, &err), -1);
	assert_string_equal(err.text, "f: larger than 3 bytes");
	buf_clear(&b);
	assert_int_equal(file_read_fd(fd, "f", 4, &b, &err), 0);
	buf_deinit(&b);
	close(fd);
}

static void
test_read_from_the_beginning(void **state)
{
	struct buf b = {.data = NULL};
	struct err err;
	int fd;

	(void)state;
	scratch_write("f", "abc\n");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(file_read_text(fd, "f", &b, &err), 0);
	assert_string_equal((const char *)b.data, "abc\n");
	assert_int_equal(buf_len(&b), 4);
	close(fd);
	buf_deinit(&b);
}

static void
expect_unread(const char *name, const char *text)
{
	struct buf b = {.data = NULL};
	struct err err = {.text = ""};

	assert_int_equal(file_read(scratch_path(), name, false, &b, &err), -1);
	if (!strstr(err.text, text))
		fail_msg("%s: not %s", err.text, text);
	buf_deinit(&b);
}

/* None of them may keep us waiting. */
static void
test_what_is_not_read(void **state)
{
	char *large = mem_new(SETTINGS_FILE_MAX + 2);
	int fd = open("nul", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "a\nb\0c\n", 6), 6);
	close(fd);
	memset(large, 'x', SETTINGS_FILE_MAX + 1);
	scratch_write("large", large);
	free(large);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("folder", 0700), 0);
	expect_unread("nul", "nul:2: there is a NUL byte; this is no text file");
	expect_unread("large", "large: larger than 1048576 bytes");
	expect_unread("fifo", "fifo: is not a regular file");
	expect_unread("folder", "folder: is not a regular file");
	expect_unread("none", "/none: No such file or directory");
}

static void
test_optional_and_null(void **state)
{
	struct buf b = {.data = NULL};
	struct err err;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(file_read(scratch_path(), "none", true, &b, &err), 0);
	assert_string_equal((const char *)b.data, "");
	assert_int_equal(file_read_text(fd, "null", &b, &err), 0);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(file_read("/nonexistent", "f", true, &b, &err), -1);
	assert_non_null(strstr(err.text, "run \"jackdawctl init\" first"));
	close(fd);
	buf_deinit(&b);
}

/* ---- pid files ---- */

static void
test_pidfile(void **state)
{
	struct err err;
	char want[PATH_MAX + 64], text[32] = "";
	int fd, pid_fd, second, here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pidfile_owner(here, "x.0"), 0);
	scratch_write("x.0.pid", "99999999\n");
	assert_int_equal(pidfile_owner(here, "x.0"), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "x.0", &fd, &err), 0);
	assert_int_equal(pidfile_owner(here, "x.0"), getpid());
	pid_fd = open("x.0.pid", O_RDONLY | O_CLOEXEC);
	assert_true(pread(pid_fd, text, sizeof(text) - 1, 0) > 0);
	close(pid_fd);
	assert_int_equal(strtol(text, NULL, 10), getpid());
	assert_int_equal(pidfile_lock(scratch_path(), "x.0", &second, &err), -1);
	snprintf(
	    want, sizeof(want), "%s: x.0 runs already (pid %ld)", scratch_path(), (long)getpid());
	assert_string_equal(err.text, want);
	close(fd);
	assert_int_equal(pidfile_owner(here, "x.0"), 0);
	close(here);
}

/* The folder may be another user's: nothing there leads us to other files. */
static void
test_pidfile_follows_nothing(void **state)
{
	struct err err;
	struct stat st;
	int fd;

	(void)state;
	scratch_write("victim", "precious");
	assert_int_equal(symlink("victim", "soft.0.pid"), 0);
	assert_int_equal(link("victim", "hard.0.pid"), 0);
	assert_int_equal(symlink("new", "dangling.0.pid"), 0);
	assert_int_equal(mkfifo("fifo.0.pid", 0600), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "soft.0", &fd, &err), -1);
	assert_int_equal(pidfile_lock(scratch_path(), "hard.0", &fd, &err), -1);
	assert_int_equal(pidfile_lock(scratch_path(), "dangling.0", &fd, &err), -1);
	assert_int_equal(pidfile_lock(scratch_path(), "fifo.0", &fd, &err), -1);
	assert_int_equal(symlink("victim", "lock.0.lock"), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "lock.0", &fd, &err), -1);
	assert_int_equal(stat("victim", &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_not_equal(access("new", F_OK), 0);
}

/* Somebody of another user, who may enter the folder and read the pid (a member of admin_group): sees who runs, and takes no lock. */
static void
stranger(const int *ready, int lock)
{
	int fd = open("x.0.pid", O_RDONLY | O_CLOEXEC), here = open(".", O_PATH | O_DIRECTORY);
	pid_t owner = getppid();

	close(lock); /* of a process that is forked from ours only */
	CHILD_CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHILD_CHECK(pidfile_owner(here, "x.0") == owner);
	CHILD_CHECK(pidfile_owner(here, "gone.0") == 0);
	CHILD_CHECK(open("x.0.lock", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	CHILD_CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	CHILD_CHECK(write(ready[1], "x", 1) == 1);
	for (;;)
		pause();
}

static void
test_who_reads_the_pid_does_not_hold_the_lock(void **state)
{
	int fd, gone, ready[2], here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;
	pid_t pid;
	char c;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(".", 0711), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "gone.0", &gone, &err), 0);
	close(gone);
	assert_int_equal(chmod("gone.0.pid", 0600), 0);
	scratch_write("gone.0.pid", "1\n");
	assert_int_equal(chmod("gone.0.pid", 0644), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "x.0", &fd, &err), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		stranger(ready, fd);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(fd);
	assert_int_equal(pidfile_owner(here, "x.0"), 0);
	assert_int_equal(pidfile_lock(scratch_path(), "x.0", &fd, &err), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	close(here);
}

/* One that has the lock already, and writes its pid in a moment. */
static void
slow_owner(const int *ready)
{
	int lock = open("slow.0.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int fd = open("slow.0.pid", O_RDWR | O_CLOEXEC);

	CHILD_CHECK(flock(lock, LOCK_EX) == 0 && write(ready[1], "x", 1) == 1);
	usleep(15000);
	CHILD_CHECK(ftruncate(fd, 0) == 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0);
	for (;;)
		pause();
}

static void
test_stale_pid_is_not_named(void **state)
{
	int ready[2], here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;
	pid_t pid;
	char c;
	int fd;

	(void)state;
	scratch_write("slow.0.pid", "99999999\n");
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		slow_owner(ready);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(pidfile_owner(here, "slow.0"), pid);
	/* And kill -9 leaves no lock behind. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(pidfile_lock(scratch_path(), "slow.0", &fd, &err), 0);
	close(fd);
	close(here);
	close(ready[0]);
	close(ready[1]);
}

/* ---- what was inherited ---- */

static int
listening(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un any = {.sun_family = AF_UNIX};

	CHILD_CHECK(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) == 0);
	CHILD_CHECK(listen(fd, 1) == 0);
	return fd;
}

/* From 3 on: two that have names, one that has none, one that slipped through. */
static void
tidy(void *arg)
{
	struct listen_fds *l;
	int from[4];

	(void)arg;
	for (int i = 0; i < 4; i++)
		from[i] = fcntl(listening(), F_DUPFD, 100);
	for (int i = 0; i < 4; i++)
		CHILD_CHECK(dup2(from[i], 3 + i) == 3 + i);
	close(STDIN_FILENO);
	setenv("LISTEN_FDS", "3", 1);
	setenv("LISTEN_FDNAMES", "c2s:c2sd.router.sock", 1);
	unsetenv("LISTEN_PID");
	l = descriptors_tidy();
	CHILD_CHECK(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_FDNAMES") == NULL);
	CHILD_CHECK(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	CHILD_CHECK(fcntl(5, F_GETFD) == FD_CLOEXEC);
	CHILD_CHECK(fcntl(6, F_GETFD) == -1 && fcntl(from[0], F_GETFD) == -1);
	CHILD_CHECK(listen_fds_find(l, "c2sd.router.sock") == 4);
	CHILD_CHECK(listen_fds_find(l, "c2sd.router.sock") == -1);
	CHILD_CHECK(listen_fds_find(l, "c2s-direct") == -1);
	listen_fds_free(&l);
	CHILD_CHECK(fcntl(3, F_GETFD) == -1 && fcntl(4, F_GETFD) >= 0 && fcntl(5, F_GETFD) == -1);
}

static void
tidy_for_another(void *arg)
{
	struct listen_fds *l;

	(void)arg;
	CHILD_CHECK(dup2(listening(), 3) == 3);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "c2s", 1);
	setenv("LISTEN_PID", "1", 1);
	l = descriptors_tidy();
	CHILD_CHECK(listen_fds_find(l, "c2s") == -1 && fcntl(3, F_GETFD) == -1);
	listen_fds_free(&l);
}

static void
test_descriptors(void **state)
{
	(void)state;
	assert_int_equal(child_run(tidy, NULL), 0);
	assert_int_equal(child_run(tidy_for_another, NULL), 0);
}

/* ---- sockets ---- */

static void
test_bind_unix(void **state)
{
	struct stat st, victim;
	uid_t owner = child_may_become(12345) ? 12345 : geteuid();
	int fd;

	(void)state;
	umask(022);
	scratch_write("victim", "precious");
	assert_int_equal(symlink("victim", "x.sock"), 0);
	fd = bind_unix("x.sock", SOCK_STREAM, owner);
	assert_true(fd >= 0);
	assert_int_equal(lstat("x.sock", &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_uid, owner);
	assert_int_equal(stat("victim", &victim), 0);
	assert_int_equal(victim.st_uid, geteuid());
	assert_int_equal(victim.st_mode & 0777, 0644);
	assert_int_equal(umask(022), 022);
	close(fd);
	fd = bind_unix("x.sock", SOCK_DGRAM, owner);
	assert_true(fd >= 0);
	assert_int_equal(lstat("x.sock", &st), 0);
	assert_int_equal(st.st_uid, owner);
	close(fd);
	assert_int_equal(bind_unix("none/x.sock", SOCK_STREAM, (uid_t)-1), -1);
	assert_int_equal(errno, ENOENT);
}

static void
test_notify(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "notify"};
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd;
	char text[32] = "";

	(void)state;
	assert_int_equal(notify_open(), -1);
	assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", "notify", 1);
	fd = notify_open();
	assert_true(fd >= 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_send(fd, "READY=1");
	assert_int_equal(recv(server, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	close(server);
	notify_send(fd, "READY=1");
	notify_send(-1, "READY=1");
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_file_has_a_size),
	    TEST(test_read_from_the_beginning),
	    TEST(test_what_is_not_read),
	    TEST(test_optional_and_null),
	    TEST(test_pidfile),
	    TEST(test_pidfile_follows_nothing),
	    TEST(test_stale_pid_is_not_named),
	    TEST(test_who_reads_the_pid_does_not_hold_the_lock),
	    TEST(test_descriptors),
	    TEST(test_bind_unix),
	    TEST(test_notify),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
