/* The listening sockets of the suite: opened by the supervisor and passed to each daemon that is started, so that connects
 * queue while one restarts. Which there are is each daemon's own knowledge (`DAEMON -L`). */
#pragma once

#include <stdbool.h>

#include "ctl.h"

struct listeners;

struct listeners *listeners_new(void);
void listeners_free(struct listeners **l);

/* Asks this daemon's program again: what is gone is closed, what stays is left alone, what is new is opened. shared: an
 * adopted process holds the same addresses already. -1 with *err filled: the program or an address refuses. */
int listeners_refresh(struct listeners *l, const struct ctl *c, const struct program *p,
    bool shared, struct err *err);

/* For spawn: the descriptors and their names, with colons between; borrowed until the next call here. */
unsigned listeners_of(
    struct listeners *l, const struct program *p, const int **fds_r, const char **names_r);
/* Whether they have been opened. */
bool listeners_have(const struct listeners *l, const struct program *p);
