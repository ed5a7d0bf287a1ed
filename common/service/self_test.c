/* Proof from inside that the sandbox holds: tries what no daemon may do. A trapped call only fails meanwhile (trap.c).
 *
 * Refused is what the filter trapped, and what Landlock, the user or the lack of a capability forbade. A name that leads nowhere is
 * not there: right behind a chroot, and said so. Everything else, errors of the wrong kind too, counts as possible. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/sandbox_private.h"

#ifdef JACKDAW_SANITIZE
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Each returns 0 when it was possible, else errno. */

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
try_open_system(void)
{
	int error = try_open("/etc/passwd", O_RDONLY);

	return error ? try_open("../../../../../../../../etc/passwd", O_RDONLY) : 0;
}

static int
try_open_proc(void)
{
	return try_open("/proc/self/environ", O_RDONLY);
}

static int
try_create(void)
{
	int error = try_open("self-test", O_WRONLY | O_CREAT);

	if (!error)
		unlink("self-test");
	return error;
}

static int
try_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
try_connect(void)
{
	return try_socket(AF_INET, SOCK_STREAM);
}

static int
try_connect6(void)
{
	return try_socket(AF_INET6, SOCK_STREAM);
}

static int
try_datagram(void)
{
	return try_socket(AF_INET, SOCK_DGRAM);
}

static int
try_netlink(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW);
}

/* A folder cannot be run: were the call allowed, we would still be here. So only the filter counts as a refusal. */
static int
try_exec(void)
{
	char none_name[] = "", *const none[] = {none_name, NULL};

	execve(".", none, none);
	return 0;
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

static int
try_map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, 4096);
	return 0;
}

static int
try_signal(void)
{
	return kill(1, 0) == 0 ? 0 : errno;
}

/* One that is not ours: were the call allowed, it would be ESRCH, and nothing done. */
static int
try_trace(void)
{
	return ptrace(PTRACE_CONT, 1, NULL, NULL) == 0 ? 0 : errno;
}

static int
try_become_root(void)
{
	return setresuid(0, 0, 0) == 0 ? 0 : errno;
}

static int
try_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

static int
try_raise_limit(void)
{
	struct rlimit r = {.rlim_cur = 0, .rlim_max = 0};

	return setrlimit(RLIMIT_CORE, &r) == 0 ? 0 : errno;
}

/* The option's name in the half of the argument that the kernel looks at. */
static int
try_linger(void)
{
	struct linger l = {.l_onoff = 0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long rc = syscall(SYS_setsockopt, fd, SOL_SOCKET, 1L << 32 | SO_LINGER, &l, sizeof(l));
	int error = rc == 0 ? 0 : errno;

	close(fd);
	return error;
}

static const struct attempt {
	const char *what;
	int (*try)(void);
	bool by_sanitizer; /* their runtimes need the call */
	bool inet;         /* allowed with inet_connect */
} ATTEMPTS[] = {
    {"open a file of the system", try_open_system, false, false},
    {"open /proc/self/environ", try_open_proc, true, false},
    {"create a file outside the data folder", try_create, false, false},
    {"make an IPv4 connection", try_connect, false, true},
    {"make an IPv6 connection", try_connect6, false, true},
    {"send datagrams", try_datagram, false, true},
    {"talk to the kernel over netlink", try_netlink, false, false},
    {"run a program", try_exec, false, false},
    {"make a process", try_fork, true, false},
    {"map executable memory", try_map_code, true, false},
    {"signal another process", try_signal, true, false},
    {"trace a process", try_trace, true, false},
    {"become root", try_become_root, false, false},
    {"make a namespace", try_namespace, false, false},
    {"change a limit", try_raise_limit, true, false},
    {"make a close wait", try_linger, false, false},
};

/* ---- the verdict ---- */

enum verdict { /* the worst last */
	TRAPPED,
	FORBIDDEN,
	ABSENT,
	POSSIBLE,
};

struct outcome {
	enum verdict verdict;
	int error;
};

struct self_test {
	const struct sandbox *sandbox;
	pthread_t thread;
	sem_t go;
	struct outcome outcomes[COUNT(ATTEMPTS)]; /* the thread's */
};

static struct outcome
attempt_one(const struct attempt *a)
{
	struct outcome o = {.verdict = POSSIBLE};

	(void)sandbox_trap_seen();
	o.error = a->try();
	if (sandbox_trap_seen())
		o.verdict = TRAPPED;
	else if (o.error == EPERM || o.error == EACCES)
		o.verdict = FORBIDDEN;
	else if (o.error == ENOENT)
		o.verdict = ABSENT;
	return o;
}

static const char *
why_not_tried(const struct attempt *a, const struct sandbox *s)
{
	if (a->inet && s->inet_connect)
		return "allowed to this daemon";
	return a->by_sanitizer && SANITIZED ? "not tried, the sanitizers need it" : NULL;
}

static void
attempt_all(const struct sandbox *s, struct outcome *outcomes)
{
	for (size_t i = 0; i < COUNT(ATTEMPTS); i++)
		if (!why_not_tried(&ATTEMPTS[i], s))
			outcomes[i] = attempt_one(&ATTEMPTS[i]);
}

static void *
thread_main(void *arg)
{
	struct self_test *t = arg;

	while (sem_wait(&t->go) != 0)
		continue;
	attempt_all(t->sandbox, t->outcomes);
	return NULL;
}

struct self_test *
self_test_new(const struct sandbox *s, struct err *err)
{
	struct self_test *t = NEW(struct self_test);
	int rc;

	t->sandbox = s;
	sem_init(&t->go, 0, 0);
	rc = pthread_create(&t->thread, NULL, thread_main, t);
	if (rc == 0)
		return t;
	free(t);
	err_set(err, "cannot start a thread: %s", strerror(rc));
	return NULL;
}

static void
say_one(struct buf *out, const char *what, struct outcome o)
{
	static const char *const HOW[] = {"refused (seccomp)", "refused", "not there", "POSSIBLE"};

	if (o.verdict == FORBIDDEN)
		buf_printf(out, "%s: %s (%s)\n", what, HOW[o.verdict], strerror(o.error));
	else
		buf_printf(out, "%s: %s\n", what, HOW[o.verdict]);
}

int
self_test_run(struct self_test *t, struct buf *out)
{
	struct outcome own[COUNT(ATTEMPTS)] = {{TRAPPED, 0}};
	unsigned possible = 0;

	sandbox_trap_forgive(true);
	attempt_all(t->sandbox, own);
	sem_post(&t->go);
	pthread_join(t->thread, NULL);
	sandbox_trap_forgive(false);
	for (size_t i = 0; i < COUNT(ATTEMPTS); i++) {
		const char *why = why_not_tried(&ATTEMPTS[i], t->sandbox);
		bool worse = t->outcomes[i].verdict > own[i].verdict;

		if (why)
			buf_printf(out, "%s: %s\n", ATTEMPTS[i].what, why);
		else
			say_one(out, ATTEMPTS[i].what, worse ? t->outcomes[i] : own[i]);
		possible += own[i].verdict == POSSIBLE || t->outcomes[i].verdict == POSSIBLE;
	}
	sem_destroy(&t->go);
	free(t);
	return possible ? -1 : 0;
}
