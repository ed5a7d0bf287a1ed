/* See pass.h. */
#include "loop/pass.h"

#include <string.h>
#include <unistd.h>

void
pass_put(struct msghdr *m, struct pass *room, const int *fds, unsigned n)
{
	struct cmsghdr *h;

	memset(room, 0, sizeof(*room));
	m->msg_control = room->control;
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
}

void
pass_expect(struct msghdr *m, struct pass *room)
{
	m->msg_control = room->control;
	m->msg_controllen = sizeof(room->control);
}

unsigned
pass_take(struct msghdr *m, int *fds, unsigned most)
{
	unsigned taken = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (taken < most)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}
