/* An edge, a sessiond and a storaged without processes: their endpoints, a router between them that reads one frame at a
 * time, and the buffers in between, which may be lost. */
#pragma once

#include "bus/bus_private.h"

enum who {
	EDGE,
	SESSIOND,
	STORAGED,
	N_WHO,
};

extern const enum role sim_role[N_WHO];

struct node {
	struct bus *bus;
	uint64_t inc;
	struct buf out; /* written, not yet read by the router */
	struct buf in;  /* forwarded by the router, not yet read */
	bool connected;
	bool greeted; /* the router has taken HELLO */
	uint64_t away_until_ms;
};

struct sim {
	struct node nodes[N_WHO];
	uint64_t now_ms, next_inc;
};
extern struct sim sim;

/* Unless it is away. */
void sim_connect(enum who who);
/* The node sees the end of its link; the router is told nothing. */
void sim_disconnect(struct node *n);
/* The router reads one frame of this node, if there is one. */
void sim_router_reads(enum who who);
/* The node reads one frame, if there is one, and ends its turn. */
void sim_node_reads(enum who who);
/* PEER_UP or PEER_DOWN to all who may talk with it. */
void sim_router_tells(enum who about, enum msg_type type);
