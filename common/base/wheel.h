/* Things with deadlines, of which those that are due are found without a look at all the others: a ring of lists, each for a step of
 * time. Owns nothing; a thing has its node embedded. Pure: time is what the caller says. */
#pragma once

#include <stdint.h>

#include "base/list.h"

#define WHEEL_SLOTS 128 /* what is due later than so many steps is passed over once in a round */

struct wheel {
	struct list slots[WHEEL_SLOTS];
	uint64_t step_ms;
	uint64_t at; /* the step that is looked at next */
};

struct wheel_node {
	struct list link;
	uint64_t due_ms;
};

void wheel_init(struct wheel *w, uint64_t step_ms, uint64_t now_ms);
void wheel_node_init(struct wheel_node *n);
/* (Again) with this deadline; one that has passed is due at the next turn. */
void wheel_put(struct wheel *w, struct wheel_node *n, uint64_t due_ms);
/* Idempotent. */
void wheel_remove(struct wheel_node *n);
/* Calls fn for each that is due, at most a step late. fn may put or remove the one it is called for, and no other. */
void wheel_turn(
    struct wheel *w, uint64_t now_ms, void (*fn)(struct wheel_node *n, void *ctx), void *ctx);
/* Some node, or NULL when there is none: to remove them all. */
struct wheel_node *wheel_any(const struct wheel *w);
