/* See handover.h. */
#include "edge/handover.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/pass.h"

struct handover_name
handover_name(unsigned instance)
{
	struct handover_name n;

	snprintf(n.file, sizeof(n.file), "s2sd.%u.sock", instance);
	return n;
}

/* ---- c2sd ---- */

int
handover_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
handover_send(int sock, unsigned instance, int fd, struct str read)
{
	struct handover_name name = handover_name(instance);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)read.p, .iov_len = read.n};
	struct msghdr m = {
	    .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};
	struct pass room;

	memcpy(to.sun_path, name.file, sizeof(name.file));
	pass_put(&m, &room, &fd, 1);
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* ---- s2sd ---- */

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &n) == 0 ? value : -1;
}

/* What accept4 of a listener of ours could have brought. */
static bool
is_connection(int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int domain = option(fd, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) && option(fd, SO_TYPE) == SOCK_STREAM &&
	    option(fd, SO_PROTOCOL) == IPPROTO_TCP && option(fd, SO_ACCEPTCONN) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &n) == 0;
}

int
/* NOLINTNEXTLINE(readability-non-const-parameter): recvmsg writes the bytes */
handover_receive(int sock, uint8_t bytes[HANDOVER_BYTES], size_t *n_r)
{
	struct iovec iov = {.iov_base = bytes, .iov_len = HANDOVER_BYTES};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[PASS_MAX];
	unsigned n_fds;
	struct pass room;
	ssize_t n;

	pass_expect(&m, &room);
	n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -1;
	n_fds = pass_take(&m, fds, PASS_MAX);
	if (n_fds == 1 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_connection(fds[0])) {
		*n_r = (size_t)n;
		return fds[0];
	}
	while (n_fds > 0)
		close(fds[--n_fds]);
	errno = EBADMSG;
	return -1;
}
