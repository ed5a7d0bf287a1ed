/* The one clock. Timers use the monotonic one; wall time is for stamps and expiry only. */
#pragma once

#include <stdint.h>

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);

/* Microseconds since 1970, UTC, plus the test offset. */
int64_t clock_wall_us(void);
/* Moves the wall clock of this process (fault tests, F21). */
void clock_set_offset_us(int64_t offset_us);

#define CLOCK_STAMP_MAX 32
/* XEP-0082 date-time in UTC with milliseconds, "2026-11-20T18:00:00.123Z", NUL-terminated, into out. */
void clock_stamp(int64_t wall_us, char out[CLOCK_STAMP_MAX]);
