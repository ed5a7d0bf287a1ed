/* What was sent on one way and what of it came: loss, duplicates and order. */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <stdint.h>

#define FLOW_SPAN 4096 /* how far behind the newest a late one is still told from a duplicate */

struct flow {
	uint64_t sent; /* numbers 0 … sent-1 were sent */
	uint64_t next; /* the lowest number that has not come, nor any above it */
	uint64_t gaps; /* numbers below next that have not come */
	uint64_t duplicates, disordered;
	uint64_t *missing; /* bit of each number of the last FLOW_SPAN below next; made with the first gap */
};

void flow_received(struct flow *f, uint64_t number);
uint64_t flow_lost(const struct flow *f);
void flow_reset(struct flow *f);

#endif
