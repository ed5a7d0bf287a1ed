/* The daemons' programs as tools: where they are, and asking them for what only they know (samples, checks, listeners, the files that settings name). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "ctl.h"

#define TOOL_ARGS_MAX 8

struct tool_argv {
	const char *v[TOOL_ARGS_MAX];
	char *path; /* of the program */
	char number[16];
};

/* PROGRAM [--dir D] [--instance N] [OPTION]. */
void tool_argv(
    struct tool_argv *a, const struct ctl *c, const struct program *p, const char *option);
void tool_argv_instance(
    struct tool_argv *a, const struct ctl *c, const struct program *p, unsigned instance);
void tool_argv_deinit(struct tool_argv *a);

/* Runs it with that one option; what it prints goes to `out`. -1 with *err filled by its last words. */
int tool_ask(const struct ctl *c, const struct program *p, const char *option, struct buf *out,
    struct err *err);

/* The text of the last line that a program of ours has logged, without time, name and level. */
void tool_last_words(struct str log, struct err *err);

/* Whether all programs are there. */
int tool_check_programs(const struct ctl *c, struct err *err);

/* The folder that this program was started from; asked once, at the start: an upgrade moves the program away. Malloc'ed. */
char *tool_folder(void);
