/* The edges as sessiond sees them while it waits for their sessions (BUS.md §9). */
#pragma once

#include <stdint.h>

#include "base/list.h"

#define EDGES_MAX 256

enum edge_state {
	EDGE_ABSENT,
	EDGE_REGISTERING, /* connected, REG_END has not come */
	EDGE_CHECKING,    /* REG_END has come, its sessions are being checked */
	EDGE_READY,
	EDGE_GONE, /* presumed dead; its sessions were ended */
	EDGE_STALE, /* came back with the incarnation that was presumed dead: what it holds is void */
};

struct edge {
	enum edge_state state;
	uint64_t incarnation;
	struct list sessions; /* registered, not yet believed */
	unsigned checks;      /* questions to authd that are open */
	size_t behind_bytes; /* of its stanzas that are done, and wait for one before them (inbound.c) */
	/* Connections whose sessions were taken from it when it was presumed dead: released if it comes back after all. At most
	 * as many as it had. */
	uint64_t *taken;
	size_t n_taken, cap_taken;
};
