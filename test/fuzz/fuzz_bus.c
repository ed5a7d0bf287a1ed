/* The bus against any bytes (INV-29). The first byte picks the role:
 *
 *   an endpoint  whose router and peers are mad: it gets any frames with any headers, as one stream of bytes. Nothing but the
 *                link may end. Source, receiver and incarnations are put right in most of them, or nothing would get past
 *                the first check. What its handlers get is written again the same.
 *   none         the rest is the body of the message that the second byte chooses: the decoder of each is total, and what it
 *                takes is written again the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/bus_private.h"

#define INC 7
#define HELD_MAX 64

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- bodies ---- */

static void
walk_lists(const struct bus_record *r, const void *record)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		const struct bus_field *f = &r->fields[i];
		const uint8_t *p = (const uint8_t *)record + f->offset;
		if (f->kind == FIELD_record)
			walk_lists(f->record, p);
		if (f->kind != FIELD_list)
			continue;
		struct bus_list it = *(const struct bus_list *)(const void *)p;
		void *item = mem_new(f->record->size);
		while (bus_list_next(&it, f->record, item))
			walk_lists(f->record, item);
		assert(str_empty(it.bytes));
		free(item);
	}
}

static void
check_message(const struct bus_message *m, const void *msg, struct str body)
{
	struct buf out = {0};
	walk_lists(&m->body, msg);
	assert(bus_size(m, msg) == body.n);
	bus_encode(&out, m, msg);
	assert(str_eq(buf_str(&out), body));
	buf_clear(&out);
	bus_dump(&out, m, msg);
	assert(!memchr(buf_str(&out).p, '\n', buf_len(&out)));
	buf_deinit(&out);
}

static void
one_body(const uint8_t *data, size_t size)
{
	unsigned count;
	union bus_any msg;
	bus_message_at(0, &count);
	if (size < 1)
		return;
	const struct bus_message *m = bus_message_at(data[0] % count, NULL);
	struct str body = str_of(data + 1, size - 1);
	if (bus_decode(m, body, &msg))
		check_message(m, &msg, body);
}

/* ---- an endpoint ---- */

static const enum role roles[] = {ROLE_SESSIOND, ROLE_C2SD, ROLE_AUTHD, ROLE_STORAGED, ROLE_CTL};
static const enum role partners[][3] = {
    {ROLE_C2SD, ROLE_STORAGED, ROLE_AUTHD},
    {ROLE_SESSIOND, ROLE_AUTHD, ROLE_SESSIOND},
    {ROLE_SESSIOND, ROLE_C2SD, ROLE_CTL},
    {ROLE_SESSIOND, ROLE_SESSIOND, ROLE_SESSIOND},
    {ROLE_SESSIOND, ROLE_AUTHD, ROLE_SESSIOND},
};

static unsigned which; /* of roles */
static struct custody *held[HELD_MAX];
static unsigned n_held;

static struct buf *
take_out(void *ctx)
{
	return ctx;
}

/* The first message that the role may send a partner from above this level. */
static const struct bus_message *
something_above(unsigned level, enum role to)
{
	unsigned count;
	bus_message_at(0, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct bus_message *m = bus_message_at(i, NULL);
		if (m->level > level && (m->from & 1u << roles[which]) && (m->to & 1u << to))
			return m;
	}
	return NULL;
}

static void
handle(void *ctx, const struct bus_in *in, const void *msg)
{
	static union bus_any empty;
	struct endpoint to = {.role = partners[which][in->op.n % 3], .incarnation = INC};
	const struct bus_message *m = something_above(in->message->level, to.role);
	(void)ctx;
	check_message(in->message, msg, in->body);
	if (in->op.n % 2 == 0 && m)
		bus_send(in->bus, &to, (enum msg_type)m->type, &empty, &in->op, in->custody, 0);
	if (in->op.n % 3 == 0 && n_held < HELD_MAX)
		held[n_held++] = custody_hold(in->custody);
	if (in->op.n % 9 == 0 && n_held > 0)
		custody_defer(held[n_held - 1]);
	if (in->op.n % 11 == 0 && n_held > 0)
		custody_resume(held[in->op.n / 11 % n_held]);
	if (in->op.n % 13 == 0 && n_held > 0)
		bus_withdraw(in->bus, held[in->op.n / 13 % n_held]);
	if (in->op.n % 5 == 0)
		bus_protocol_error(in->bus, in, "fuzz");
	if (in->op.n % 7 == 0)
		bus_settle(in->bus, &to, &in->op.origin, in->op.n);
}

static void
on_lost(void *ctx, const struct endpoint *peer, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	(void)ctx, (void)peer, (void)m, (void)msg, (void)op, (void)cause;
}

static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	(void)ctx, (void)m, (void)msg, (void)op, (void)cause, (void)why;
}

static void
on_settled(void *ctx, const struct endpoint *peer, const struct rec_settled *id)
{
	(void)ctx, (void)peer, (void)id;
}

static void
on_proven(void *ctx, const struct endpoint *peer, const struct opid *op)
{
	(void)ctx, (void)peer;
	assert(!id_is_zero(&op->origin));
}

static struct bus_handler handlers[COUNT(roles)][MSG_TYPE_MAX];
static const struct bus_events events = {
    .lost = on_lost, .failed = on_failed, .settled = on_settled, .proven = on_proven};

/* A handler for each message that the role may get. */
static void
make_handlers(unsigned r)
{
	unsigned count, n = 0;
	bus_message_at(0, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct bus_message *m = bus_message_at(i, NULL);
		bool is_answer = m->body.n_fields > 0 && m->body.fields[0].kind == FIELD_re;
		uint32_t emits = 0;
		for (unsigned p = 0; p < COUNT(partners[r]); p++)
			emits |= 1u << partners[r][p];
		if (m->level > 0 && !is_answer && (m->to & 1u << roles[r]))
			handlers[r][n++] =
			    (struct bus_handler){(enum msg_type)m->type, emits, handle};
	}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_set_level((enum log_level)(LOG_ERROR + 1)); /* dead letters */
	for (unsigned r = 0; r < COUNT(roles); r++)
		make_handlers(r);
	return 0;
}

static bool
on_frame(void *ctx, const struct frame *f)
{
	struct bus *b = ctx;
	struct frame fixed = *f;
	if (f->kind % 8) {
		enum role from = f->src % 4 == 3 ? ROLE_ROUTER : partners[which][f->src % 4];
		fixed.src = frame_endpoint(from, 0);
		fixed.src_inc = INC + (f->kind % 8 == 7);
		fixed.dst = b->number;
		fixed.dst_inc = INC;
		fixed.type = f->type % MSG_TYPE_MAX;
		fixed.level = bus_message(fixed.type) ? bus_message(fixed.type)->level : 0;
		fixed.seq = fixed.level ? 1 + f->seq % 16 : 0;
		fixed.floor = fixed.seq ? f->floor % (fixed.seq + 1) : 0;
		fixed.flags = f->flags & FRAME_FLAGS_ALL;
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
	struct rec_endpoint_is peers[3];
	struct msg_WELCOME w = {.peers = {.items = peers, .count = 3}};
	struct buf body = {0};
	for (unsigned i = 0; i < 3; i++)
		peers[i] = (struct rec_endpoint_is){(uint8_t)partners[which][i], 0, INC};
	bus_core_connected(b, take_out, out);
	bus_encode(&body, bus_message(MSG_WELCOME), &w);
	struct frame f = {
	    .type = MSG_WELCOME, .dst = b->number, .dst_inc = INC, .body = buf_str(&body)};
	bus_core_frame(b, &f);
	buf_deinit(&body);
}

static void
endpoint_reads(const uint8_t *data, size_t size)
{
	struct bus_config config = {.role = roles[which],
	    .handlers = handlers[which],
	    .events = &events,
	    .window_bytes = 4096};
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
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	which = data[0] % (COUNT(roles) + 1);
	if (which < COUNT(roles))
		endpoint_reads(data + 1, size - 1);
	else
		one_body(data + 1, size - 1);
	return 0;
}
