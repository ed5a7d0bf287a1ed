/* Pages of archives (XEP-0313, XEP-0059). All functions run on the reader's thread, on its own connection. */
#pragma once

#include "job.h"

int archive_query(struct job *job, sqlite3 *db, const void *msg);
int archive_metadata(struct job *job, sqlite3 *db, const void *msg);
void page_statements_finalize(void);
