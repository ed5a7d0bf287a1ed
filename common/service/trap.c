/* What happens at a system call that is not allowed. The handler runs in the middle of anything: it calls poll, write and _exit only,
 * and reads names that were looked up before. */
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "service/sandbox_private.h"

#define CALLS_MAX 512
#define EXIT_TRAPPED 31

static volatile sig_atomic_t forgiving;
static _Thread_local volatile sig_atomic_t seen;
static const char *names[CALLS_MAX]; /* NULL: none of this architecture */

static size_t
put_text(char *to, const char *text)
{
	size_t n = 0;

	for (; text[n]; n++)
		to[n] = text[n];
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

/* The call did nothing and returns EPERM. */
static void
answer_eperm(ucontext_t *uc)
{
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (uint64_t)-EPERM;
#else
	(void)uc; /* whatever it was answers: the self-test asks sandbox_trap_seen */
#endif
}

/* A full pipe must not keep the process from its end. */
static void
say(const char *line, size_t n)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&err, 1, 0) == 1 && (err.revents & POLLOUT))
		(void)!write(STDERR_FILENO, line, n);
}

static void
on_sigsys(int signo, siginfo_t *info, void *context)
{
	unsigned call = (unsigned)info->si_syscall;
	char line[160];
	size_t n;

	(void)signo;
	if (forgiving) {
		seen = 1;
		answer_eperm(context);
		return;
	}
	n = put_text(line, "seccomp: system call ");
	n += put_number(line + n, call);
	if (call < CALLS_MAX && names[call]) {
		n += put_text(line + n, " (");
		n += put_text(line + n, names[call]);
		n += put_text(line + n, ")");
	}
	n += put_text(line + n, " is not allowed here; the process ends\n");
	say(line, n);
	_exit(EXIT_TRAPPED);
}

void
sandbox_trap_install(void)
{
	struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};

	for (int i = 0; i < CALLS_MAX; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		/* Longest today: landlock_create_ruleset */
		if (name && strlen(name) < 64)
			names[i] = name;
	}
	sigemptyset(&sa.sa_mask);
	sigaction(SIGSYS, &sa, NULL);
}

void
sandbox_trap_forgive(bool on)
{
	forgiving = on;
}

bool
sandbox_trap_seen(void)
{
	bool was = seen;

	seen = 0;
	return was;
}
