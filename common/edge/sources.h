/* How many connections a source has, and how fast it makes new ones (SECURITY.md §4.3). A source is one customer's addresses:
 * an IPv4 address, an IPv6 /64. The table holds at most SOURCES_MAX; beyond that a new source is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

#define SOURCES_MAX 65536

struct source_table;

struct source_limits {
	unsigned connections; /* at the same time, before they have a session */
	unsigned per_minute;  /* new ones */
};

struct source_table *source_table_new(void);
void source_table_free(struct source_table **t);
/* A connection comes: false when it is over a limit. Each true is followed by one source_leave. */
bool source_enter(
    struct source_table *t, const struct source *s, const struct source_limits *l, uint64_t now_ms);
/* It is gone, or it has a session now and counts no more. */
void source_leave(struct source_table *t, const struct source *s);
/* Forgets sources that have been silent for a minute, or two. */
void source_sweep(struct source_table *t, uint64_t now_ms);
size_t source_count(const struct source_table *t);
