/* Time. The calendar is computed here because gmtime_r may open a time zone file, which a sandboxed
 * daemon must not do. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static _Atomic int64_t clock_offset_us;

static int64_t
clock_read_us(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

uint64_t
clock_mono_us(void)
{
	return (uint64_t)clock_read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t
clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME) + clock_offset_us;
}

void
clock_set_offset_us(int64_t offset_us)
{
	clock_offset_us = offset_us;
}

/* Days since 1970 to a Gregorian date. Counted in years that start in March and eras of 400 of them, so
 * that the leap day is the last day of a year. */
static void
clock_date(int64_t days, int64_t *year_r, unsigned *month_r, unsigned *day_r)
{
	int64_t z = days + 719468; /* 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	*day_r = doy - (153 * mp + 2) / 5 + 1;
	*month_r = mp < 10 ? mp + 3 : mp - 9;
	*year_r = yoe + era * 400 + (*month_r <= 2);
}

void
clock_stamp(int64_t wall_us, char out[CLOCK_STAMP_MAX])
{
	const int64_t day_ms = 86400000;
	int64_t ms = wall_us / 1000 - (wall_us % 1000 < 0);
	int64_t days = ms / day_ms - (ms % day_ms < 0);
	unsigned rest = (unsigned)(ms - days * day_ms);
	int64_t year;
	unsigned month, day;
	clock_date(days, &year, &month, &day);
	if (year < 0 || year > 9999)
		year = 9999;
	snprintf(out, CLOCK_STAMP_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)year % 10000, month % 100, day % 100, rest / 3600000 % 24, rest / 60000 % 60,
	    rest / 1000 % 60, rest % 1000);
}
