/* After each start both files are looked through for damage, beside all other work: a page that nobody asks for would be found when it is
 * too late for a backup. Bounded by time: of a large archive it is the beginning. What is found is noted (db/damage.h). */
#pragma once

#include "loop/loop.h"

struct check;

/* Before the sandbox: the thread. */
struct check *check_new(struct loop *l);
/* When the files are open. */
void check_start(struct check *c);
/* Before they are closed. NULL is fine. */
void check_free(struct check **c);
