/* The pace of the sweep, on the loop: one at a time, a slice of retention.h, then a pause for others. A horizon may be in the
 * part of the log that the index does not have yet: then the sweep waits for the index.
 *
 *   idle ──something is gone, and the index has it──► ENTRIES ─► MESSAGES ─► LOOSE ─► idle
 *     └───often─────────────────────────────────────────────────────────────►──┘            */
#pragma once

#include "retention.h"

/* Of some archive all up to here is gone. is_hasty: somebody waits for the rows to go, so the index does not wait until a run
 * is full. */
void sweep_owe(struct storaged *s, uint64_t upto, bool is_hasty);
/* Timers' functions: of what is loose and of what is too much for the file; once a second. */
void sweep_often(void *storaged);
void sweep_tick(void *storaged);
/* When the writers are gone. */
void sweep_stop(struct storaged *s);
