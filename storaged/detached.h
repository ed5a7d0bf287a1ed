/* Detached sessions (BUS.md §8): one row each, the record as the bus has it. All functions but the last but one run on main.db's
 * writer thread; detached_owed runs on archive.db's. */
#pragma once

#include "job.h"

/* Records up to this size are kept: what DETACH brings must fit into LOADED too. */
#define DETACHED_RECORD_MAX (BUS_FRAME_MAX - BUS_HEADER_BYTES - 64)

int detached_put(struct job *job, sqlite3 *db, const void *msg);
int detached_claim(struct job *job, sqlite3 *db, const void *msg);
int detached_drop(struct job *job, sqlite3 *db, const void *msg);
int detached_load(struct job *job, sqlite3 *db, const void *msg);
int detached_erase(sqlite3 *db, struct str account);

/* The second part of detached_put and detached_drop: deletes the owed rows that job->carried contains (of DROP, when the session goes on). Of detached_claim too,
 * which carries nothing: so these three are acknowledged in the order in which they came. */
int detached_owed(struct job *job, sqlite3 *db, const void *msg);

void detached_statements_finalize(void);
