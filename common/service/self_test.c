/* Proof from inside that the sandbox holds: tries what no daemon may do. A trapped call only fails meanwhile (trap.c).
 *
 * Refused is what the filter trapped, what Landlock, the user or the lack of a capability forbade, and a name that leads nowhere
 * (the root is another one). Everything else, errors of the wrong kind too, counts as possible. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string.h>

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

/* A name that exists nowhere: were the call allowed, we would still be here, with ENOENT. */
static int
try_exec(void)
{
	char *const none[] = {NULL};

	execve("/nowhere/self-test", none, none);
	return errno == ENOENT ? 0 : errno;
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

static int
try_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
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
    {"be traced", try_trace, true, false},
    {"become root", try_become_root, false, false},
    {"make a namespace", try_namespace, false, false},
    {"change a limit", try_raise_limit, true, false},
};

static bool
is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == ENOENT;
}

/* True when it was possible. */
static bool
attempt_one(const struct attempt *a, struct buf *out)
{
	int error;
	bool trapped;

	(void)sandbox_trap_seen();
	error = a->try();
	trapped = sandbox_trap_seen();
	if (trapped)
		buf_printf(out, "%s: refused (seccomp)\n", a->what);
	else if (is_refusal(error))
		buf_printf(out, "%s: refused (%s)\n", a->what, strerror(error));
	else
		buf_printf(out, "%s: POSSIBLE\n", a->what);
	return !trapped && !is_refusal(error);
}

int
sandbox_self_test(const struct sandbox *s, struct buf *out)
{
	unsigned possible = 0;

	sandbox_trap_forgive(true);
	for (const struct attempt *a = ATTEMPTS; a < ATTEMPTS + COUNT(ATTEMPTS); a++) {
		if (a->inet && s->inet_connect)
			buf_printf(out, "%s: allowed to this daemon\n", a->what);
		else if (a->by_sanitizer && SANITIZED)
			buf_printf(out, "%s: not tried, the sanitizers do it\n", a->what);
		else
			possible += attempt_one(a, out);
	}
	sandbox_trap_forgive(false);
	return possible ? -1 : 0;
}
