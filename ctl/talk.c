/* See talk.h. Called by suite.c. */
#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define FDS_MAX 8
#define ANSWER_MAX (1024 * 1024)

int
talk_send(int fd, const char *line, const int *fds, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {0};
	struct iovec iov[2] = {{.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)},
	    {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	if (n_fds > FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n_fds > 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
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
