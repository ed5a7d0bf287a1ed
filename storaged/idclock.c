/* See idclock.h. */
#include "idclock.h"

#include <stdbool.h>

#include "base/clock.h"

#define SLEW_US 2000000                  /* less than this is no jump */
#define PATIENCE_US UINT64_C(3600000000) /* then a jump is believed */

static uint64_t
now(struct idclock *c)
{
	uint64_t mono = clock_mono_us();
	int64_t offset = clock_wall_us() - (int64_t)mono, jump = offset - c->offset_us;
	bool is_astray = c->offset_us && (jump > SLEW_US || jump < -SLEW_US);

	if (is_astray && c->astray_since_us == 0)
		c->astray_since_us = mono;
	if (!is_astray || mono - c->astray_since_us > PATIENCE_US) {
		c->offset_us = offset;
		c->astray_since_us = 0;
	}
	return (uint64_t)((int64_t)mono + c->offset_us);
}

uint64_t
idclock_next(struct idclock *c)
{
	uint64_t id = now(c);

	c->last = id > c->last ? id : c->last + 1;
	return c->last;
}
