/* Having running daemons read their settings anew. */
#pragma once

#include "ctl.h"

/* Checks the files, then passes them opened over the control socket. -1 with *err filled ("FILE:LINE: …"): the old ones stay.
 * pending (may be NULL): what is in force from the next start on only is added, a line "FILE: keys" for each file. */
int reload_one(struct ctl *c, const struct program *p, unsigned instance, struct buf *pending,
    struct err *err);

/* "there is no daemon X here" */
int no_such_daemon(const struct ctl *c, const char *name);
