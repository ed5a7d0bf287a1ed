/* One port for clients and servers (M-07): c2sd takes a connection, hears a server speak, and hands the descriptor on to s2sd with the
 * bytes that it has read, in one datagram over a socket that only c2sd's user can reach. Nothing comes back.
 *
 * The receiver believes nothing of it: what comes is a stranger's connection with a stranger's bytes, or it is closed. The sender may
 * have kept a descriptor of the same socket: it can read, write and end it, as everybody on its way can, and it can make it
 * blocking, so conn.c says MSG_DONTWAIT. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HANDOVER_BYTES (32 * 1024) /* that were read, at most: what comes with more is closed */

/* The socket of each process of s2sd, in the folder of c2sd. */
struct handover_name {
	char file[32];
};
struct handover_name handover_name(unsigned instance);

/* A socket to send from, non-blocking; -1 with errno. */
int handover_socket(void);
/* fd stays the caller's. Returns 0, or negative errno: that process is not there, or has as many waiting as the kernel allows. */
int handover_send(int sock, unsigned instance, int fd, struct str read);
/* The next one: a connected TCP socket, which is the caller's, and the number of bytes that were read of it. -1 with errno: EAGAIN
 * when there is none, EBADMSG when it was something else, which is closed. */
int handover_receive(int sock, uint8_t bytes[HANDOVER_BYTES], size_t *n_r);
