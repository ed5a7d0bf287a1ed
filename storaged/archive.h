/* archive.db: the log of messages and who they are held for. All functions run on its writer's thread. */
#pragma once

#include "job.h"

int archive_store(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_fetch(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_drop(struct job *job, sqlite3 *db, const void *msg);
int archive_erase(struct job *job, sqlite3 *db, const void *msg);

/* Removes at most one slice of the rows with an id below `before` that nobody holds or has archived. */
int archive_sweep_slice(struct storaged *s, sqlite3 *db, uint64_t before, int *deleted_r);
