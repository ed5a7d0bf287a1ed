/* What is remembered of sessions that waited to be resumed and were not (XEP-0198 §5): how many stanzas of its client were
 * handled, so that the client knows which of those that were not acknowledged it must send again. Only in memory. */
#pragma once

#include "session.h"

#define ENDED_MAX 10000               /* over it the one that ended first is forgotten */
#define ENDED_MS (24 * 3600 * 1000UL) /* and each after this time */

struct ended;

/* The session ends while it is away. */
void ended_remember(const struct session *s);
/* h for a client that brings this token for its account. False: not known. */
bool ended_find(
    const struct sessiond *sd, const struct id128 *token, struct str bare, uint32_t *h_r);
void ended_expire(struct sessiond *sd, uint64_t now_ms);
void ended_free(struct sessiond *sd);
