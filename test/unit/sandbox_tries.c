/* See sandbox_tries.h. */
#include "sandbox_tries.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"

static int
said(long result)
{
	return result < 0 ? errno : 0;
}

int
try_open_system(void)
{
	return said(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

int
try_open_by_parents(void)
{
	return said(open("data/../../../etc/passwd", O_RDONLY | O_CLOEXEC));
}

int
try_create_outside_data(void)
{
	return said(open("outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

int
try_create_inside_data(void)
{
	int fd = open("data/inside", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fdatasync(fd) != 0 || ftruncate(fd, 4096) != 0)
		return errno;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct statfs fs;
	if (p == MAP_FAILED || fcntl(fd, F_SETLK, &lock) != 0 || fstatfs(fd, &fs) != 0)
		return errno;
	return said(rename("data/inside", "data/renamed")) || said(unlink("data/renamed"));
}

int
try_execute_in_data(void)
{
	char *const none[] = {NULL};

	execve("data/program", none, none);
	return errno == ENOENT ? 0 : errno;
}

/* As storaged and authd use it. */
int
try_sqlite(void)
{
	sqlite3 *db;
	int rc = sqlite3_open("data/test.db", &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(x);"
		    "INSERT INTO t VALUES(randomblob(100000)); PRAGMA wal_checkpoint(TRUNCATE);"
		    "VACUUM; DROP TABLE t",
		    NULL, NULL, NULL);
	if (sqlite3_close(db) != SQLITE_OK)
		return EIO;
	return rc == SQLITE_OK ? 0 : rc == SQLITE_CANTOPEN ? EACCES : EIO;
}

int
try_inet(void)
{
	return said(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int
try_inet6_datagram(void)
{
	return said(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

int
try_netlink(void)
{
	return said(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

int
try_packet(void)
{
	return said(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* To the router, again and again: nobody there is no refusal. */
int
try_unix_connect(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "router.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ENOENT ? 0 : errno;
}

int
try_exec(void)
{
	char *const none[] = {NULL};

	return said(execve("/bin/true", none, none));
}

int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return said(pid);
}

static void *
do_nothing(void *arg)
{
	return arg;
}

int
try_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, do_nothing, NULL);
}

int
try_map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

int
try_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? EIO : said(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

int
try_kill(void)
{
	return said(kill(getppid(), 0));
}

int
try_ptrace(void)
{
	return said(ptrace(PTRACE_ATTACH, 1, NULL, NULL));
}

int
try_setuid(void)
{
	return said(setuid(getuid()));
}

int
try_unshare(void)
{
	return said(unshare(CLONE_NEWUSER));
}

int
try_chroot(void)
{
	return said(chroot("."));
}

int
try_mount(void)
{
	return said(mount("none", "/", "tmpfs", 0, NULL));
}

int
try_dumpable(void)
{
	return said(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

int
try_raise_limit(void)
{
	struct rlimit r = {.rlim_cur = 0, .rlim_max = 0};

	return said(setrlimit(RLIMIT_CORE, &r));
}

int
try_linger(void)
{
	struct linger l = {.l_onoff = 1, .l_linger = 10};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return said(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

/* The kernel looks at half of the argument. */
int
try_linger_in_disguise(void)
{
	struct linger l = {.l_onoff = 1, .l_linger = 10};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return said(syscall(SYS_setsockopt, fd, SOL_SOCKET, 1L << 32 | SO_LINGER, &l, sizeof(l)));
}

int
try_socket_options(void)
{
	/* Their numbers differ from that of SO_LINGER in one bit each. */
	static const int names[] = {SO_PRIORITY, SO_KEEPALIVE, SO_DONTROUTE, SO_TIMESTAMP};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	for (size_t i = 0; i < COUNT(names); i++)
		if (setsockopt(fd, SOL_SOCKET, names[i], &one, sizeof(one)) != 0)
			return errno;
	return 0;
}

int
try_terminal(void)
{
	char c = 'x';

	return said(ioctl(0, TIOCSTI, &c));
}

int
try_io_uring(void)
{
	return said(syscall(SYS_io_uring_setup, 1, NULL));
}

int
try_bpf(void)
{
	return said(syscall(SYS_bpf, 0, NULL, 0));
}

int
try_keyring(void)
{
	return said(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

int
try_other_memory(void)
{
	return said(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

/* What every loop does. */
int
try_daily_work(void)
{
	int pair[2], one = 1;
	char c = 'x', random[16];
	struct pollfd p = {.events = POLLIN};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	p.fd = pair[1];
	if (send(pair[0], &c, 1, 0) != 1 || poll(&p, 1, 1000) != 1 || read(pair[1], &c, 1) != 1 ||
	    ioctl(pair[0], FIONBIO, &one) != 0 || shutdown(pair[0], SHUT_RDWR) != 0 ||
	    close(pair[0]) != 0 || close(pair[1]) != 0)
		return errno;
	if (getrandom(random, sizeof(random), 0) != sizeof(random) || eventfd(0, EFD_CLOEXEC) < 0 ||
	    epoll_create1(EPOLL_CLOEXEC) < 0)
		return errno;
	for (size_t n = 1; n < 1 << 24; n *= 2) {
		char *m = malloc(n);
		memset(m, 1, n);
		free(m);
	}
	return 0;
}

static void
on_timer(void *ctx)
{
	loop_stop(ctx);
}

int
try_loop(void)
{
	struct loop *l = loop_new();
	struct loop_timer *t = loop_timer_new(l, on_timer, l);

	loop_timer_start(t, 1, 0);
	loop_run(l);
	loop_timer_free(&t);
	loop_free(&l);
	return 0;
}
