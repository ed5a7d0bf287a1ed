/* Who is let in (SECURITY.md §4.3): of strangers, those who have not proved yet who they are, a bounded number all together, from
 * each source few, and not too fast. Counting by source is in sources.h; listening is the daemon's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "service/settings.h"
#include "sources.h"

#define EXEMPT_MAX 64 /* networks */

/* Who has connected. */
struct visitor {
	struct source source;
	char address[46];
	bool is_exempt; /* of limits by source; of shaping too, if the daemon shapes */
	bool is_counted;
};

struct door_limits {
	size_t strangers; /* all together; from half of it on newcomers are turned away at random */
	struct source_limits source;
};

/* One per process. */
struct door {
	struct source_table *sources;
	struct network exempt[EXEMPT_MAX];
	size_t n_exempt;
	size_t n_strangers;
};

void door_init(struct door *d);
void door_deinit(struct door *d);
/* Takes the place of the networks of before. What is no network (door_check_exempt tells) is left out. */
void door_set_exempt(struct door *d, const struct setting_strings *networks);
/* For the check of the settings: at most EXEMPT_MAX, and each a network. Returns 0, or -1 with the reason in err. */
int door_check_exempt(const struct setting_strings *networks, struct err *err);

/* The name of the peer of a connected socket; "unknown" if it has gone already. Nothing is counted yet. */
void visitor_name(struct visitor *v, int fd);
/* Whether a stranger is let in; then it counts as one until door_leave, when it is known or gone. */
bool door_enter(
    struct door *d, struct visitor *v, const struct door_limits *limits, uint64_t now_ms);
/* Idempotent. */
void door_leave(struct door *d, struct visitor *v);
/* Now and then: forgets sources that have been silent for a minute. */
void door_sweep(struct door *d, uint64_t now_ms);

/* How many connections the process may hold beside its own descriptors (C-18). Before the sandbox, which raises the limit as far
 * as it may. */
size_t door_descriptors(void);
/* TCP options of a connection: no delay; given up when nothing is acknowledged for stall_seconds. */
void door_set_socket(int fd, int64_t stall_seconds);
