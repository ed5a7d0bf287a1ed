/* The index of the archives as a reader sees it: entries on disk up to indexed_upto, the tail in memory above it. All of
 * these run inside a read transaction on the reader's connection. */
#pragma once

#include "base/archive_id.h"
#include "storaged.h"
#include "tail.h"

/* A connection that reads, with its statements; each belongs to one thread. */
enum lane {
	LANE_PAGES,
	LANE_SEARCH,
	LANES,
};

struct view {
	enum lane lane;
	struct storaged *s;
	sqlite3 *db;
	uint64_t indexed; /* the index on disk is complete up to here */
	uint64_t last;    /* the newest message that this transaction sees */
};

/* Begins to look, with lane and db set; false when it should be tried again in a new transaction. */
int view_open(struct view *v, struct storaged *s, bool *is_open_r);
/* The first ids of a range, in its direction. *n_r ids, at most `most`. */
int view_find(
    const struct view *v, const struct tail_range *r, uint64_t *ids_r, size_t most, size_t *n_r);
/* How many it has; `most` + 1 when more than that. */
int view_count(const struct view *v, const struct tail_range *r, size_t most, size_t *n_r);
/* Ids of messages whose public id has this tag. */
int view_find_tag(const struct view *v, uint64_t tag, uint64_t *ids_r, size_t most, size_t *n_r);
void entry_statements_finalize(void);
