/* Horizons: what is at or below an archive's horizon is gone for everybody who asks, at once; the rows follow when the
 * sweep comes by. One for all (age, size, the operator), one for each domain that has its own rules, one for each account that
 * was removed or purged: the highest counts. In memory for all threads; the rows are written by whoever raises one. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct horizons;

struct horizons *horizons_new(void);
void horizons_free(struct horizons **h);
/* Never lower any. */
void horizon_raise_all(struct horizons *h, uint64_t id);
void horizon_raise_domain(struct horizons *h, struct str domain, uint64_t id);
void horizon_raise_owner(struct horizons *h, uint64_t owner, uint64_t id);

uint64_t horizon_of_all(struct horizons *h);
/* bare: the owner's address, whose domain counts. */
uint64_t horizon_of(struct horizons *h, uint64_t owner, struct str bare);
