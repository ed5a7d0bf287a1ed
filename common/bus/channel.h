/* The two sides of a channel, sender.c and receiver.c.
 *
 * Glossary. channel: (peer, level) in one direction. kept: a frame that its receiver has not acknowledged. written: given
 * to the link, so that it has a number. To start a frame: to run its handler. */
#pragma once

#include "base/list.h"
#include "bus/bus.h"
#include "bus/frame.h"

#define LEVELS (BUS_LEVEL_MAX + 1)
#define BUS_WINDOW_BYTES (4 * 1024 * 1024)
#define BUS_WAIT_MS 60000
#define ACK_RANGES_MAX 32 /* in one ACK; where there are more, there is more than one */
#define ACKS_TOGETHER 64  /* then they wait no longer */
/* What a sender may have in one channel beyond what we have handled; over it, it ignores its window. */
#define QUEUE_WINDOWS 4
#define UNPROVEN_MAX 4096
#define POISON_DEATHS 2 /* after as many, a frame goes alone */

struct peer;

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
	uint8_t deaths; /* of incarnations that had it and had not returned from its handler */
	bool condemned; /* it was alone when its receiver died (BUS.md §11) */
	uint32_t size;  /* of the body */
	uint8_t body[];
};

struct out_channel {
	struct list kept; /* at most a window and one handler's output */
	uint64_t next_seq;
	uint64_t handled; /* highest number whose handler has returned, as far as told */
	uint64_t started; /* highest that was told to start alone */
	bool careful;     /* the frames that wait go one at a time (poison.c) */
	size_t bytes;
	bool full; /* from the window's size on, until half of it is free */
};

struct queued {
	struct list node;
	struct frame frame; /* body and bytes point behind */
	uint8_t bytes[];
};

/* A frame whose sender may not yet know of its acknowledgement. */
struct unproven {
	uint64_t seq;
	struct opid op;
};

struct in_channel {
	uint64_t accepted; /* highest number taken */
	uint64_t handled;  /* highest whose handler has returned */
	uint64_t acked;    /* all up to here are acknowledged */
	struct rec_seq_range
	    *ranges; /* acknowledged ones above, in order; at most one per frame of the window */
	uint32_t n_ranges, cap_ranges;
	uint64_t tell_from, tell_to; /* what was acknowledged since the last ACK lies between them */
	uint64_t started;            /* highest that came alone and was told to start */
	struct list deferred;        /* custodies of those whose handling was put off, in order */
	struct list queue;           /* accepted, not started; bounded by QUEUE_WINDOWS */
	size_t queued_bytes;
	bool ack_due;
	/* a ring in order of seq, only kept for events->proven; over UNPROVEN_MAX the oldest is forgotten: its id is never
	 * settled, and the ledgers have caps of their own */
	struct unproven *unproven;
	uint32_t first_unproven, n_unproven, cap_unproven;
};

/* sender.c */
struct kept *sender_send(struct bus *b, struct peer *p, const struct bus_message *m,
    const void *msg, const struct opid *op, struct custody *cause);
void sender_control(struct bus *b, struct peer *p, enum msg_type type, const void *msg);
void sender_resend(struct bus *b, struct peer *p);
void sender_take_ack(struct bus *b, struct peer *p, const struct rec_channel_state *state);
void sender_drop_bound(struct bus *b, struct peer *p);
void sender_restart(struct bus *b, struct peer *p, struct list remaining_r[LEVELS]);
void sender_continue(struct bus *b, struct peer *p, struct list remaining[LEVELS]);
void sender_fail_waiting(struct bus *b, struct peer *p);
void sender_pump(struct bus *b, struct peer *p, unsigned level); /* careful channels */
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
void receiver_ack_now(struct bus *b, struct peer *p, struct in_channel *ch);
bool receiver_has_acked(const struct in_channel *ch, uint64_t seq);

/* poison.c */
void poison_count_death(struct out_channel *ch, struct kept *k);
bool poison_is_suspect(const struct kept *k);
bool poison_may_write(const struct out_channel *ch);
void poison_log(struct bus *b, const struct peer *p, const struct kept *k);

/* proven.c */
void proven_note(struct bus *b, struct in_channel *ch, const struct frame *f);
void proven_take_floor(struct bus *b, struct peer *p, struct in_channel *ch, uint64_t floor);
void proven_reset(struct in_channel *ch);
