/* Descriptors that go along with a message over a Unix socket (SCM_RIGHTS). */
#pragma once

#include <sys/socket.h>

#define PASS_MAX 8 /* with one message; the kernel closes what is over it (MSG_CTRUNC) */

/* Room for them, as long as the message is under way. */
struct pass {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PASS_MAX * sizeof(int))];
};

/* For sendmsg: n descriptors, 1 to PASS_MAX, which stay the caller's. */
void pass_put(struct msghdr *m, struct pass *room, const int *fds, unsigned n);
/* For recvmsg, which wants MSG_CMSG_CLOEXEC. */
void pass_expect(struct msghdr *m, struct pass *room);
/* Behind it: at most `most` of those that came go to fds, and are the caller's; others are closed. Returns how many. */
unsigned pass_take(struct msghdr *m, int *fds, unsigned most);
