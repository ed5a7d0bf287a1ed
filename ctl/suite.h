/* The suite that a command is about: its folders, its settings, who runs, and how to ask them. */
#pragma once

#include <sys/types.h>

#include "ctl.h"
#include "service/suite.h"

/* Opens the folders and reads jackdaw.conf. -1 with *err filled. */
int suite_open(struct ctl *c, struct err *err);
/* The folders only: for what must work with a broken file. */
int suite_open_folders(struct ctl *c, struct err *err);
/* Reads jackdaw.conf (again). -1: what was known stays. */
int suite_load(struct ctl *c, struct err *err);
void suite_close(struct ctl *c);

/* The folder of a role; the caller closes it. -1 with *err filled. */
int suite_role_dir(const struct ctl *c, enum role role, struct err *err);

/* Pid of a daemon that runs, of the supervisor; 0: none. */
pid_t suite_running(const struct ctl *c, const struct program *p, unsigned instance);
pid_t suite_supervisor(const struct ctl *c);
/* Whether anything of it runs. */
bool suite_is_up(const struct ctl *c);

/* A Unix socket in the run folder, for the owner alone. */
int suite_listen(const struct ctl *c, const char *file, struct err *err);
/* Connected; flags: SOCK_NONBLOCK or 0. -1 with errno set. */
int suite_connect(int dir, const char *file, int flags);
int suite_control_connect(
    const struct ctl *c, const struct program *p, unsigned instance, int flags);

/* Asks a daemon over its control socket, with descriptors; what follows the first line of the answer is appended to `out` (may be
 * NULL). -1 with *err filled: it cannot be reached, or its answer is an error. */
struct control_call {
	const struct program *program;
	unsigned instance;
	const char *line;
	const int *fds;
	unsigned n_fds;
	unsigned timeout_ms; /* 0: 15 s */
};
int suite_control(
    const struct ctl *c, const struct control_call *call, struct buf *out, struct err *err);

/* Asks the supervisor; waits up to timeout_ms for its answer. 0; -1 with *err filled. */
int suite_ask_supervisor(
    const struct ctl *c, const char *line, unsigned timeout_ms, struct buf *out, struct err *err);
