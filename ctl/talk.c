/* See talk.h. Called by suite.c. */
#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/pass.h"

#define ANSWER_MAX (1024 * 1024)

int
talk_send(int fd, const char *line, const int *fds, unsigned n_fds)
{
	struct iovec iov[2] = {{.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)},
	    {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	struct pass room;

	if (n_fds > PASS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n_fds > 0)
		pass_put(&m, &room, fds, n_fds);
	ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
	return n == (ssize_t)(strlen(line) + 1) ? 0 : -1;
}

int
talk_receive(int fd, unsigned timeout_ms, struct buf *answer)
{
	uint64_t end_ms = clock_mono_ms() + timeout_ms;

	while (buf_len(answer) < ANSWER_MAX) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now_ms = clock_mono_ms();
		int ready = poll(&p, 1, now_ms < end_ms ? (int)(end_ms - now_ms) : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return -1;
		ssize_t n = read(fd, buf_reserve(answer, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		buf_commit(answer, (size_t)n);
	}
	return -1;
}

int
talk_first_line(struct str answer, struct buf *out, struct err *err)
{
	struct str line, rest;

	str_split(answer, '\n', &line, &rest);
	line = str_trim(line);
	if (str_is(line, "ok")) {
		if (out)
			buf_add_str(out, rest);
		return 0;
	}
	if (str_starts(line, S("error: ")))
		line = str_from(line, sizeof("error: ") - 1);
	return err_set(err, "%.*s", STR_ARG(line));
}
