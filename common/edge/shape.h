/* Token bucket of a session: a sender over its rate is read more slowly, nothing is queued for it (SECURITY.md §3.7). What was
 * spent is kept as the time in which it is earned back. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct shape {
	uint64_t spent_us, updated_us;
};

/* Of the settings: positive. */
struct shape_rate {
	int64_t bytes_per_second, burst_bytes;
};

/* Counts bytes; how many microseconds reading must pause (0: not at all). */
uint64_t shape_take(struct shape *s, const struct shape_rate *r, size_t bytes, uint64_t now_us);
