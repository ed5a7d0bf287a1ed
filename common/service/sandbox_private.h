/* Entering the sandbox; called by the skeleton in this order. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "service/sandbox.h"

/* Files: nothing, or only below "data". Holds for the calling thread and those that it makes from now on: so before the others. */
int sandbox_landlock(const struct sandbox *s, struct err *err);
/* Handler for what is not allowed: says which call it was and ends the process. Before sandbox_seccomp. */
void sandbox_trap_install(void);
/* System calls, of all threads: they must exist already. */
int sandbox_seccomp(const struct sandbox *s, struct err *err);

/* While forgiving, a call that is not allowed fails with EPERM instead, and is remembered. */
void sandbox_trap_forgive(bool on);
/* Whether there was one in this thread since its last question. */
bool sandbox_trap_seen(void);

/* Tries what must not be possible (open a file, connect out, exec …), in the calling thread and in one of its own, which exists
 * before seccomp as a daemon's do: made behind Landlock, run behind seccomp, with a line for each attempt in out; 0 when all of it
 * was refused. */
struct self_test;
struct self_test *self_test_new(const struct sandbox *s, struct err *err);
int self_test_run(struct self_test *t, struct buf *out);
