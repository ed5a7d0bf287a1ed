/* One line out, with descriptors, and an answer back until the other end closes: the form of the control sockets and of
 * the supervisor's (service/control.h). Blocking, with a deadline. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Sends the line and a newline. -1 with errno set. */
int talk_send(int fd, const char *line, const int *fds, unsigned n_fds);
/* Everything until the other end closes, at most 1 MiB. -1: the deadline has passed, or an error. */
int talk_receive(int fd, unsigned timeout_ms, struct buf *answer);
/* The first line says "ok" (0, the others are appended to `out`, which may be NULL) or "error: …" (-1, in *err). */
int talk_first_line(struct str answer, struct buf *out, struct err *err);
