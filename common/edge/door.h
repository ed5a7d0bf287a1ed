/* Who is let in (SECURITY.md §4.3): of strangers, those who have not proved yet who they are, a bounded number all together, from
 * each source few, and not too fast. Counting by source is in sources.h; listening is the daemon's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "service/settings.h"
#include "sources.h"

/* Who has connected. */
struct visitor {
	struct source source;
	char address[46];
	bool is_exempt; /* of limits by source; of shaping too, if the daemon shapes */
	bool is_counted;
};

/* Part of the daemon's settings. */
struct door_settings {
	struct setting_strings exempt;
	int64_t connections; /* all together */
	int64_t strangers;   /* the same; from half of it on newcomers are turned away at random */
	int64_t source_connections, source_per_minute; /* strangers of one source */
	int64_t stall_seconds;
};

#define EXEMPT_ROW(offset_, of_what)                                                  \
	{                                                                             \
		.name = "exempt", .type = SETTING_LIST, .offset = offset_, .max = 64, \
		.check = network_check, .def = "{\"127.0.0.0/8\", \"::1\"}",          \
		.help = "Networks that are free of " of_what                          \
	}

/* One per process. */
struct door {
	const struct door_settings *settings;
	struct source_table *sources;
	struct networks exempt;
	size_t descriptors; /* connections that the process may hold (C-18) */
	size_t n_strangers;
};

/* Before the sandbox, which raises the limit of descriptors as far as it may. */
void door_init(struct door *d);
void door_deinit(struct door *d);
/* These are in force until the next call, and live so long. They have passed door_check. */
void door_set(struct door *d, const struct door_settings *s);
/* For the check of the settings. Returns 0, or -1 with the reason in err. */
int door_check(const struct door_settings *s, struct err *err);
/* Whether so many connections are all that there may be. */
bool door_is_full(const struct door *d, size_t n_connections);

/* The name of the peer of a connected socket; "unknown" if it has gone already. Nothing is counted yet. */
void visitor_name(struct visitor *v, int fd);
/* Whether a stranger is let in; then it counts as one until door_leave, when it is known or gone. */
bool door_enter(struct door *d, struct visitor *v, uint64_t now_ms);
/* Idempotent. */
void door_leave(struct door *d, struct visitor *v);
/* Now and then: forgets sources that have been silent for a minute. */
void door_sweep(struct door *d, uint64_t now_ms);

/* Has the kernel give a connection up when its peer acknowledges nothing for stall_seconds (TCP_USER_TIMEOUT). Not for peers that may read slowly and
 * are asked whether they are there: once a peer's window has been closed, the kernel counts from then, even where it has opened since. */
void door_limit_silence(const struct door *d, int fd);
