/* The end of messages: whose age, the size of the file, or the end of an account is over their horizon. What is to go is gone
 * for readers at once (horizon.h); rows follow in slices, one short transaction each, between the batches of the day. */
#pragma once

#include "job.h"

enum sweep_phase {
	SWEEP_ENTRIES,  /* of the index, archive by archive */
	SWEEP_MESSAGES, /* below the horizon of all */
	SWEEP_LOOSE,    /* that nobody holds or has archived any more */
	SWEEP_DONE,
};

struct sweep_cursor {
	enum sweep_phase phase;
	uint64_t owner, peer, id;
};

/* Reads the horizons. */
int retention_load(struct storaged *s, sqlite3 *db, struct err *err);
/* Timers' functions: a full sweep after raising the horizon by age; one of what is loose and of what is too much. */
void retention_daily(void *storaged);
void retention_often(void *storaged);
/* When the writers are gone. */
void retention_stop(struct storaged *s);

/* On the writer's thread. One slice; before: loose rows with a lower id go. */
int retention_slice(struct storaged *s, sqlite3 *db, struct sweep_cursor *c, uint64_t before);
/* Raises the horizon of all, in the file too. */
int retention_raise(struct storaged *s, sqlite3 *db, uint64_t horizon);
/* Raises it by a hundredth of the time that the log spans, when the file is too large. */
int retention_cap(struct storaged *s, sqlite3 *db, uint64_t bytes);
/* The account's archive is gone. */
int retention_erase(struct storaged *s, sqlite3 *db, uint64_t owner);
void retention_statements_finalize(void);
