/* Other endpoints (peer.c), custodies (custody.c) and requests (requests.c) as the files of this folder see them. */
#pragma once

#include "base/list.h"
#include "bus/channel.h"

#define PRESUMED_DEAD_MS 3000
#define SETTLE_AFTER_MS 1000
#define SETTLE_MAX 1000
#define REQUEST_BUCKETS 1024
#define UNANSWERED_MS 10000

enum peer_state {
	PEER_ABSENT,  /* never seen */
	PEER_UNKNOWN, /* was there; may still live */
	PEER_UP,
	PEER_DEAD, /* presumed dead */
};

struct peer {
	struct list node; /* in bus->peers_list */
	struct list due;  /* in bus->acks_due */
	enum peer_state state;
	uint16_t number;
	uint64_t inc;
	uint64_t since_ms; /* of the state */
	struct out_channel out[LEVELS];
	struct in_channel in[LEVELS];
	struct rec_settled *settled; /* to be told; at most SETTLE_MAX */
	uint32_t n_settled;
	uint64_t settled_since_ms;
};

struct custody {
	struct list node; /* in the free list; in use: in in_channel.deferred, if it was put off */
	int refs;
	int deferrals;
	uint8_t level; /* 0: anything may be sent under it */
	struct bus *bus;
	struct list frames; /* kept.under */
	/* of a frame */
	struct peer *peer;
	uint64_t inc, seq;
	/* of one's own */
	struct custody *inner;
	void (*done)(void *arg);
	void *arg;
};

struct request {
	struct list node;   /* in bus->requests_list */
	struct list bucket; /* in bus->requests_by_number */
	uint64_t number;
	struct peer *peer;
	struct kept *kept; /* NULL when acknowledged or dropped */
	bool bound;
	bool failed;          /* before it was sent: fn is called in this turn */
	uint64_t deadline_ms; /* 0: none */
	bus_answer_fn *fn;
	void *arg;
};

/* peer.c */
struct peer *peer_of(struct bus *b, uint16_t number); /* made when it is not there */
void peer_up(struct bus *b, uint16_t number, uint64_t inc);
void peer_down(struct bus *b, uint16_t number, uint64_t inc);
void peers_unknown(struct bus *b); /* our link is gone */
void peer_tick(struct bus *b, struct peer *p);
void peer_settle(struct bus *b, struct peer *p, const struct id128 *origin, uint64_t n);
void peer_tell_settled(struct bus *b, struct peer *p);
void peers_free(struct bus *b);

/* custody.c */
struct custody *custody_for_frame(struct bus *b, struct peer *p, unsigned level, uint64_t seq);

/* requests.c */
void requests_init(struct bus *b);
bool requests_answer(struct bus *b, const struct bus_in *in, uint64_t number, const void *msg);
void requests_frame_gone(struct bus *b, uint64_t number);
void requests_fail(struct bus *b, uint64_t number);
void requests_peer_died(struct bus *b, struct peer *p);
void requests_tick(struct bus *b);
void requests_free(struct bus *b);
