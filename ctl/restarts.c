/* See restarts.h. A struct restarts belongs to one child of the supervisor; child.c calls. */
#include "restarts.h"

#include <stdbool.h>
#include <string.h>

#define CLEAN_SHEET_MS 60000

static bool
is_burst(const struct restarts *r, uint64_t now_ms)
{
	uint64_t oldest_ms = r->deaths_ms[r->deaths % RESTARTS_BURST];

	return r->deaths >= RESTARTS_BURST && now_ms - oldest_ms <= RESTARTS_BURST_MS;
}

uint64_t
restarts_after_death(struct restarts *r, uint64_t started_ms, uint64_t now_ms)
{
	if (now_ms - started_ms >= CLEAN_SHEET_MS)
		memset(r, 0, sizeof(*r));
	r->deaths_ms[r->deaths % RESTARTS_BURST] = now_ms;
	r->deaths++;

	/* Once it had to wait, every death before the clean sheet means another wait: behind a long pause
	 * five deaths never fall into ten seconds. */
	if (r->pause_ms == 0 && !is_burst(r, now_ms))
		return 0;
	r->pause_ms = r->pause_ms ? r->pause_ms * 2 : RESTARTS_PAUSE_MIN_MS;
	if (r->pause_ms > RESTARTS_PAUSE_MAX_MS)
		r->pause_ms = RESTARTS_PAUSE_MAX_MS;
	return r->pause_ms;
}
