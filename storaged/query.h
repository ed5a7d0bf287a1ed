/* One query of an archive while it is answered (page.c): what it asks for, as a range of the index, and the page as it fills. All
 * functions run in a read transaction on the thread of the view's lane; they return SQLITE_OK or an error. */
#pragma once

#include "base/jid.h"
#include "entry.h"
#include "job.h"

struct query {
	struct job *job;
	const struct msg_ARCHIVE_QUERY *m;
	struct view view;
	struct jid with;
	struct tail_range all;  /* what matches, as far as the index can say */
	struct tail_range page; /* the part of it that the page is taken from */
	uint64_t *ids;          /* what was asked for by id, ascending; NULL: anything */
	size_t n_ids;
	bool is_missing;  /* an id that is not in this archive */
	sqlite3 *words;   /* search.db; NULL: everything is looked through */
	struct str match; /* in the arena */
	bool is_behind;   /* search.db is */
	bool is_empty;    /* no words in the text: nothing matches */
	struct rec_archive_item *items;
	uint32_t n, max;
	size_t bytes;
	bool has_more;
	bool is_under_way; /* the range is known, and some of it has been looked at */
	bool is_paused;    /* a part has been looked at, and that was not all */
	bool is_tired;     /* so much has been looked at that the page ends here */
	size_t looked;     /* rows */
	struct msg_ARCHIVE_PAGE answer;
};

/* The number of the archive's owner; 0: there is no such archive. */
uint64_t query_owner(const struct query *q);
/* The whole archive; then all that the query says: is_missing if it names a message that is not there. */
void query_range_begin(struct query *q);
int query_range(struct query *q);
/* Fills the page until it is full, nothing is left, a part has been looked at (is_paused), or too much (is_tired). */
int query_read(struct query *q);
/* How many match, where that is cheap to say. */
int query_count(struct query *q, struct msg_ARCHIVE_PAGE *page);
void query_statements_finalize(void);
