/* The supervisor behind `jackdawctl up`: keeps the daemons of one suite running, answers `status`, `restart` and `down`
 * on run/supervisor.sock. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "child.h"
#include "ctl.h"
#include "listeners.h"
#include "notify.h"

enum supervisor_state {
	SUPERVISOR_RUNNING,
	SUPERVISOR_STOPPING,   /* all daemons, the last one first; then it ends */
	SUPERVISOR_RESTARTING, /* all daemons, the last one first; then it starts them anew */
	SUPERVISOR_STOPPED,
};

struct supervisor {
	struct ctl *ctl;
	struct loop *loop;
	enum supervisor_state state;
	bool in_foreground;
	bool spares_adopted; /* a start that failed stops what it has started, not what ran before */

	struct child_host host;
	int log_dir;
	struct drain *log;
	struct notify *notify;
	struct listeners *listeners;
	struct child **children; /* in the order of their start */
	unsigned n_children;
	struct verbs *verbs;
	struct startup *startup; /* until everything is ready, under --detach; NULL */

	struct loop_timer *watchdog;
	uint64_t watchdog_ms; /* when it ran last */
	struct loop_signal *signals[5];
	unsigned n_interrupts;
	int exit_status;
};

/* Starts everything and runs until all is stopped. report_fd: takes one byte, 0 or 1, when all daemons are ready or the
 * start has failed (--detach); -1: in the foreground. The exit status. */
int supervisor_run(struct ctl *ctl, int report_fd);

/* By name "c2sd.0", or all instances by "c2sd": whether `c` is meant. */
bool supervisor_means(const struct child *c, struct str name);
/* Stops all; RESTARTING: and starts them anew. */
void supervisor_stop(struct supervisor *s, enum supervisor_state how);

enum one_verb {
	ONE_START,
	ONE_STOP,
	ONE_RESTART,
};
/* Does it to what is meant; before a start listeners are looked up again. -1: no such daemon. */
int supervisor_do(struct supervisor *s, enum one_verb verb, struct str name, struct err *err);

/* ---- verbs.c: the socket ---- */
struct verbs *verbs_new(struct supervisor *s, struct err *err);
void verbs_free(struct verbs **v);
/* Something may have changed: whoever waits for it may be answered. */
void verbs_step(struct verbs *v);

/* ---- startup.c: is everything up? ---- */
struct startup *startup_new(struct supervisor *s, int report_fd);
void startup_free(struct startup **st);
/* Something may have changed. */
void startup_step(struct startup *st);
