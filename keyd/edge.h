/* What keyd answers to one role of edges: rights, rate, counters. No sockets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "store.h"

/* Which certificates and keys are for it. */
enum edge_scope {
	EDGE_NOTHING,
	EDGE_COMPONENTS, /* those of components and of the domains above them */
	EDGE_ALL,
};

struct edge {
	const char *name; /* "c2sd" */
	enum edge_scope scope;
	uint32_t rate; /* signatures per second; twice as many at once */

	uint64_t tokens_milli, refilled_ms;
	uint64_t answered[KEYWIRE_STATUS_COUNT]; /* counters */
	uint64_t malformed, strangers;
};

enum edge_verdict {
	EDGE_ANSWER,  /* send what is in out */
	EDGE_WATCH,   /* the peer wants the list, now and after every change */
	EDGE_HANG_UP, /* the packet was no request */
};

void edge_init(
    struct edge *e, const char *name, enum edge_scope scope, uint32_t rate, uint64_t now_ms);
enum edge_verdict edge_handle(
    struct edge *e, const struct store *s, struct str packet, uint64_t now_ms, struct buf *out);
uint64_t edge_refused(const struct edge *e);

/* Where a peer is in the list of certificates. Zeroed: it has got nothing. */
struct push_cursor {
	uint64_t generation; /* of the list that it is getting or has got */
	size_t step;
};

/* The next packet for a peer of this edge; false when it has all. A list that was overtaken by a change starts again. The ticket key is
 * another one for each role: sessions of clients are c2sd's alone. */
bool push_next(const struct edge *e, const struct store *s, struct push_cursor *c, struct buf *out);
/* The packet could not be sent: it comes again. */
void push_again(struct push_cursor *c);
