/* What archives take: the log is walked through a slice at a time, on the reader's thread, by domain. For the operator, and
 * for the domains that may not be larger than archive_megabytes (limits.h). */
#pragma once

#include "job.h"

/* A message is its payload and this: the rest of its row and its four entries in the index, on the average (ARCHIVE.md §3). */
#define USAGE_OVERHEAD 190

/* Each message that is in an archive; once for each domain that has it, however many of its users do. */
typedef void usage_fn(void *ctx, struct str domain, uint64_t id, uint64_t bytes);
/* At most `most` rows behind *upto, which moves. SQLITE_DONE: these were the last; SQLITE_ROW: there may be more; or an
 * error. */
int usage_walk(
    struct storaged *s, sqlite3 *db, uint64_t *upto, unsigned most, usage_fn *fn, void *ctx);

/* ARCHIVE_STATS_GET: one slice. */
int archive_stats(struct job *job, sqlite3 *db, const void *msg);
void usage_statements_finalize(void);
