/* WRITTEN: what sessiond is told about what clients' sockets have taken. Put together, since nobody waits for a single stanza:
 * REPORT_MS after the first news of a session, or at once when it is much: then more may wait behind sessiond's window. */
#pragma once

#include "base/list.h"
#include "loop/loop.h"

#define REPORT_MS 20
#define REPORT_BYTES 4096

struct c2sd;
struct session;

struct reports {
	struct list due; /* sessions with news */
	struct loop_timer *timer;
};

struct report {
	struct list link;
	uint64_t told; /* highest k that sessiond knows of */
	size_t bytes;  /* of what it does not know of */
};

void reports_start(struct c2sd *c);
void reports_stop(struct c2sd *c);
/* The session's `written` has changed, or is to be told to a new sessiond. */
void report_news(struct session *s);
/* Tells it now, if there is something to tell. */
void report_now(struct session *s);
