/* What can be known about one daemon from outside: its pid file, its control socket, the supervisor. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "ctl.h"

struct status_row {
	char name[32];
	pid_t pid;      /* 0: down */
	char state[16]; /* "ready", "down", "silent" … */
	char link[8];   /* "up", "down", "-" */
	uint64_t uptime_s;
};

/* Asks it; a daemon that hangs is "silent". */
void status_of(
    const struct ctl *c, const struct program *p, unsigned instance, struct status_row *row_r);
