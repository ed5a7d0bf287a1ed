/* The control socket of a daemon: one line in (with descriptors by SCM_RIGHTS), an answer out ("ok" or "error: …", then lines), close.
 * It works with the router dead. Only root and the suite's owner may connect. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"

#define CONTROL_FDS_MAX 8

struct control;

/* The descriptors are the callee's; the answer goes into out. */
typedef void control_fn(void *ctx, struct str line, const int *fds, unsigned n_fds, struct buf *out);

/* Binds "control.N.sock" in the working directory; before the sandbox. owner: besides root, who may connect, up to eight at a time. */
int control_listen(unsigned instance, uid_t owner, int *fd_r, struct err *err);
/* Takes fd. */
struct control *control_new(struct loop *l, int fd, uid_t owner, control_fn *fn, void *ctx);
void control_free(struct control **c);
