/* Token bucket of a session: a sender over its rate is read more slowly, nothing is queued for it (SECURITY.md §3.7). */
#include "client.h"

#define SECOND_US 1000000

unsigned
shape_take(struct client *c, size_t bytes, uint64_t now_us)
{
	const struct c2sd_settings *s = c2sd_settings(c->c2sd);
	uint64_t price_us = (uint64_t)bytes * SECOND_US / (uint64_t)s->rate_bytes;
	uint64_t burst_us = (uint64_t)s->burst_bytes * SECOND_US / (uint64_t)s->rate_bytes;
	uint64_t passed = now_us - c->shape_updated_us;

	if (c->is_exempt)
		return 0;
	c->shape_spent_us = passed < c->shape_spent_us ? c->shape_spent_us - passed : 0;
	c->shape_updated_us = now_us;
	c->shape_spent_us += price_us;
	if (c->shape_spent_us <= burst_us)
		return 0;
	return (unsigned)((c->shape_spent_us - burst_us) / 1000) + 1;
}
