/* WRITTEN: what sessiond is told about what clients' sockets have taken. Put together, since nobody waits for a single stanza:
 * all sessions with news in one frame, REPORT_MS after the first of them; one by itself when it is much (an eighth of
 * sessiond's window), since then more may wait there. */
#pragma once

#include "base/list.h"
#include "loop/loop.h"

#define REPORT_MS 20
#define REPORT_BYTES (32 * 1024)

struct c2sd;
struct rec_target;
struct session;

struct reports {
	struct list due;            /* sessions with news */
	struct rec_target *targets; /* of a frame */
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
