/* archive.db: the log of messages and who they are held for. All functions run on its writer's thread. */
#pragma once

#include "job.h"

int archive_store(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_fetch(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_drop(struct job *job, sqlite3 *db, const void *msg);
int archive_erase(struct job *job, sqlite3 *db, const void *msg);
