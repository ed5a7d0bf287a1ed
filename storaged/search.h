/* Search for words (XEP-0431): search.db, an index beside the log that follows it by position, on a thread of its own. It may
 * be lost: then it is made anew from the log. It says where to look; what a hit is worth, the log's own row says, so a
 * deleted archive is gone from here at once (ARCHIVE.md §6).
 *
 *   up to date ──stored something──► behind ──tick──► a slice, then PAUSE for others ──► … ──► up to date */
#pragma once

#include <stdatomic.h>

#include "job.h"
#include "words.h"

struct search {
	struct store_file file;     /* search.db; its thread answers questions too */
	sqlite3 *log;               /* archive.db for reading, of that thread */
	struct words *words;        /* that thread's */
	uint64_t identity;          /* of archive.db's log */
	uint64_t upto;              /* that thread's: the log is indexed up to here */
	const char **domains;       /* whose archives are in it; owned, strings too */
	size_t n_domains;           /* 0: there is no search */
	atomic_uint_fast64_t stale; /* messages that have gone and that the index still has */
	bool is_broken;             /* until the next start */
	bool is_behind, is_busy;    /* the loop's */
	struct loop_timer *pause;
};

/* Before the sandbox: the thread. */
struct search *search_new(struct loop *l);
/* Opens the file where the settings want it, removes it where they do not. */
int search_start(struct storaged *s, struct err *err);
/* On the loop. The thread first, then, before archive.db is closed, the files. */
void search_stop_thread(struct search *f);
void search_close(struct search **f);

/* On the loop: something was archived; a second has passed; a sessiond is there and wants to know what can be searched. */
void search_touch(struct storaged *s);
void search_tick(void *storaged);
void search_tell(struct storaged *s, const struct endpoint *sessiond);
bool search_is_on(const struct storaged *s);
/* From the writer's thread: so many archived messages were removed. */
void search_lost(struct storaged *s, unsigned n);

/* On the search thread. Indexes the next slice of the log; *more_r: that was not all. */
int search_follow(struct storaged *s, sqlite3 *db, bool *more_r);
/* The first ids that may match in (low, high], in the range's direction. */
int search_find(sqlite3 *db, struct str match, const struct tail_range *r, uint64_t *ids_r,
    size_t most, size_t *n_r);
/* Forgets everything and begins again when much of it is of messages that have gone. */
int search_renew(struct storaged *s, sqlite3 *db);
int search_load(struct storaged *s, sqlite3 *db);
void search_statements_finalize(void);
