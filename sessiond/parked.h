/* What came for a session while it is away and is kept in memory alone: what is of no use later or can be asked for again, copies of
 * messages, questions and answers. Messages worth storing are owed instead (message.c), and presence is held (hold.h). It holds
 * back no acknowledgement. */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>

/* Over either bound the session ends: it would come back with gaps. */
#define PARKED_MAX 1000
#define PARKED_BYTES_MAX (256 * 1024)

struct act;
struct delivery;
struct session;

struct parked {
	struct list list; /* struct outgoing, in the order in which they came */
	unsigned n;
	size_t bytes;
};

void parked_init(struct parked *p);
void parked_clear(struct parked *p);
void park(struct session *s, const struct delivery *d);
/* It is back: sends all of it. */
void unpark(struct session *s, const struct act *act);
/* It will not come back: questions are answered by an error (RFC 6120 §8.2.3). */
void parked_bounce(struct session *s, const struct act *act);
