/* See control.h. Each client is a small object with a deadline; a ninth one waits. */
#include "service/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/pass.h"
#include "service/files.h"

#define CLIENTS_MAX 8
#define LINE_BYTES_MAX 4096
#define DEADLINE_MS 10000

struct control {
	struct loop *loop;
	struct listener *listener;
	uid_t owner;
	control_fn *fn;
	void *ctx;
	struct list clients;
	unsigned n_clients;
};

struct client {
	struct list link;
	struct control *control;
	struct loop_watch *watch;
	struct loop_timer *deadline;
	int fd;
	int fds[CONTROL_FDS_MAX];
	unsigned n_fds;
	struct buf in, out; /* in: at most LINE_BYTES_MAX */
};

/* The one end of a client. */
static void
client_free(struct client *c)
{
	struct control *control = c->control;

	list_remove(&c->link);
	control->n_clients--;
	for (unsigned i = 0; i < c->n_fds; i++)
		close(c->fds[i]);
	loop_watch_free(&c->watch);
	loop_timer_free(&c->deadline);
	close(c->fd);
	buf_deinit(&c->in);
	buf_deinit(&c->out);
	free(c);
	listener_resume(control->listener);
}

static void
on_deadline(void *ctx)
{
	client_free(ctx);
}

/* Bytes read; 0 at the end; -1 when there is nothing now. */
static ssize_t
client_receive(struct client *c)
{
	char bytes[1024];
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct pass room;
	ssize_t n;

	pass_expect(&m, &room);
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	c->n_fds += pass_take(&m, c->fds + c->n_fds, CONTROL_FDS_MAX - c->n_fds);
	buf_add(&c->in, bytes, (size_t)n);
	return n;
}

/* Writes what fits; true when all is out. */
static bool
client_flush(struct client *c)
{
	while (buf_len(&c->out)) {
		struct str s = buf_str(&c->out);
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			return true;
		buf_consume(&c->out, (size_t)n);
	}
	return true;
}

static void
client_answer(struct client *c, struct str line)
{
	unsigned n_fds = c->n_fds;

	c->n_fds = 0; /* they are the callee's now */
	c->control->fn(c->control->ctx, line, c->fds, n_fds, &c->out);
	if (client_flush(c))
		client_free(c);
	else
		loop_watch_set(c->watch, LOOP_WRITE);
}

static void
on_client(void *ctx, int events)
{
	struct client *c = ctx;
	struct str line, rest;
	ssize_t n;

	if (events & LOOP_WRITE) {
		if (client_flush(c))
			client_free(c);
		return;
	}
	n = client_receive(c);
	if (n < 0)
		return;
	if (str_split(buf_str(&c->in), '\n', &line, &rest))
		client_answer(c, str_trim(line));
	else if (n == 0 || buf_len(&c->in) > LINE_BYTES_MAX)
		client_free(c);
}

static bool
may_connect(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	    (peer.uid == 0 || peer.uid == control->owner);
}

static bool
may_accept(void *ctx)
{
	return ((const struct control *)ctx)->n_clients < CLIENTS_MAX;
}

static void
on_accepted(void *ctx, int fd)
{
	struct control *control = ctx;
	struct client *c;

	if (!may_connect(control, fd)) {
		close(fd);
		return;
	}
	c = NEW(struct client);
	c->control = control;
	c->fd = fd;
	list_add(&control->clients, &c->link);
	control->n_clients++;
	c->deadline = loop_timer_new(control->loop, on_deadline, c);
	loop_timer_start(c->deadline, DEADLINE_MS, 0);
	c->watch = loop_watch_new(control->loop, fd, on_client, c);
	loop_watch_set(c->watch, LOOP_READ);
}

int
control_listen(unsigned instance, uid_t owner, int *fd_r, struct err *err)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "control.%u.sock", instance);
	fd = bind_unix(name, SOCK_STREAM, owner);
	if (fd < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	*fd_r = fd;
	return 0;
}

struct control *
control_new(struct loop *l, int fd, uid_t owner, control_fn *fn, void *ctx)
{
	struct control *c = NEW(struct control);

	c->loop = l;
	c->owner = owner;
	c->fn = fn;
	c->ctx = ctx;
	list_init(&c->clients);
	c->listener = listener_new(l, fd, may_accept, on_accepted, c);
	return c;
}

void
control_free(struct control **cp)
{
	struct control *c = *cp;

	if (!c)
		return;
	LIST_FOREACH_SAFE(&c->clients, it, nx)
		client_free(CONTAINER_OF(it, struct client, link));
	listener_free(&c->listener);
	free(c);
	*cp = NULL;
}
