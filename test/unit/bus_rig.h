/* One endpoint without a router: the test writes what would come from the link and reads what would go to it. */
#pragma once

#include "bus/bus_private.h"

#define RIG_INC 100 /* of the endpoint under test */

struct bus_rig {
	struct bus *bus;
	struct buf out;
	struct frame frame; /* the last one taken from out; lies in bytes */
	struct buf bytes;
};

/* Not yet connected. */
void bus_rig_start(struct bus_rig *r, const struct bus_config *config);
void bus_rig_stop(struct bus_rig *r);
/* Connects and takes HELLO from out; then WELCOME without peers. */
void bus_rig_link(struct bus_rig *r);
void bus_rig_unlink(struct bus_rig *r);

/* From the router. */
bool bus_rig_router(struct bus_rig *r, enum msg_type type, const void *msg);
void bus_rig_up(struct bus_rig *r, enum role role, uint8_t instance, uint64_t inc);
void bus_rig_down(struct bus_rig *r, enum role role, uint8_t instance, uint64_t inc);
/* From the peer role.0 of this incarnation. seq 0: control. */
void bus_rig_peer(struct bus_rig *r, enum role role, uint64_t inc, uint64_t seq, enum msg_type type,
    const void *msg);
void bus_rig_ack(struct bus_rig *r, enum role role, uint64_t inc, unsigned level, uint64_t acked);
void bus_rig_frame(struct bus_rig *r, struct frame *f, const void *msg);

/* The clock, with ticks and turns. */
void bus_rig_pass(struct bus_rig *r, uint64_t ms);

/* The next frame that was written, or NULL. Valid until the next call. */
const struct frame *bus_rig_next(struct bus_rig *r);
/* The next one must be this message with this number. */
void bus_rig_expect(struct bus_rig *r, enum msg_type type, uint64_t seq);
void bus_rig_expect_nothing(struct bus_rig *r);
/* Decodes the last frame. */
void bus_rig_decode(struct bus_rig *r, void *msg_r);
/* A turn, then the next frame must be an ACK that says this of the channel. */
void bus_rig_expect_ack(struct bus_rig *r, unsigned level, uint64_t acked, unsigned ranges);
