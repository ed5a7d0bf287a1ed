/* The newest archived messages in memory: what the index on disk does not have yet, and the last run that it has just got
 * (ARCHIVE.md §4). A run gathers, is frozen and put into the index bit by bit (run.h), and is kept, retired, until the next
 * one is frozen: so that a reader who began before the index was complete misses nothing.
 *
 *   young ──freeze──► frozen ──all in the index──► retired ──next freeze──► freed
 *
 * Filled by the loop after each commit, so ids only ascend; read by the reader's thread; the writer's thread reads the
 * frozen run, which does not change. At most two runs and what comes while one is put in: some 100 bytes a message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

#define RUN_TAGS 256

struct tail_entry {
	uint64_t peer, id;
};

struct tail_owner {
	uint64_t owner;
	struct tail_entry *v; /* ascending by id */
	size_t n, cap;
	struct tail_entry *by_peer; /* the writer's: the same by peer and id, or NULL */
	UT_hash_handle hh;
};

struct tail_tag {
	uint64_t tag, id;
};

struct tail_tags {
	struct tail_tag *v;
	struct tail_tag *sorted; /* the writer's: a copy, or NULL */
	size_t n, cap;
};

struct run {
	uint64_t from, end; /* ids in (from, end] */
	size_t n_messages;
	uint64_t began_ms;
	struct tail_owner *owners;       /* uthash */
	struct tail_tags tags[RUN_TAGS]; /* by the highest byte */
	struct tail_owner **order;       /* the writer's: ascending; NULL until it begins */
};

/* Where in a frozen run the riding is. */
struct ride_cursor {
	bool has_entries; /* all entries are in; tags follow */
	size_t group;     /* owner in order, then bucket of tags */
	size_t at;        /* within it */
	bool is_complete;
};

struct tail;

/* What was stored: whose archives it is in, its tag. */
struct archived {
	uint64_t id, src, dst, tag;
	bool for_src, for_dst;
};

struct tail *tail_new(uint64_t indexed_upto);
void tail_free(struct tail **t);
void tail_add(struct tail *t, const struct archived *m);

/* The young run; NULL: nothing was added since the last freeze. On the loop. */
const struct run *tail_young(const struct tail *t);
struct run *tail_frozen(const struct tail *t);
/* Only when nothing is frozen. */
void tail_freeze(struct tail *t);
void tail_retire(struct tail *t);

/* Everything above this id is here. Falls behind the index on disk, never ahead of it. */
uint64_t tail_from(struct tail *t);
/* The lowest id that the index on disk may not have yet; UINT64_MAX: it has everything. */
uint64_t tail_oldest(struct tail *t);
/* A part of an archive: ids in (low, high]. */
struct tail_range {
	uint64_t owner, peer; /* peer 0: all */
	uint64_t low, high;
	bool backward;
};
/* The first ids of it, at most `most`, in its direction. */
size_t tail_find(struct tail *t, const struct tail_range *r, uint64_t *ids_r, size_t most);
/* Ids of messages with this tag, at most `most`. */
size_t tail_find_tag(struct tail *t, uint64_t tag, uint64_t *ids_r, size_t most);
