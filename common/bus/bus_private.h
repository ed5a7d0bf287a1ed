/* The core of an endpoint, shared by the files of this folder and their tests. It does no I/O: frames go into a buffer,
 * frames come in through bus_core_frame, and the clock is what was set last.
 *
 * Glossary. channel: (peer, level) in one direction. kept: a frame that its receiver has not acknowledged. written: given
 * to the link, so that it has a number. To start a frame: to run its handler. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "bus/bus.h"
#include "bus/frame.h"
#include "bus/pool.h"

#define LEVELS (BUS_LEVEL_MAX + 1)
#define BUS_WINDOW_BYTES (4 * 1024 * 1024)
#define BUS_WAIT_MS 60000
#define PRESUMED_DEAD_MS 3000
#define SETTLE_AFTER_MS 1000
#define SETTLE_MAX 1000
#define ACK_RANGES_MAX 32
/* What a sender may have in one channel beyond what we have handled; over it, it ignores its window. */
#define QUEUE_WINDOWS 4

/* ---- sender ---- */

struct kept {
	struct list node;  /* in out_channel.kept; written ones first, in order of seq */
	struct list under; /* in cause->frames */
	struct custody *cause;
	struct peer *peer;
	uint64_t seq;      /* 0: not yet written */
	uint64_t since_ms; /* when it was sent by its owner */
	uint64_t request;  /* 0: none */
	struct opid op;
	uint16_t type;
	uint8_t flags;  /* enum frame_flags */
	bool patient;   /* never failed for time */
	bool was_sent;  /* at least once, to whichever incarnation: it may have taken effect */
	uint32_t size;  /* of the body */
	uint8_t body[];
};

struct out_channel {
	struct list kept; /* at most a window and one handler's output */
	uint64_t next_seq;
	size_t bytes;
	bool full; /* from the window's size on, until half of it is free */
};

/* ---- receiver ---- */

struct queued {
	struct list node;
	struct frame frame; /* body and bytes point behind */
	uint8_t bytes[];
};

struct in_channel {
	uint64_t accepted; /* highest number taken */
	uint64_t handled;  /* highest whose handler has returned */
	uint64_t acked;    /* all up to here are acknowledged */
	struct rec_seq_range *ranges; /* acknowledged ones above, in order; at most one per frame of the window */
	uint32_t n_ranges, cap_ranges;
	struct list queue; /* accepted, not started; bounded by QUEUE_WINDOWS */
	size_t queued_bytes;
	bool ack_due;
};

/* ---- peers ---- */

enum peer_state {
	PEER_ABSENT,  /* never seen */
	PEER_UNKNOWN, /* was there; may still live */
	PEER_UP,
	PEER_DEAD,    /* presumed dead */
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
	struct list node; /* in the free list */
	int refs;
	uint8_t level;     /* 0: anything may be sent under it */
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
	struct list node;
	UT_hash_handle hh;
	uint64_t number;
	struct peer *peer;
	struct kept *kept; /* NULL when acknowledged or dropped */
	bool bound;
	bool failed;          /* before it was sent: fn is called in this turn */
	uint64_t deadline_ms; /* 0: none */
	bus_answer_fn *fn;
	void *arg;
};

struct bus {
	const struct bus_config *config;
	struct loop *loop; /* NULL in tests */
	struct link *link;
	uint64_t now_ms;
	uint16_t number;
	uint64_t inc;
	bool trace;

	struct buf *(*out)(void *ctx); /* where frames go; NULL while not linked */
	void *out_ctx;
	bool linked; /* WELCOME was taken */
	uint64_t linked_since_ms, router_age_ms;

	const struct bus_handler *handlers[MSG_TYPE_MAX];
	bool admit_only, admitted[MSG_TYPE_MAX];
	struct peer *peers[ROLE_COUNT << 8];
	struct list peers_list;
	struct list acks_due;
	unsigned full[ROLE_COUNT][LEVELS]; /* how many channels are */
	unsigned n_full;                   /* the sum */
	uint32_t opened;                   /* roles to whom a window has opened again: events->credit */
	unsigned n_waiting;                /* frames in the queues of all channels */
	bool pump;                         /* one of them may be able to start */
	bool expire;                       /* a request has failed before it was sent */

	struct request *requests;
	struct list requests_list; /* bounded by what is asked; each has a deadline or a kept frame */
	uint64_t next_request;
	struct rec_route *routes; /* names owned by routes_names */
	uint32_t n_routes;
	struct buf routes_names;

	struct pool pool;
	struct list custody_free;
	struct custody_slab *custody_slabs;
	struct bus_stats stats;
};

struct link;

/* bus.c: the core as link.c and tests see it */
struct bus *bus_core_new(const struct bus_config *config, uint64_t incarnation);
void bus_core_free(struct bus **b);
void bus_core_connected(struct bus *b, struct buf *(*out)(void *ctx), void *ctx); /* writes HELLO */
void bus_core_disconnected(struct bus *b);
/* False: the router talks nonsense, close the link. */
bool bus_core_frame(struct bus *b, const struct frame *f);
/* Once per turn: starts what may start, writes acknowledgements. */
void bus_core_turn(struct bus *b);
/* What depends on the time; to be called about every 100 ms while bus_core_needs_ticks. */
void bus_core_tick(struct bus *b);
bool bus_core_needs_ticks(const struct bus *b);
uint64_t bus_now(struct bus *b);
void bus_stir(struct bus *b); /* bus_core_turn must be called in this turn (again) */
void bus_complain(struct bus *b, uint16_t number, uint64_t inc, const char *what);
struct endpoint bus_endpoint_of(const struct peer *p);
struct kept *bus_keep(struct bus *b, const struct endpoint *to, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause);

/* sender.c */
struct kept *sender_send(struct bus *b, struct peer *p, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause);
void sender_control(struct bus *b, struct peer *p, enum msg_type type, const void *msg);
void sender_resend(struct bus *b, struct peer *p);
void sender_take_ack(struct bus *b, struct peer *p, const struct rec_channel_state *state);
void sender_drop_bound(struct bus *b, struct peer *p);
void sender_restart(struct bus *b, struct peer *p, struct list remaining_r[LEVELS]);
void sender_continue(struct bus *b, struct peer *p, struct list remaining[LEVELS]);
void sender_fail_waiting(struct bus *b, struct peer *p);
void sender_withdraw(struct bus *b, struct kept *k);
void sender_free(struct bus *b, struct peer *p);

/* receiver.c */
void receiver_take(struct bus *b, struct peer *p, const struct frame *f);
void receiver_pump(struct bus *b);
void receiver_acknowledge(struct bus *b, struct peer *p, unsigned level, uint64_t seq);
void receiver_ack_all(struct bus *b, struct peer *p); /* marks all channels in use */
void receiver_write_acks(struct bus *b);
void receiver_purge(struct bus *b, struct peer *p);
void receiver_reset(struct bus *b, struct peer *p);

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
void custody_free_all(struct bus *b);

/* requests.c */
bool requests_answer(struct bus *b, const struct bus_in *in, uint64_t number, const void *msg);
void requests_frame_gone(struct bus *b, uint64_t number);
void requests_fail(struct bus *b, uint64_t number);
void requests_peer_died(struct bus *b, struct peer *p);
void requests_tick(struct bus *b);
void requests_free(struct bus *b);

/* routes.c */
void routes_take(struct bus *b, struct bus_list routes);
void routes_free(struct bus *b);

/* link.c */
struct link *link_new(struct loop *loop, struct bus *b, const char *socket_path);
void link_free(struct link **l);
