/* What failed logins cost: SECURITY.md §4.3, XEP-0205. A source (IPv4 address, IPv6 /64) has
 * `failures` of them in `window_ms`; from then on each doubles a penalty during which every answer
 * to the source waits. An account's failures slow only answers that are failures too, so nobody can
 * lock another out. The clock is given, the plumbing is elsewhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "base/str.h"

struct penalty;

struct penalty_limits {
	unsigned failures;
	uint64_t window_ms; /* also: how long without failure until all is forgotten */
	uint32_t first_ms, most_ms;
};

struct penalty *penalty_new(const struct penalty_limits *limits);
void penalty_free(struct penalty **p);
/* New limits; what is counted stays. */
void penalty_set_limits(struct penalty *p, const struct penalty_limits *limits);

/* Networks that are never penalized. */
void penalty_set_exempt(struct penalty *p, const struct networks *networks);

/* How long an answer to this source must wait now. */
uint32_t penalty_source(const struct penalty *p, struct str source, uint64_t now_ms);
/* A login failed; account may be empty. How long that answer must wait. */
uint32_t penalty_failed(struct penalty *p, struct str source, struct str account, uint64_t now_ms);
/* A login succeeded: its account's failures are forgotten, its source's are not (or one's own
 * account would wash off the guesses at others'). */
void penalty_succeeded(struct penalty *p, struct str account);

/* Sources and accounts remembered now. */
size_t penalty_count(const struct penalty *p);
