/* Latencies in a histogram with logarithmic buckets: 64 of them to each doubling, so that any value is off by 1.6 % at most. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_FINE 64
#define HIST_BUCKETS (64 * HIST_FINE)

struct hist {
	uint64_t count, most;
	uint32_t buckets[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
uint64_t hist_at(
    const struct hist *h, double share); /* the value below which this share of all lies */

#endif
