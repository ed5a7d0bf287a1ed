/* The index of the archives is made in sorted runs: when enough messages have gathered, their entries go into it in the
 * order of its keys, a few with each message that comes in, so that they ride in commits that happen anyway
 * (ARCHIVE.md §1). What of a run is on disk counts only when all of it is there: state indexed_upto. */
#pragma once

#include "storaged.h"
#include "tail.h"

#define RUN_MESSAGES 65536

/* Reads indexed_upto and fills the tail from the log. */
int run_load(struct storaged *s, sqlite3 *db, struct err *err);
/* On the loop, after the commit. */
void run_add(struct storaged *s, const struct archived *m);
/* Once in a while: what has waited for long goes into the index though nothing comes. */
void run_tick(struct storaged *s);

/* On the writer's thread: puts up to `most` rows of the frozen run into the index, from *cursor on. */
int run_ride(
    struct storaged *s, sqlite3 *db, struct run *run, struct ride_cursor *cursor, size_t most);
void run_statements_finalize(void);
