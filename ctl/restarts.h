/* When a dead daemon is started again (DESIGN.md §5): at once, but after 5 deaths in 10 s only behind a pause that
 * doubles from 1 s to 60 s. A daemon that lived for a minute has a clean sheet. Pure: the caller has the clock. */
#pragma once

#include <stdint.h>

#define RESTARTS_BURST 5
#define RESTARTS_BURST_MS 10000
#define RESTARTS_PAUSE_MIN_MS 1000
#define RESTARTS_PAUSE_MAX_MS 60000

/* Zeroed: nothing has died yet. */
struct restarts {
	uint64_t deaths_ms[RESTARTS_BURST]; /* when the last ones were, a ring */
	unsigned deaths;                    /* since the clean sheet */
	uint64_t pause_ms;                  /* the last pause; 0: none since the clean sheet */
};

/* A daemon started at started_ms has died. Returns how long to wait before the next start; 0: start at once. */
uint64_t restarts_after_death(struct restarts *r, uint64_t started_ms, uint64_t now_ms);
