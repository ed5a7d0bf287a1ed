/* What a daemon prints, on its way to the log file and the screen. It comes through a named pipe in the run folder, which
 * outlives the supervisor: the daemon holds both ends open, so a lost supervisor breaks nothing, and the next one goes on
 * reading. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"

struct drain;

struct drain_place {
	int run_dir;    /* the folder of the pipe */
	int log_dir;    /* the folder of the log file */
	bool on_screen; /* lines also go to standard output */
};

/* The last lines, for saying why a daemon does not come up. */
#define DRAIN_LAST 6

/* name: "c2sd.0", of the pipe and in the lines; program: "c2sd", of the file. NULL with *err filled. */
struct drain *drain_new(struct loop *loop, const struct drain_place *place, const char *name,
    const char *program, struct err *err);
void drain_free(struct drain **d);

/* What a new process gets as its standard error. */
int drain_fd(const struct drain *d);
/* Takes what is in the pipe now (before the last lines are asked for). */
void drain_flush(struct drain *d);
/* A line of the supervisor's own into the same file. */
void drain_say(struct drain *d, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Opens the log file anew, after it was moved away. */
void drain_reopen(struct drain *d);
/* Appends the last lines, each indented and with its newline. */
void drain_last_lines(const struct drain *d, struct buf *out);
/* The process begins: last lines of its predecessor are forgotten. */
void drain_forget(struct drain *d);
