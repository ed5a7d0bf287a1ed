/* seccomp: what the kernel still lets a daemon do once it runs, as tables. It is loaded behind the start of the threads, for all of
 * them. What is not listed here or in the daemon's own table traps (trap.c). A kernel without it is named in the log. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/sandbox_private.h"

/* ---- the lists ---- */

#define CALL(name) SCMP_SYS(name)
#define END_OF_LIST (-1)

/* Memory, time, threads that exist, the loop, descriptors that are open. */
static const int BASE[] = {
    CALL(read),
    CALL(readv),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(recvmmsg),
    CALL(write),
    CALL(writev),
    CALL(sendto),
    CALL(sendmsg),
    CALL(close),
    CALL(shutdown),
    CALL(fstat),
    CALL(newfstatat),
    CALL(lseek),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_ctl),
    CALL(epoll_create1),
    CALL(poll),
    CALL(ppoll),
    CALL(eventfd2),
    CALL(futex),
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(clock_gettime),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(gettimeofday),
    CALL(time),
    CALL(getrandom),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigaction),
    CALL(getpid),
    CALL(gettid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(tgkill),
    CALL(exit),
    CALL(exit_group),
    CALL(restart_syscall),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(getsockopt),
    CALL(getsockname),
    CALL(getpeername),
    CALL(accept4), /* the control socket */
    CALL(connect),
    CALL(uname),
    CALL(sysinfo),
    CALL(dup),
    CALL(pipe2),
    CALL(getrusage),
    CALL(set_robust_list),
    CALL(rseq), /* a thread that was made just before may only begin now, and glibc aborts without it */
    CALL(membarrier),
    CALL(flock),
    END_OF_LIST,
};

/* Taking connections. */
static const int ACCEPT[] = {CALL(accept), CALL(listen), END_OF_LIST};

/* SQLite in one folder. */
static const int FILES[] = {
    CALL(openat),
    CALL(open),
    CALL(stat),
    CALL(lstat),
    CALL(unlink),
    CALL(unlinkat),
    CALL(ftruncate),
    CALL(fdatasync),
    CALL(fsync),
    CALL(pread64),
    CALL(pwrite64),
    CALL(access),
    CALL(faccessat),
    CALL(statfs),
    CALL(fstatfs),
    CALL(getcwd),
    CALL(readlink),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(fchmod),
    CALL(fchown),
    CALL(fallocate),
    CALL(getdents64),
    CALL(utimensat),
    CALL(sync_file_range),
    END_OF_LIST,
};

#ifdef JACKDAW_SANITIZE
/* What the sanitizers' runtimes do beside us: maps of the process, symbolizing, leak checks by a helper process. */
static const int SANITIZER[] = {
    CALL(openat),
    CALL(open),
    CALL(readlink),
    CALL(readlinkat),
    CALL(stat),
    CALL(lstat),
    CALL(access),
    CALL(sigaltstack),
    CALL(mprotect),
    CALL(mmap),
    CALL(getdents64),
    CALL(clone),
    CALL(wait4),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(prctl),
    CALL(arch_prctl),
    CALL(rt_tgsigqueueinfo),
    CALL(getppid),
    CALL(kill),
    CALL(getrlimit),
    CALL(prlimit64),
    CALL(ioctl),
    CALL(dup2),
    CALL(pipe),
    CALL(getcwd),
    CALL(statx),
    CALL(sched_getparam),
    CALL(personality),
    CALL(setrlimit),
    CALL(msync),
    CALL(mincore),
    END_OF_LIST,
};

/* The leak detector wants to read /proc when the process ends, which a confined one cannot. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#else
static const int SANITIZER[] = {END_OF_LIST};
#endif

/* Calls that are allowed with one value of one argument only. */
struct checked {
	int call;
	unsigned argument;
	scmp_datum_t mask, value; /* mask 0: all bits */
};

static const struct checked CHECKED[] = {
    {CALL(mmap), 2, PROT_EXEC, 0},
    {CALL(mprotect), 2, PROT_EXEC, 0},
    {CALL(socket), 0, 0, AF_UNIX},
    {CALL(socketpair), 0, 0, AF_UNIX},
    {CALL(fcntl), 1, 0, F_GETFL},
    {CALL(fcntl), 1, 0, F_SETFL},
    {CALL(fcntl), 1, 0, F_GETFD},
    {CALL(fcntl), 1, 0, F_SETFD},
    {CALL(fcntl), 1, 0, F_DUPFD_CLOEXEC},
    {CALL(ioctl), 1, 0, FIONREAD},
    {CALL(ioctl), 1, 0, FIONBIO},
    {CALL(prlimit64), 2, 0, 0}, /* to ask, not to set */
    {CALL(prctl), 0, 0, PR_SET_NAME},
    {END_OF_LIST, 0, 0, 0},
};

static const struct checked CHECKED_FILES[] = {
    {CALL(fcntl), 1, 0, F_SETLK},
    {CALL(fcntl), 1, 0, F_SETLKW},
    {CALL(fcntl), 1, 0, F_GETLK},
    {END_OF_LIST, 0, 0, 0},
};

static const struct checked CHECKED_INET[] = {
    {CALL(socket), 0, 0, AF_INET},
    {CALL(socket), 0, 0, AF_INET6},
    {END_OF_LIST, 0, 0, 0},
};

static const int INET[] = {CALL(bind), END_OF_LIST};

/* ---- the filter: each function returns 0 or libseccomp's negative errno ---- */

static int
allow_list(scmp_filter_ctx f, const int *list)
{
	int rc = 0;

	for (; *list != END_OF_LIST && rc == 0; list++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, *list, 0);
	return rc;
}

static int
allow_checked(scmp_filter_ctx f, const struct checked *c)
{
	int rc = 0;

	for (; c->call != END_OF_LIST && rc == 0; c++) {
		struct scmp_arg_cmp is = {.arg = c->argument,
		    .op = c->mask ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
		    .datum_a = c->mask ? c->mask : c->value,
		    .datum_b = c->value};

		rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, c->call, 1, &is);
	}
	return rc;
}

/* All of setsockopt but SO_LINGER, with which a close waits: whoever hands a socket to another daemon must not be able to hold that one up
 * (edge/handover.h). The kernel looks at the lower half of the argument only, so the name is another one where one of these bits is. */
static int
allow_options(scmp_filter_ctx f)
{
	int rc = 0;

	for (unsigned bit = 0; bit < 32 && rc == 0; bit++) {
		scmp_datum_t mask = (scmp_datum_t)1 << bit;
		struct scmp_arg_cmp differs = {.arg = 2,
		    .op = SCMP_CMP_MASKED_EQ,
		    .datum_a = mask,
		    .datum_b = mask & ~(scmp_datum_t)SO_LINGER};

		rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(setsockopt), 1, &differs);
	}
	return rc;
}

/* Calls that are tried and gone on without. */
static int
answer_with_errors(scmp_filter_ctx f)
{
	struct scmp_arg_cmp is_terminal = {.arg = 1, .op = SCMP_CMP_EQ, .datum_a = TCGETS};
	int rc = 0;

#ifndef JACKDAW_SANITIZE
	rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
#endif
	/* libconfuse's scanner asks whether a reload's text is a terminal. */
	if (rc == 0)
		rc = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(ENOTTY), CALL(ioctl), 1, &is_terminal);
	return rc;
}

static int
filter_build(scmp_filter_ctx f, const struct sandbox *s)
{
	const int none[] = {END_OF_LIST};
	const int *lists[] = {BASE, SANITIZER, s->accept ? ACCEPT : none, s->files ? FILES : none,
	    s->inet_connect ? INET : none, s->syscalls ? s->syscalls : none};
	int rc = allow_checked(f, CHECKED);

	if (rc == 0)
		rc = allow_options(f);
	for (size_t i = 0; i < COUNT(lists) && rc == 0; i++)
		rc = allow_list(f, lists[i]);
	if (rc == 0 && s->files)
		rc = allow_checked(f, CHECKED_FILES);
	if (rc == 0 && s->inet_connect)
		rc = allow_checked(f, CHECKED_INET);
	return rc == 0 ? answer_with_errors(f) : rc;
}

/* Asked of the kernel: no error of loading a filter may be taken for "there is none". */
static bool
kernel_has_filters(void)
{
	uint32_t action = SECCOMP_RET_TRAP;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL)
		return false;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return true;
	return errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP;
}

int
sandbox_seccomp(const struct sandbox *s, struct err *err)
{
	scmp_filter_ctx f;
	int rc;

	if (!kernel_has_filters()) {
		log_warn("this kernel has no seccomp filters: system calls are not confined");
		return 0;
	}
	f = seccomp_init(SCMP_ACT_TRAP);
	if (!f)
		return err_set(err, "seccomp: no filter can be made");
	rc = filter_build(f, s);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc == 0 ? 0 : err_set(err, "seccomp: %s", strerror(-rc));
}
