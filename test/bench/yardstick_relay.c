/* The yardstick's router and session: processes that pass frames on, and write once per turn. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "yardstick.h"

static size_t
pass_frames(struct bytes *in, struct bytes *out)
{
	size_t done = 0;
	struct frame f;

	while (in->len - done >= sizeof f) {
		memcpy(&f, in->p + done, sizeof f);
		if (in->len - done < f.length)
			break;
		bytes_add(out, in->p + done, f.length);
		done += f.length;
	}
	return done;
}

void
write_all(int fd, struct bytes *out)
{
	for (size_t done = 0; done < out->len;) {
		ssize_t n = write(fd, out->p + done, out->len - done);
		if (n < 0)
			_exit(0);
		done += (size_t)n;
	}
	out->len = 0;
}

/* What comes from a goes to b, and back; with a == b it returns where it came from. */
static void
relay(const char *name, int a, int b)
{
	int epoll = epoll_create1(0), fds[2] = {a, b};
	struct bytes in[2] = {{0}}, out = {0};

	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0; i < (a == b ? 1 : 2); i++)
		epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){EPOLLIN, {.u32 = i}});
	for (;;) {
		struct epoll_event events[2];
		int n = epoll_wait(epoll, events, 2, -1);
		for (int k = 0; k < n; k++) {
			uint32_t i = events[k].data.u32;
			bytes_reserve(&in[i], PIPE_BYTES);
			ssize_t got = read(fds[i], in[i].p + in[i].len, PIPE_BYTES);
			if (got <= 0)
				_exit(0);
			in[i].len += (size_t)got;
			bytes_drop(&in[i], pass_frames(&in[i], &out));
			write_all(fds[!i], &out);
		}
	}
}

static void
make_pair(int *pair)
{
	int room = PIPE_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		die("socketpair: %s", strerror(errno));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

void
start_others(struct edge *e)
{
	int to_router[2], to_session[2];

	make_pair(to_router);
	make_pair(to_session);
	if (fork() == 0) {
		close(to_router[0]);
		close(to_session[1]);
		relay("y-router", to_router[1], to_session[0]);
	}
	if (fork() == 0) {
		close(to_router[0]);
		close(to_router[1]);
		close(to_session[0]);
		relay("y-session", to_session[1], to_session[1]);
	}
	close(to_router[1]);
	close(to_session[0]);
	close(to_session[1]);
	e->hub = to_router[0];
}
