/* A little world of people who write to each other, everything that was stored about it, and a filter over all of that:
 * what a page must be. */
#pragma once

#include "store_test.h"

#define PEOPLE 5
#define MESSAGES 900

struct kept {
	int from, to; /* people */
	int from_res, to_res;
	bool for_from, for_to;
	struct opid op;
	uint64_t row;
};

struct world {
	struct store *s;
	struct kept kept[MESSAGES];
	unsigned n;
	uint64_t seed;
};

struct ask {
	int owner, with, with_res; /* with -1: anybody */
	int start, end;            /* numbers of messages; -1: open */
	int after_id, before_id, after, before;
	bool backward;
	uint32_t max;
};
#define ASK_ALL                                                                           \
	.with = -1, .start = -1, .end = -1, .after_id = -1, .before_id = -1, .after = -1, \
	.before = -1

struct world *world_new(void **state);
unsigned chance(struct world *w, unsigned n);
/* Stores a message between two of them, for the archive of one, both or nobody. */
void store_one(struct world *w);
bool matches(const struct kept *k, const struct ask *a);
/* Numbers of the messages of the page, ascending. */
unsigned naive(
    struct world *w, const struct ask *a, int *page_r, bool *complete_r, unsigned *count_r);
/* The id of message i in this archive; i -1: none. */
struct id128 public_id(struct world *w, int owner, int i);
/* Asks storaged, and compares the page with the filter's. */
void compare(struct world *w, const struct ask *a);
void compare_random(struct world *w);
void raise_horizon(struct world *w, uint64_t id);
