/* Which messages are in the log already: fingerprint of (origin, n, kind) → id. A hit is a hint that the caller checks
 * against the row itself, so neither a collision nor a rolled back insert does harm. Two generations of at most
 * DEDUPE_GENERATION entries (8 MiB each); the older one is forgotten when the younger is full. Small at first, all 16 MiB from half a
 * generation on. */
#pragma once

#include <stdint.h>

#include "bus/bus.h"

#define DEDUPE_GENERATION (256 * 1024)

struct dedupe;

struct dedupe *dedupe_new(void);
void dedupe_free(struct dedupe **d);
void dedupe_add(struct dedupe *d, const struct opid *op, uint64_t id);
/* 0 when it is not known. */
uint64_t dedupe_find(const struct dedupe *d, const struct opid *op);
