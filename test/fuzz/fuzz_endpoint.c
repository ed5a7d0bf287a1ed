/* An endpoint whose router and peers are mad: a sessiond gets any frames with any headers, as one stream of bytes. Nothing
 * but the link may end (INV-29). Source, receiver and incarnations are put right in most of them, or nothing would
 * get past the first check. */
#include <stddef.h>
#include <stdint.h>

#include "bus/bus_private.h"

#define INC 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct custody *held[64];
static unsigned n_held;

static struct buf *
take_out(void *ctx)
{
	return ctx;
}

static void
handle(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_DROP drop = {.epoch = 1};
	(void)ctx, (void)msg;
	if (in->op.n % 2 == 0 && in->message->level < 5)
		bus_send(in->bus, &storaged, MSG_DROP, &drop, &in->op, in->custody, 0);
	if (in->op.n % 3 == 0 && n_held < 64)
		held[n_held++] = custody_hold(in->custody);
	if (in->op.n % 5 == 0)
		bus_protocol_error(in->bus, in, "fuzz");
}

static void
on_lost(void *ctx, const struct endpoint *peer, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	(void)ctx, (void)peer, (void)m, (void)msg, (void)op, (void)cause;
}

static const struct bus_handler handlers[] = {
    {MSG_BIND, 1u << ROLE_STORAGED, handle},
    {MSG_STANZA, 1u << ROLE_STORAGED, handle},
    {MSG_REG, 0, handle},
    {MSG_CLOSED, 1u << ROLE_C2SD, handle},
    {MSG_ROUTE, 1u << ROLE_C2SD, handle},
    {MSG_STORE_FAILED, 0, handle},
    {0, 0, NULL},
};
static const struct bus_events events = {.lost = on_lost};
static const struct bus_config config = {
    .role = ROLE_SESSIOND, .handlers = handlers, .events = &events, .window_bytes = 4096};

static bool
on_frame(void *ctx, const struct frame *f)
{
	struct bus *b = ctx;
	struct frame fixed = *f;
	if (f->kind % 8) {
		static const enum role roles[] = {ROLE_ROUTER, ROLE_C2SD, ROLE_STORAGED, ROLE_C2SD};
		fixed.src = frame_endpoint(roles[f->src % 4], 0);
		fixed.src_inc = INC;
		fixed.dst = b->number;
		fixed.dst_inc = INC;
		fixed.type = f->type % MSG_TYPE_MAX;
		fixed.level = bus_message(fixed.type) ? bus_message(fixed.type)->level : 0;
		fixed.seq = fixed.level ? 1 + f->seq % 16 : 0;
		fixed.floor = 0;
		fixed.flags = f->flags & FRAME_NOP;
	}
	b->now_ms += f->n % 2000;
	bool go_on = bus_core_frame(b, &fixed);
	bus_core_tick(b);
	bus_core_turn(b);
	return go_on;
}

static void
link_and_peers(struct bus *b, struct buf *out)
{
	const struct rec_endpoint_is peers[] = {{ROLE_C2SD, 0, INC}, {ROLE_STORAGED, 0, INC}};
	struct msg_WELCOME w = {.peers = {.items = peers, .count = 2}};
	struct buf body = {0};
	bus_core_connected(b, take_out, out);
	bus_encode(&body, bus_message(MSG_WELCOME), &w);
	struct frame f = {
	    .type = MSG_WELCOME, .dst = b->number, .dst_inc = INC, .body = buf_str(&body)};
	bus_core_frame(b, &f);
	buf_deinit(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus *b = bus_core_new(&config, INC);
	struct buf out = {0};
	struct frame_cutter cutter = {{0}};
	const char *error;
	n_held = 0;
	link_and_peers(b, &out);
	/* in two pieces, so that the incomplete frame is exercised too */
	size_t half = size / 2;
	if (frame_cut(&cutter, str_of(data, half), on_frame, b, &error))
		frame_cut(&cutter, str_of(data + half, size - half), on_frame, b, &error);
	for (unsigned i = 0; i < n_held; i++)
		custody_release(held[i]);
	bus_core_turn(b);
	bus_core_disconnected(b);
	frame_cutter_deinit(&cutter);
	buf_deinit(&out);
	bus_core_free(&b);
	return 0;
}
