/* common/service/sandbox.c, from inside: for every kind of daemon a child enters the sandbox and tries one thing. What the table
 * says works must work, all else must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox_tries.h"
#include "service/sandbox_private.h"

#define TRAPPED 31
#define REFUSED 1
#define BROKEN 2 /* failed in a way that is no refusal */

#ifdef JACKDAW_SANITIZE
#define SANITIZED true
#else
#define SANITIZED false
#endif

static char folder[64];

/* ---- the kinds ---- */

enum {
	PLAIN = 1,
	NETWORK = 2,
	FILES = 4,
	CONNECTS = 8,
	ALL = 15,
};

static const struct kind {
	unsigned bit;
	const char *name;
	struct sandbox sandbox;
} KINDS[] = {
    {PLAIN, "plain", {.max_files = 64}},
    {NETWORK, "network", {.accept = true, .max_files = 64}},
    {FILES, "files", {.files = true, .max_files = 64, .max_file_size = UINT64_MAX}},
    {CONNECTS, "connects", {.accept = true, .inet_connect = true, .max_files = 64}},
};

/* ---- the table ---- */

static const struct attempt {
	const char *what;
	int (*try)(void);
	unsigned works;  /* for these kinds */
	bool plain_only; /* not under the sanitizers: their list allows the call */
} ATTEMPTS[] = {
    {"work as every day", try_daily_work, ALL, false},
    {"run a loop", try_loop, ALL, false},
    {"connect to the router", try_unix_connect, ALL, false},
    {"open a file of the system", try_open_system, 0, false},
    {"open one by way of the data folder", try_open_by_parents, 0, false},
    {"create a file outside the data folder", try_create_outside_data, 0, false},
    {"work with a file in the data folder", try_create_inside_data, FILES, false},
    {"run a program of the data folder", try_execute_in_data, 0, false},
    {"work with SQLite", try_sqlite, FILES, false},
    {"make an IPv4 socket", try_inet, CONNECTS, false},
    {"make an IPv6 datagram socket", try_inet6_datagram, CONNECTS, false},
    {"make a netlink socket", try_netlink, 0, false},
    {"make a packet socket", try_packet, 0, false},
    {"run a program", try_exec, 0, false},
    {"fork", try_fork, 0, true},
    {"make a thread", try_thread, 0, true},
    {"map code", try_map_code, 0, true},
    {"make memory executable", try_make_code, 0, true},
    {"signal another process", try_kill, 0, true},
    {"trace another process", try_ptrace, 0, true},
    {"change the user", try_setuid, 0, false},
    {"make a namespace", try_unshare, 0, false},
    {"change the root", try_chroot, 0, false},
    {"mount", try_mount, 0, false},
    {"be dumpable", try_dumpable, 0, true},
    {"set options of sockets", try_socket_options, ALL, false},
    {"make a close wait", try_linger, 0, false},
    {"make a close wait, in disguise", try_linger_in_disguise, 0, false},
    {"change a limit", try_raise_limit, 0, true},
    {"type into the terminal", try_terminal, 0, true},
    {"use io_uring", try_io_uring, 0, false},
    {"use bpf", try_bpf, 0, false},
    {"use a keyring", try_keyring, 0, false},
    {"read another's memory", try_other_memory, 0, true},
};

/* ---- children ---- */

static void
enter(const struct sandbox *s)
{
	struct err err = {.text = ""};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sandbox_landlock(s, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(BROKEN);
	}
}

static void
close_calls(const struct sandbox *s)
{
	struct err err = {.text = ""};

	sandbox_trap_install();
	if (sandbox_seccomp(s, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(BROKEN);
	}
}

static int
exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return TRAPPED; /* with all signals blocked, as in the middle of making a thread */
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn static void
leave(int error)
{
	_exit(error == 0 ? 0 : error == EPERM || error == EACCES ? REFUSED : BROKEN);
}

/* What the child says of a trap goes to err_fd. */
static pid_t
attempt_start(const struct attempt *a, const struct sandbox *s, int err_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(folder) != 0)
			_exit(BROKEN);
		dup2(err_fd, STDERR_FILENO);
		enter(s);
		close_calls(s);
		leave(a->try());
	}
	assert_true(pid > 0);
	return pid;
}

static void
check_attempt(const struct attempt *a, const struct kind *k)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status = exit_status(attempt_start(a, &k->sandbox, null));
	bool works = a->works & k->bit;

	close(null);
	if (works ? status != 0 : status != TRAPPED && status != REFUSED)
		fail_msg("%s, %s: status %d", k->name, a->what, status);
}

static void
test_what_each_kind_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ATTEMPTS); i++)
		for (size_t j = 0; j < COUNT(KINDS); j++)
			if (!ATTEMPTS[i].plain_only || !SANITIZED)
				check_attempt(&ATTEMPTS[i], &KINDS[j]);
}

static void
test_a_trap_names_the_call(void **state)
{
	static const struct attempt exec = {.what = "", .try = try_exec};
	char text[256];
	int pipes[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(exit_status(attempt_start(&exec, &KINDS[0].sandbox, pipes[1])), TRAPPED);
	n = read(pipes[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = 0;
	snprintf(text + 200, 56, "system call %d (execve)", (int)SYS_execve);
	assert_non_null(strstr(text, text + 200));
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- threads ---- */

static pthread_barrier_t closed;
static int (*thread_tries)(void);

static void *
thread_run(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&closed);
	leave(thread_tries());
}

/* As in a daemon: the thread is made between Landlock and seccomp. */
static int
thread_attempt(const struct sandbox *s, int (*try)(void))
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (chdir(folder) != 0 || dup2(null, STDERR_FILENO) < 0)
			_exit(BROKEN);
		thread_tries = try;
		pthread_barrier_init(&closed, NULL, 2);
		enter(s);
		if (pthread_create(&thread, NULL, thread_run, NULL) != 0)
			_exit(BROKEN);
		close_calls(s);
		pthread_barrier_wait(&closed);
		pthread_join(thread, NULL); /* it ends the process */
		_exit(BROKEN);
	}
	assert_true(pid > 0);
	return exit_status(pid);
}

static void
test_threads_are_confined_too(void **state)
{
	const struct sandbox *plain = &KINDS[0].sandbox, *files = &KINDS[2].sandbox;

	(void)state;
	assert_int_equal(thread_attempt(files, try_create_inside_data), 0);
	assert_int_equal(thread_attempt(files, try_open_system), REFUSED);
	assert_int_equal(thread_attempt(files, try_inet), TRAPPED);
	assert_int_equal(thread_attempt(plain, try_exec), TRAPPED);
	assert_int_equal(thread_attempt(plain, try_daily_work), 0);
}

/* ---- the folder ---- */

static int
setup(void **state)
{
	char data[80];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/jackdaw-sandbox-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(data, sizeof(data), "%s/data", folder);
	return mkdir(data, 0700);
}

static int
teardown(void **state)
{
	static const char *const left[] = {
	    "data/test.db", "data/test.db-wal", "data/test.db-shm", "outside"};
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < COUNT(left); i++)
		unlinkat(dir, left[i], 0);
	unlinkat(dir, "data", AT_REMOVEDIR);
	close(dir);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_each_kind_may),
	    cmocka_unit_test(test_a_trap_names_the_call),
	    cmocka_unit_test(test_threads_are_confined_too),
	};

	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
