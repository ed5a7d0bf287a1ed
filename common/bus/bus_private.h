/* The core of an endpoint, shared by the files of this folder and their tests. It does no I/O: frames go into a buffer,
 * frames come in through bus_core_frame, and the clock is what was set last. */
#pragma once

#include "base/list.h"
#include "base/slab.h"
#include "bus/bus.h"
#include "bus/channel.h"
#include "bus/frame.h"
#include "bus/peer.h"
#include "bus/pool.h"

struct link;

struct bus {
	const struct bus_config *config;
	struct loop *loop; /* NULL in tests */
	struct link *link;
	uint64_t now_ms;
	uint64_t inc;

	struct buf *(*out)(void *ctx); /* where frames go; NULL while not linked */
	void *out_ctx;
	uint64_t linked_since_ms, router_age_ms;

	const struct bus_handler *handlers[MSG_TYPE_MAX];
	struct peer *peers[ROLE_COUNT << 8];
	struct list peers_list;
	struct list acks_due;
	/* An acknowledgement goes with the next frame of any kind, or after so long, or when many have gathered: alone it
	 * would wake two processes for each message. 0 in tests: in the turn in which it is due. */
	uint32_t ack_wait_ms;
	uint64_t acks_since_ms;
	unsigned n_acks_due;
	bool acks_urgent; /* about a frame that came alone: its sender waits, or we may not live that long */
	unsigned full[ROLE_COUNT][LEVELS]; /* how many channels are */
	unsigned n_full;                   /* the sum */
	uint32_t opened;    /* roles to whom a window has opened again: events->credit */
	unsigned n_waiting; /* frames in the queues of all channels */

	struct list requests_list; /* bounded by what is asked; each has a deadline or a kept frame */
	struct list requests_by_number[REQUEST_BUCKETS];
	uint64_t next_request;
	struct rec_route *routes; /* names owned by routes_names */
	uint32_t n_routes;
	struct buf routes_names;

	struct bus_pool pool;
	struct slab custodies;
	struct bus_stats stats;

	uint16_t number;
	bool trace;
	bool linked; /* WELCOME was taken */
	bool wrote;  /* a frame, in this turn */
	bool pump;   /* a queued frame may be able to start */
	bool expire; /* a request has failed before it was sent */
	bool admit_only, admitted[MSG_TYPE_MAX];
};

/* bus.c: the core as link.c and tests see it */
struct bus *bus_core_new(const struct bus_config *config, uint64_t incarnation);
void bus_core_free(struct bus **b);
void bus_core_connected(struct bus *b, struct buf *(*out)(void *ctx), void *ctx); /* writes HELLO */
void bus_core_disconnected(struct bus *b);
/* False: the router talks nonsense, close the link. */
bool bus_core_frame(struct bus *b, const struct frame *f);
/* Once per turn: starts what may start, writes acknowledgements when it is time. */
void bus_core_turn(struct bus *b);
/* Some wait: the turn must come again within ack_wait_ms. */
bool bus_core_owes_acks(const struct bus *b);
/* What depends on the time; to be called about every 100 ms while bus_core_needs_ticks. */
void bus_core_tick(struct bus *b);
bool bus_core_needs_ticks(const struct bus *b);
uint64_t bus_now(struct bus *b);
void bus_stir(struct bus *b); /* bus_core_turn must be called in this turn (again) */
void bus_complain(struct bus *b, uint16_t number, uint64_t inc, const char *what);
struct endpoint bus_endpoint_of(const struct peer *p);
struct kept *bus_keep(struct bus *b, const struct endpoint *to, const struct bus_message *m,
    const void *msg, const struct opid *op, struct custody *cause);

/* routes.c */
void bus_routes_take(struct bus *b, struct bus_list routes);
void bus_routes_free(struct bus *b);

/* link.c */
struct link *bus_link_new(struct loop *loop, struct bus *b, const char *socket_path);
void bus_link_free(struct link **l);
