/* What happens at a forbidden system call, and the self-test that proves that they are forbidden. The handler runs in the middle of
 * anything: it calls write and _exit only. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/sandbox_private.h"

/* In the self-test a trapped call fails with EPERM instead of ending the process. */
static volatile sig_atomic_t self_test;

static size_t
put_text(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return n;
}

static size_t
put_number(char *to, unsigned v)
{
	char digits[16];
	size_t n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n)
		to[len++] = digits[--n];
	return len;
}

static void
on_sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	char line[128];
	size_t n;

	(void)signo;
	if (self_test) {
		uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
		return;
	}
	n = put_text(line, "seccomp: system call ");
	n += put_number(line + n, (unsigned)info->si_syscall);
	n += put_text(line + n, " is not allowed here; the process ends\n");
	if (write(STDERR_FILENO, line, n) < 0)
		_exit(32);
	_exit(31);
}

void
sandbox_trap_install(void)
{
	struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGSYS, &sa, NULL);
}

/* ---- self-test: each returns true when the forbidden thing was possible ---- */

static bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool
can_open_passwd(const struct sandbox *s)
{
	(void)s;
	return can_open("/etc/passwd", O_RDONLY) || can_open("../../../etc/passwd", O_RDONLY);
}

static bool
can_open_proc(const struct sandbox *s)
{
	(void)s;
	return can_open("/proc/self/environ", O_RDONLY);
}

static bool
can_create_file(const struct sandbox *s)
{
	(void)s;
	return can_open("self-test", O_WRONLY | O_CREAT);
}

static bool
can_connect_out(const struct sandbox *s)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	/* A refused connection is one that was possible. */
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED) {
		close(fd);
		return !s->inet_connect;
	}
	close(fd);
	return false;
}

static bool
can_exec(const struct sandbox *s)
{
	char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL}, *const env[] = {NULL};

	(void)s;
	execve("/bin/true", argv, env);
	return false; /* had it been possible, we would not be here, and the test's caller sees no report */
}

static bool
can_fork(const struct sandbox *s)
{
#ifdef JACKDAW_SANITIZE
	(void)s;
	return false; /* the sanitizers' own list lets their helper be made */
#else
	pid_t pid = fork();

	(void)s;
	if (pid == 0)
		_exit(0);
	return pid > 0;
#endif
}

static bool
can_map_code(const struct sandbox *s)
{
#ifdef JACKDAW_SANITIZE
	(void)s;
	return false; /* theirs maps memory of every kind */
#else
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	return p != MAP_FAILED;
#endif
}

static bool
can_kill_init(const struct sandbox *s)
{
	(void)s;
	return kill(1, 0) == 0;
}

static bool
can_become_root(const struct sandbox *s)
{
	(void)s;
	return getuid() != 0 && setuid(0) == 0;
}

static const struct {
	const char *what;
	bool (*possible)(const struct sandbox *s);
} FORBIDDEN[] = {
    {"open a file of the system", can_open_passwd},
    {"open /proc/self/environ", can_open_proc},
    {"create a file outside the data folder", can_create_file},
    {"connect to an address", can_connect_out},
    {"run a program", can_exec},
    {"make a process", can_fork},
    {"map executable memory", can_map_code},
    {"signal another process", can_kill_init},
    {"become root", can_become_root},
};

int
sandbox_self_test(const struct sandbox *s)
{
	int possible = 0;

	self_test = 1;
	for (size_t i = 0; i < COUNT(FORBIDDEN); i++) {
		bool can = FORBIDDEN[i].possible(s);

		possible += can;
		printf("%s: %s\n", FORBIDDEN[i].what, can ? "POSSIBLE" : "refused");
	}
	fflush(stdout);
	self_test = 0;
	return possible ? -1 : 0;
}
