/* The histogram: values below HIST_FINE have a bucket each, then the top bits of a value choose. */
#include "hist.h"

#define FINE_BITS 6

static unsigned
bucket_of(uint64_t v)
{
	if (v < HIST_FINE)
		return (unsigned)v;
	unsigned shift = 63 - (unsigned)__builtin_clzll(v) - FINE_BITS;
	return (shift + 1) * HIST_FINE + (unsigned)((v >> shift) & (HIST_FINE - 1));
}

static uint64_t
value_of(unsigned bucket)
{
	unsigned shift = bucket / HIST_FINE;

	if (shift == 0)
		return bucket;
	return (uint64_t)(HIST_FINE + bucket % HIST_FINE) << (shift - 1);
}

void
hist_add(struct hist *h, uint64_t ns)
{
	h->buckets[bucket_of(ns)]++;
	h->count++;
	if (ns > h->most)
		h->most = ns;
}

uint64_t
hist_at(const struct hist *h, double share)
{
	uint64_t below = 0, wanted = (uint64_t)(share * (double)h->count);

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		below += h->buckets[i];
		if (below > wanted)
			return value_of(i);
	}
	return h->most;
}
