/* Horizons: what is at or below an archive's horizon is gone for everybody who asks, at once; the rows follow when the
 * sweep comes by. One for all (age, size) and one for each removed account. In memory for all threads; the rows are
 * written by whoever raises one. */
#pragma once

#include <stdint.h>

struct horizons;

struct horizons *horizons_new(void);
void horizons_free(struct horizons **h);
/* Never lowers it. owner 0: of all. */
void horizon_raise(struct horizons *h, uint64_t owner, uint64_t id);
uint64_t horizon_of(struct horizons *h, uint64_t owner);
/* The next owner above this one that has a horizon of its own; 0: none. */
uint64_t horizon_next_owner(struct horizons *h, uint64_t owner);
