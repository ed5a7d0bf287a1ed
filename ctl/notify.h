/* The supervisor's end of sd_notify: datagrams READY=1 and WATCHDOG=1 from the daemons. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "loop/loop.h"

struct notify;

enum notify_kind {
	NOTIFY_READY,
	NOTIFY_ALIVE,
};

/* pid: of the sender, from the kernel. */
typedef void notify_fn(void *ctx, pid_t pid, enum notify_kind kind);

/* The socket is made in the folder run_dir (of this path). NULL with *err filled. */
struct notify *notify_new(struct loop *loop, int run_dir, const char *run_path, notify_fn *fn,
    void *ctx, struct err *err);
void notify_free(struct notify **n);

/* NOTIFY_SOCKET for the children. */
const char *notify_address(const struct notify *n);
/* Handles what has come, now. */
void notify_flush(struct notify *n);
