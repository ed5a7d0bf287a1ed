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
#define ACK_RANGES_MAX 32
#define ACKS_TOGETHER 64 /* then they wait no longer */
/* What a sender may have in one channel beyond what we have handled; over it, it ignores its window. */
#define QUEUE_WINDOWS 4

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
	uint8_t flags; /* enum frame_flags */
	bool patient;  /* never failed for time */
	bool was_sent; /* at least once, to whichever incarnation: it may have taken effect */
	uint32_t size; /* of the body */
	uint8_t body[];
};

struct out_channel {
	struct list kept; /* at most a window and one handler's output */
	uint64_t next_seq;
	size_t bytes;
	bool full; /* from the window's size on, until half of it is free */
};

struct queued {
	struct list node;
	struct frame frame; /* body and bytes point behind */
	uint8_t bytes[];
};

struct in_channel {
	uint64_t accepted; /* highest number taken */
	uint64_t handled;  /* highest whose handler has returned */
	uint64_t acked;    /* all up to here are acknowledged */
	struct rec_seq_range
	    *ranges; /* acknowledged ones above, in order; at most one per frame of the window */
	uint32_t n_ranges, cap_ranges;
	struct list queue; /* accepted, not started; bounded by QUEUE_WINDOWS */
	size_t queued_bytes;
	bool ack_due;
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
