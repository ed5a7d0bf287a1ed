/* A frame on the wire: the header of BUS.md §2 and the body. Used by endpoints and by the router. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "bus/messages.h"
#include "bus/role.h"

enum frame_flags {
	/* withdrawn: the number is used up, there is no body, nothing is handled */
	FRAME_NOP = 1 << 0,
	/* may be poison (BUS.md §11): nothing else of its channel is under way. Say that its handler starts, then start it;
	 * say at once that it has returned */
	FRAME_ALONE = 1 << 1,
	FRAME_FLAGS_ALL = FRAME_NOP | FRAME_ALONE,
};

struct frame {
	uint32_t length; /* header and body */
	uint16_t type;   /* enum msg_type */
	uint8_t level;
	uint8_t flags;
	uint16_t src, dst; /* endpoint numbers */
	uint64_t src_inc, dst_inc;
	uint64_t seq;   /* 0: control frame */
	uint64_t floor; /* lowest seq that the sender still keeps */
	struct id128 origin;
	uint64_t n;
	uint16_t kind;
	struct str body;  /* borrowed */
	struct str bytes; /* header and body, borrowed */
};

/* role << 8 | instance */
static inline uint16_t
frame_endpoint(enum role role, uint8_t instance)
{
	return (uint16_t)(role << 8 | instance);
}

static inline enum role
frame_role(uint16_t endpoint)
{
	return (enum role)(endpoint >> 8);
}

static inline uint8_t
frame_instance(uint16_t endpoint)
{
	return (uint8_t)endpoint;
}

/* Appends the header, with f->length set from the body's size. The body must be added next. */
void frame_add_header(struct buf *out, struct frame *f, size_t body_size);
/* Appends a whole frame whose body is this message. */
void frame_add_message(
    struct buf *out, struct frame *f, const struct bus_message *m, const void *msg);

/* What is wrong with a header by itself, or NULL. Checks everything that needs no knowledge of who sent it. */
const char *frame_check(const struct frame *f);

/* Logs a frame for `-T bus`: the arrow, the other end, the message by name and field. */
void frame_trace(const char *arrow, uint16_t other, const struct frame *f);

/* Cuts a stream of bytes into frames. Holds at most one incomplete frame. */
struct frame_cutter {
	struct buf partial; /* bounded by BUS_FRAME_MAX */
};
/* Called with every whole frame; false stops the cutting (and the bytes behind are forgotten). */
typedef bool frame_fn(void *ctx, const struct frame *f);
/* False when fn said so, or when a length is impossible: then *error_r says so. */
bool frame_cut(
    struct frame_cutter *c, struct str bytes, frame_fn *fn, void *ctx, const char **error_r);
void frame_cutter_deinit(struct frame_cutter *c);
