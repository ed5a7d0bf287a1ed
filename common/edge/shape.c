/* See shape.h. */
#include "shape.h"

#define SECOND_US 1000000u

static uint64_t
duration_us(uint64_t bytes, const struct shape_rate *r)
{
	return bytes * SECOND_US / (uint64_t)r->bytes_per_second;
}

uint64_t
shape_take(struct shape *s, const struct shape_rate *r, size_t bytes, uint64_t now_us)
{
	uint64_t passed = now_us > s->updated_us ? now_us - s->updated_us : 0;
	uint64_t burst_us = duration_us((uint64_t)r->burst_bytes, r);

	s->spent_us = passed < s->spent_us ? s->spent_us - passed : 0;
	s->updated_us = now_us;
	s->spent_us += duration_us(bytes, r);
	return s->spent_us > burst_us ? s->spent_us - burst_us : 0;
}
