/* The clock that ids of messages are taken from: they are times, they only ascend, and a clock that jumps must not spoil
 * them. So the monotonic clock counts on, and a jump of the wall clock is followed only when it has lasted an hour: a wrong
 * minute must not push all later ids into the future for ever. After one back ids go on one by one. */
#pragma once

#include <stdint.h>

struct idclock {
	int64_t offset_us;        /* of the wall clock to the monotonic one, as believed */
	uint64_t astray_since_us; /* 0: the wall clock is where it is believed to be */
	uint64_t last;
};

/* The next id; never one twice. */
uint64_t idclock_next(struct idclock *c);
