/* See bus_rig.h. */
#include "bus_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct buf *
rig_out(void *ctx)
{
	return &((struct bus_rig *)ctx)->out;
}

void
bus_rig_start(struct bus_rig *r, const struct bus_config *config)
{
	*r = (struct bus_rig){.bus = bus_core_new(config, RIG_INC)};
	r->bus->now_ms = 1000000;
}

void
bus_rig_stop(struct bus_rig *r)
{
	bus_core_free(&r->bus);
	buf_deinit(&r->out);
	buf_deinit(&r->bytes);
}

void
bus_rig_link(struct bus_rig *r)
{
	struct msg_WELCOME w = {.incarnation = 1, .age_ms = 5};
	bus_core_connected(r->bus, rig_out, r);
	bus_rig_expect(r, MSG_HELLO, 0);
	assert_true(bus_rig_router(r, MSG_WELCOME, &w));
}

void
bus_rig_unlink(struct bus_rig *r)
{
	bus_core_disconnected(r->bus);
	buf_clear(&r->out);
}

void
bus_rig_frame(struct bus_rig *r, struct frame *f, const void *msg)
{
	struct buf b = {0};
	const struct bus_message *m = bus_message(f->type);
	if (msg)
		bus_encode(&b, m, msg);
	f->level = m->level;
	if (!f->floor)
		f->floor = f->seq;
	f->body = buf_str(&b);
	f->length = (uint32_t)(BUS_HEADER_BYTES + f->body.n);
	/* as it would lie on the wire */
	struct buf wire = {0};
	frame_add_header(&wire, f, f->body.n);
	buf_add_str(&wire, f->body);
	f->bytes = buf_str(&wire);
	f->body = str_from(f->bytes, BUS_HEADER_BYTES);
	assert_true(bus_core_frame(r->bus, f));
	buf_deinit(&wire);
	buf_deinit(&b);
}

bool
bus_rig_router(struct bus_rig *r, enum msg_type type, const void *msg)
{
	struct buf b = {0};
	bus_encode(&b, bus_message(type), msg);
	struct frame f = {
	    .type = (uint16_t)type,
	    .src = frame_endpoint(ROLE_ROUTER, 0),
	    .dst = r->bus->number,
	    .dst_inc = RIG_INC,
	    .body = buf_str(&b),
	};
	bool ok = bus_core_frame(r->bus, &f);
	buf_deinit(&b);
	return ok;
}

void
bus_rig_up(struct bus_rig *r, enum role role, uint8_t instance, uint64_t inc)
{
	struct msg_PEER_UP msg = {{(uint8_t)role, instance, inc}};
	assert_true(bus_rig_router(r, MSG_PEER_UP, &msg));
}

void
bus_rig_down(struct bus_rig *r, enum role role, uint8_t instance, uint64_t inc)
{
	struct msg_PEER_DOWN msg = {{(uint8_t)role, instance, inc}};
	assert_true(bus_rig_router(r, MSG_PEER_DOWN, &msg));
}

void
bus_rig_peer(struct bus_rig *r, enum role role, uint64_t inc, uint64_t seq, enum msg_type type,
    const void *msg)
{
	struct frame f = {
	    .type = (uint16_t)type,
	    .src = frame_endpoint(role, 0),
	    .src_inc = inc,
	    .dst = r->bus->number,
	    .dst_inc = RIG_INC,
	    .seq = seq,
	    .n = seq,
	};
	bus_rig_frame(r, &f, msg);
}

void
bus_rig_ack(struct bus_rig *r, enum role role, uint64_t inc, unsigned level, uint64_t acked)
{
	struct rec_channel_state state = {.level = (uint8_t)level, .acked = acked, .handled = acked};
	struct msg_ACK ack = {.channels = {.items = &state, .count = 1}};
	bus_rig_peer(r, role, inc, 0, MSG_ACK, &ack);
}

void
bus_rig_pass(struct bus_rig *r, uint64_t ms)
{
	r->bus->now_ms += ms;
	bus_core_tick(r->bus);
	bus_core_turn(r->bus);
}

static bool
rig_keep(void *ctx, const struct frame *f)
{
	((struct bus_rig *)ctx)->frame = *f;
	return true;
}

const struct frame *
bus_rig_next(struct bus_rig *r)
{
	uint32_t length;
	struct frame_cutter c = {{0}};
	const char *error;
	if (buf_len(&r->out) == 0)
		return NULL;
	memcpy(&length, buf_str(&r->out).p, sizeof(length));
	buf_clear(&r->bytes);
	buf_add(&r->bytes, buf_str(&r->out).p, length);
	buf_consume(&r->out, length);
	assert_true(frame_cut(&c, buf_str(&r->bytes), rig_keep, r, &error));
	assert_null(frame_check(&r->frame));
	assert_int_equal(r->frame.src_inc, RIG_INC);
	frame_cutter_deinit(&c);
	return &r->frame;
}

void
bus_rig_expect(struct bus_rig *r, enum msg_type type, uint64_t seq)
{
	const struct frame *f = bus_rig_next(r);
	if (!f)
		fail_msg("nothing was written instead of %s", bus_message(type)->body.name);
	if (f->type != type)
		fail_msg("%s instead of %s", bus_message(f->type)->body.name,
		    bus_message(type)->body.name);
	assert_int_equal(f->seq, seq);
}

void
bus_rig_expect_nothing(struct bus_rig *r)
{
	const struct frame *f = bus_rig_next(r);
	if (f)
		fail_msg("%s was written", bus_message(f->type)->body.name);
}

void
bus_rig_decode(struct bus_rig *r, void *msg_r)
{
	assert_true(bus_decode(bus_message(r->frame.type), r->frame.body, msg_r));
}

void
bus_rig_expect_ack(struct bus_rig *r, unsigned level, uint64_t acked, unsigned ranges)
{
	struct msg_ACK ack;
	struct rec_channel_state state;
	bus_core_turn(r->bus);
	bus_rig_expect(r, MSG_ACK, 0);
	bus_rig_decode(r, &ack);
	while (bus_list_next(&ack.channels, &bus_record_channel_state, &state)) {
		if (state.level != level)
			continue;
		assert_int_equal(state.acked, acked);
		assert_int_equal(state.ranges.count, ranges);
		return;
	}
	fail_msg("no state of level %u", level);
}
