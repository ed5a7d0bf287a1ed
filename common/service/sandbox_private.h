/* Entering the sandbox; called by the skeleton in this order. */
#pragma once

#include "base/err.h"
#include "service/sandbox.h"

/* Handler for what is not allowed: says the call's number and ends the process. Before sandbox_seccomp. */
void sandbox_trap_install(void);
/* Files: nothing, or only below "data". */
int sandbox_landlock(const struct sandbox *s, struct err *err);
/* System calls. All threads must exist. */
int sandbox_seccomp(const struct sandbox *s, struct err *err);

/* Tries what must not be possible (open a file, connect out, exec) and prints a line for each; 0 when all of it failed. */
int sandbox_self_test(const struct sandbox *s);
