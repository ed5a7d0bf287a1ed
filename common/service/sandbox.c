/* The sandbox as tables: what the kernel still lets a daemon do once it runs. Landlock (files) before the threads, because it holds
 * for the calling thread and its children only; seccomp (calls) behind them, for all. It is built so that a kernel that lacks one of
 * them still gives the other; what is missing is said in the log. */
#include "service/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "service/sandbox_private.h"

/* ---- Landlock ---- */

/* Bits that came after Debian 12's header. */
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_ALL_V1 ((1ULL << 13) - 1)
#define NET_TCP_ALL 3ULL
#define SCOPE_ALL 3ULL

/* As newer kernels know it; older ones take the shorter form. */
struct landlock_rules {
	uint64_t handled_fs, handled_net, scoped;
};

static size_t
landlock_size(long abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static struct landlock_rules
landlock_rules_for(long abi, const struct sandbox *s)
{
	struct landlock_rules r = {.handled_fs = FS_ALL_V1};

	if (abi >= 2)
		r.handled_fs |= FS_REFER;
	if (abi >= 3)
		r.handled_fs |= FS_TRUNCATE;
	if (abi >= 4 && !s->inet_connect)
		r.handled_net = NET_TCP_ALL;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

static int
landlock_allow_data(int ruleset, uint64_t rights, struct err *err)
{
	struct landlock_path_beneath_attr beneath = {
	    .allowed_access = rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE};
	int rc;

	beneath.parent_fd = open("data", O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (beneath.parent_fd < 0)
		return err_set(err, "the folder data cannot be opened: %s", strerror(errno));
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
	return rc == 0 ? 0 : err_set(err, "Landlock refuses the data folder: %s", strerror(errno));
}

int
sandbox_landlock(const struct sandbox *s, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_rules rules = landlock_rules_for(abi, s);
	int fd;

	if (abi < 1) {
		log_warn(
		    "this kernel has no Landlock: files are guarded by user, chroot and seccomp only");
		return 0;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, landlock_size(abi), 0);
	if (fd < 0)
		return err_set(err, "Landlock: %s", strerror(errno));
	if (s->files && landlock_allow_data(fd, rules.handled_fs, err) != 0) {
		close(fd);
		return -1;
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
		close(fd);
		return err_set(err, "Landlock: %s", strerror(errno));
	}
	close(fd);
	log_debug("Landlock version %ld", abi);
	return 0;
}

/* ---- seccomp: the lists ---- */

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
    CALL(setsockopt),
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
#endif

#ifdef JACKDAW_SANITIZE
/* The leak detector wants to read /proc when the process ends, which a confined one cannot. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* ---- seccomp: the filter ---- */

static int
allow_list(scmp_filter_ctx f, const int *list)
{
	int rc = 0;

	for (; *list != END_OF_LIST && rc == 0; list++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, *list, 0);
	return rc;
}

/* Calls that are allowed with certain arguments only. */
static int
allow_checked(scmp_filter_ctx f, const struct sandbox *s)
{
	const unsigned exec = PROT_EXEC;
	int rc = 0;

	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETFD, 0));
	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
	rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0, 0));
	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	if (s->files) {
		rc |= seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETLK, 0));
		rc |= seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETLKW, 0));
		rc |= seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, CALL(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETLK, 0));
	}
	if (s->inet_connect) {
		rc |= seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, CALL(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
		rc |= seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, CALL(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
		rc |= seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(bind), 0);
	}
	return rc;
}

/* glibc tries these and goes on without. */
static int
answer_enosys(scmp_filter_ctx f)
{
	int rc = 0;

#ifndef JACKDAW_SANITIZE
	rc |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
#endif
	/* libconfuse's scanner asks whether a reload's text is a terminal. */
	rc |= seccomp_rule_add(
	    f, SCMP_ACT_ERRNO(ENOTTY), CALL(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TCGETS, 0));
	return rc;
}

static int
filter_build(scmp_filter_ctx f, const struct sandbox *s)
{
	int rc = allow_list(f, BASE) | allow_checked(f, s) | answer_enosys(f);

	if (s->accept)
		rc |= allow_list(f, ACCEPT);
	if (s->files)
		rc |= allow_list(f, FILES);
#ifdef JACKDAW_SANITIZE
	rc |= allow_list(f, SANITIZER);
#endif
	if (s->syscalls)
		rc |= allow_list(f, s->syscalls);
	return rc;
}

int
sandbox_seccomp(const struct sandbox *s, struct err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int rc;

	if (!f)
		return err_set(err, "seccomp: out of memory");
	rc = filter_build(f, s);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	if (rc == -ENOSYS || rc == -EINVAL) {
		log_warn("this kernel has no seccomp filters: system calls are not confined");
		return 0;
	}
	return rc == 0 ? 0 : err_set(err, "seccomp: %s", strerror(-rc));
}
