/* See notify.h. One per supervisor. The socket lies in the run folder, which only root or the suite's owner may enter:
 * daemons connect while they still are that. */
#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define FILE_NAME "notify.sock"
#define DATAGRAMS_PER_TURN 64
#define DATAGRAM_MAX 1024

struct notify {
	int fd;
	struct loop_watch *watch;
	notify_fn *fn;
	void *ctx;
	char address[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Who sent it, as the kernel says; 0: nobody said. */
static pid_t
sender_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		return cred.pid;
	}
	return 0;
}

static void
handle_datagram(struct notify *n, pid_t pid, struct str text)
{
	struct str line;

	while (!str_empty(text)) {
		str_split(text, '\n', &line, &text);
		if (str_is(line, "READY=1"))
			n->fn(n->ctx, pid, NOTIFY_READY);
		else if (str_is(line, "WATCHDOG=1"))
			n->fn(n->ctx, pid, NOTIFY_ALIVE);
	}
}

void
notify_flush(struct notify *n)
{
	for (unsigned i = 0; i < DATAGRAMS_PER_TURN; i++) {
		char text[DATAGRAM_MAX];
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
		struct iovec iov = {.iov_base = text, .iov_len = sizeof(text)};
		struct msghdr m = {.msg_iov = &iov,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(n->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (got < 0)
			return;
		pid_t pid = sender_of(&m);
		if (pid > 0)
			handle_datagram(n, pid, str_of(text, (size_t)got));
	}
}

static void
on_readable(void *ctx, int events)
{
	(void)events;
	notify_flush(ctx);
}

/* The path as others may use it: a long one is spelled through our own descriptor of the folder. */
static void
set_address(struct notify *n, int run_dir, const char *run_path)
{
	struct str path = str_z(run_path);

	if (path.n + sizeof("/" FILE_NAME) <= sizeof(n->address))
		snprintf(n->address, sizeof(n->address), "%s/" FILE_NAME, run_path);
	else
		snprintf(n->address, sizeof(n->address), "/proc/%d/fd/%d/" FILE_NAME, (int)getpid(),
		    run_dir);
}

struct notify *
notify_new(
    struct loop *loop, int run_dir, const char *run_path, notify_fn *fn, void *ctx, struct err *err)
{
	struct notify *n = NEW(struct notify);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int yes = 1;

	set_address(n, run_dir, run_path);
	str_copy(sun.sun_path, sizeof(sun.sun_path), str_z(n->address));
	n->fn = fn;
	n->ctx = ctx;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlinkat(run_dir, FILE_NAME, 0);
	if (n->fd < 0 || setsockopt(n->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) != 0 ||
	    bind(n->fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		err_set(err, "cannot make %s/" FILE_NAME ": %s", run_path, strerror(errno));
		notify_free(&n);
		return NULL;
	}
	n->watch = loop_watch_new(loop, n->fd, on_readable, n);
	loop_watch_set(n->watch, LOOP_READ);
	return n;
}

void
notify_free(struct notify **np)
{
	struct notify *n = *np;

	if (!n)
		return;
	*np = NULL;
	if (n->watch)
		loop_watch_free(&n->watch);
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

const char *
notify_address(const struct notify *n)
{
	return n->address;
}
