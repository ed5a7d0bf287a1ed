/* archive.db: the log of messages and who they are held for. All functions run on its writer's thread. */
#pragma once

#include "job.h"

int archive_store(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_fetch(struct job *job, sqlite3 *db, const void *msg);
int archive_owed_drop(struct job *job, sqlite3 *db, const void *msg);
int archive_erase(struct job *job, sqlite3 *db, const void *msg);

/* A message by the operation that made it. */
struct message_id {
	struct id128 origin;
	uint64_t n;
};

/* These (sorted as bytes) are owed to the owner no longer, but may come to be again: a session has them that may end without
 * having given them. */
int archive_unowe(sqlite3 *db, struct str owner, const struct message_id *ids, size_t n);
