/* See datetime.h. */
#include "base/datetime.h"

#define US INT64_C(1000000)

/* n digits at *at, which moves on; -1: there are others. */
static int
digits(struct str text, size_t *at, unsigned n)
{
	int v = 0;

	for (; n > 0; n--, ++*at) {
		if (*at >= text.n || text.p[*at] < '0' || text.p[*at] > '9')
			return -1;
		v = v * 10 + (text.p[*at] - '0');
	}
	return v;
}

static bool
skip(struct str text, size_t *at, char c)
{
	if (*at >= text.n || text.p[*at] != c)
		return false;
	++*at;
	return true;
}

static int64_t
days_since_1970(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int y = year - 1;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t days = (int64_t)y * 365 + y / 4 - y / 100 + y / 400 - 719162;

	return days + before[month - 1] + (is_leap && month > 2) + day - 1;
}

/* As many digits as there are; six of them count. */
static int64_t
fraction(struct str text, size_t *at)
{
	int64_t unit = US, us = 0;

	for (; *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at) {
		unit /= 10;
		us += unit * (text.p[*at] - '0');
	}
	return us;
}

/* Seconds east of UTC. */
static bool
zone(struct str text, size_t *at, int64_t *seconds_r)
{
	int sign = skip(text, at, '-') ? -1 : 1, hours, minutes;

	*seconds_r = 0;
	if (skip(text, at, 'Z'))
		return sign > 0;
	if (sign > 0 && !skip(text, at, '+'))
		return false;
	hours = digits(text, at, 2);
	if (hours < 0 || hours > 23 || !skip(text, at, ':'))
		return false;
	minutes = digits(text, at, 2);
	*seconds_r = sign * (hours * 3600 + minutes * 60);
	return minutes >= 0 && minutes < 60;
}

bool
datetime_parse(struct str text, int64_t *us_r)
{
	static const struct {
		unsigned digits;
		int least, most;
		char end; /* 0: none */
	} parts[] = {{4, 1, 9999, '-'}, {2, 1, 12, '-'}, {2, 1, 31, 'T'}, {2, 0, 23, ':'},
	    {2, 0, 59, ':'}, {2, 0, 60, 0}};
	int v[6];
	size_t at = 0;
	int64_t us = 0, east;

	for (unsigned i = 0; i < 6; i++) {
		v[i] = digits(text, &at, parts[i].digits);
		if (v[i] < parts[i].least || v[i] > parts[i].most)
			return false;
		if (parts[i].end && !skip(text, &at, parts[i].end))
			return false;
	}
	if (skip(text, &at, '.'))
		us = fraction(text, &at);
	if (!zone(text, &at, &east) || at != text.n)
		return false;
	*us_r = us +
	    (days_since_1970(v[0], v[1], v[2]) * 86400 + v[3] * 3600 + v[4] * 60 + v[5] - east) * US;
	return true;
}
