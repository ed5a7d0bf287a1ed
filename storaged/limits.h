/* What the settings allow archives, once a day: by age (archive_days), and by size for single domains (archive_megabytes in
 * a section). Both end in horizons. The size of the whole file is looked at more often (retention_cap).
 *
 *   MEASURING ──a domain is too large──► CUTTING ─► RAISING ─► done       the first two walk through the log (usage.h),
 *       └────────none, or no such limit───────────────►──┘                a slice at a time on the reader's thread */
#pragma once

#include "storaged.h"

enum limits_phase {
	MEASURING,
	CUTTING,
	RAISING, /* on the writer's thread; the others on the reader's */
};

struct limits;

/* A timer's function. */
void limits_daily(void *storaged);
/* When the writers are gone. */
void limits_stop(struct storaged *s);

/* Its parts. What is to be done by the settings as they are. */
struct limits *limits_new(struct storaged *s, int64_t now_us);
void limits_free(struct limits **l);
enum limits_phase limits_phase(const struct limits *l);
/* A slice, on the thread of the phase; then, when it was committed, on to the next one: false when there is none. */
int limits_slice(struct limits *l, sqlite3 *db);
bool limits_next(struct limits *l);
