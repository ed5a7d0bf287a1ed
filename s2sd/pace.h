/* How much may wait for a pair.
 *
 *   LIVE ──its oldest stanza has waited for live_ms──▶ HELD: what is over the limits is refused, the youngest first
 *   HELD ──its oldest is younger, or there is none──▶ LIVE
 *
 * While a link takes what it gets, custody goes back to the senders in time, and the windows of the bus (BUS.md §5) hold them back:
 * there is nothing to refuse. Who takes nothing would keep those windows full, and so hold up all others; that ends after live_ms,
 * since queues_bytes is half of a window, at which its senders go on. */
#pragma once

#include <stddef.h>

#include "pair.h"

/* Bytes of a stanza have come (or, negative, gone). */
void pace_count(struct pair *p, ptrdiff_t bytes);
/* Whether so many more may come. What is in nobody's custody nothing holds back, so the limits hold for it always. */
bool pace_admits(struct pair *p, const struct custody *custody, size_t bytes);
/* Is it live? If it is no more, what waits and is over the limits gets resource-constraint. */
void pace_look(struct pair *p);
/* What the stream has, and neither gets through nor can be refused, is over the limit of all. */
bool pace_is_in_the_way(const struct pair *p);
