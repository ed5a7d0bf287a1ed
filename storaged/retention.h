/* The end of messages: by age, by the size of the file or of a domain's archives, with their account, by the operator. All
 * of them raise a horizon: what is to go is gone for readers at once (horizon.h); rows follow in slices (sweep.h), one short
 * transaction each, between the batches of the day. */
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

/* All of these on the writer's thread. One slice; before: loose rows with a lower id go. */
int retention_slice(struct storaged *s, sqlite3 *db, struct sweep_cursor *c, uint64_t before);
/* Raises the horizon of all, in the file too. */
int retention_raise(struct storaged *s, sqlite3 *db, uint64_t horizon);
/* That of a domain. */
int retention_raise_domain(struct storaged *s, sqlite3 *db, struct str domain, uint64_t horizon);
/* Raises it by a hundredth of the time that the log spans, when the file is too large. */
int retention_cap(struct storaged *s, sqlite3 *db, uint64_t bytes);
/* The account's archive is gone. */
int retention_erase(struct storaged *s, sqlite3 *db, uint64_t owner);
/* ARCHIVE_PURGE: answered when the horizon is raised; the rows follow when they are in the index, which hurries. */
int archive_purge(struct job *job, sqlite3 *db, const void *msg);
void retention_statements_finalize(void);
