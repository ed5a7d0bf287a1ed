/* One daemon under supervision: started, watched, started again, stopped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "drain.h"
#include "loop/loop.h"
#include "programs.h"
#include "restarts.h"

enum child_state {
	CHILD_DOWN,
	CHILD_STARTING, /* runs, not ready yet */
	CHILD_READY,
	CHILD_PAUSED,   /* died too often: waits for its next start */
	CHILD_STOPPING, /* asked to end */
};

struct child;

/* What a child needs of its supervisor. */
struct child_host {
	struct loop *loop;
	struct drain *log; /* the supervisor's own lines */
	struct drain_place place;
	/* Starts the process; the pid or -1 with *err filled. */
	pid_t (*spawn)(void *ctx, const struct child *c, struct err *err);
	/* The state is another one; not the place to free anything. */
	void (*changed)(void *ctx);
	/* A connection to the daemon's control socket, non-blocking; -1: none. */
	int (*connect)(void *ctx, const struct child *c);
	void *ctx;
};

struct child {
	const struct child_host *host;
	const struct program *program;
	unsigned instance;
	char name[32]; /* "c2sd.0" */

	enum child_state state;
	bool wanted;  /* started again when it ends */
	bool adopted; /* not our child: an earlier supervisor's */
	pid_t pid;    /* 0: none */
	uint64_t started_ms;
	uint64_t alive_ms; /* the last sign of life */
	unsigned n_restarts;
	struct restarts restarts;

	struct drain *drain;
	struct loop_timer *timer; /* of PAUSED: the next start; of STOPPING: SIGKILL */
	int pid_fd;               /* of an adopted one; -1 */
	struct loop_watch *pid_watch;
	struct ping *ping;
};

struct child *child_new(const struct child_host *host, const struct program *program,
    unsigned instance, struct err *err);
/* The process goes on. */
void child_free(struct child **c);

void child_start(struct child *c);
/* Goes on with a process that runs already. False: it is gone. */
bool child_adopt(struct child *c, pid_t pid);
void child_stop(struct child *c);
/* Stops and starts again, at once. */
void child_restart(struct child *c);
void child_kill(struct child *c);

/* What the kernel says: it has ended. status as of waitpid, or -1 when nobody knows. */
void child_died(struct child *c, int status);
void child_is_ready(struct child *c);
void child_is_alive(struct child *c);
/* Kills it when it has been silent for too long. Called every second. */
void child_check(struct child *c);

const char *child_state_name(enum child_state s);
