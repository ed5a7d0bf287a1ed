/* Pages of archives (XEP-0313, XEP-0059), read on the reader's thread, on its own connection. */
#pragma once

#include "job.h"

/* On the loop (page_wait.c). */
void handle_archive_query(void *ctx, const struct bus_in *in, const void *msg);
void handle_archive_metadata_get(void *ctx, const struct bus_in *in, const void *msg);

/* On the reader's thread. */
int archive_query(struct job *job, sqlite3 *db, const void *msg);
/* On the search thread, whose connection is search.db. */
int archive_search(struct job *job, sqlite3 *db, const void *msg);
int archive_metadata(struct job *job, sqlite3 *db, const void *msg);
void page_statements_finalize(void);
