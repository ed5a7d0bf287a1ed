/* The receiving side of channels (BUS.md §4, §5): takes exactly the next number, runs the handler when every channel it
 * may emit to is under its window, else queues a copy; keeps the state that ACK frames tell.
 *
 * Per channel: acked ≤ every number of a range ≤ accepted; handled ≤ accepted; what lies between handled and
 * accepted is the queue, in order. */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

/* ---- what is acknowledged ---- */

bool
receiver_has_acked(const struct in_channel *ch, uint64_t seq)
{
	if (seq <= ch->acked)
		return true;
	for (uint32_t i = 0; i < ch->n_ranges && ch->ranges[i].first <= seq; i++)
		if (seq <= ch->ranges[i].last)
			return true;
	return false;
}

/* Index of the first range that ends at or after seq - 1: the one that seq joins, or goes before. */
static uint32_t
range_for(const struct in_channel *ch, uint64_t seq)
{
	uint32_t low = 0, high = ch->n_ranges;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ch->ranges[middle].last + 1 < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
range_remove(struct in_channel *ch, uint32_t i)
{
	ch->n_ranges--;
	memmove(&ch->ranges[i], &ch->ranges[i + 1], (ch->n_ranges - i) * sizeof(*ch->ranges));
}

static void
range_insert(struct in_channel *ch, uint32_t i, uint64_t seq)
{
	if (ch->n_ranges == ch->cap_ranges) {
		ch->cap_ranges = ch->cap_ranges ? 2 * ch->cap_ranges : 8;
		ch->ranges = mem_grow(ch->ranges, ch->cap_ranges * sizeof(*ch->ranges));
	}
	memmove(&ch->ranges[i + 1], &ch->ranges[i], (ch->n_ranges - i) * sizeof(*ch->ranges));
	ch->ranges[i] = (struct rec_seq_range){seq, seq};
	ch->n_ranges++;
}

static void
in_channel_mark(struct in_channel *ch, uint64_t seq)
{
	if (seq == ch->acked + 1) {
		ch->acked = seq;
		if (ch->n_ranges > 0 && ch->ranges[0].first == seq + 1) {
			ch->acked = ch->ranges[0].last;
			range_remove(ch, 0);
		}
		return;
	}
	uint32_t i = range_for(ch, seq);
	if (i == ch->n_ranges || ch->ranges[i].first > seq + 1) {
		range_insert(ch, i, seq);
	} else if (ch->ranges[i].first == seq + 1) {
		ch->ranges[i].first = seq;
	} else {
		ch->ranges[i].last = seq;
		if (i + 1 < ch->n_ranges && ch->ranges[i + 1].first == seq + 1) {
			ch->ranges[i].last = ch->ranges[i + 1].last;
			range_remove(ch, i + 1);
		}
	}
}

static void
receiver_ack_due(struct bus *b, struct peer *p, struct in_channel *ch)
{
	ch->ack_due = true;
	if (b->n_acks_due++ == 0)
		b->acks_since_ms = bus_now(b);
	if (list_empty(&p->due))
		list_add(&b->acks_due, &p->due);
	bus_stir(b);
}

/* In this turn, however few they are. */
void
receiver_ack_now(struct bus *b, struct peer *p, struct in_channel *ch)
{
	b->acks_urgent = true;
	receiver_ack_due(b, p, ch);
}

static void
in_channel_tell(struct in_channel *ch, uint64_t from, uint64_t to)
{
	if (from < ch->tell_from)
		ch->tell_from = from;
	if (to > ch->tell_to)
		ch->tell_to = to;
}

void
receiver_acknowledge(struct bus *b, struct peer *p, unsigned level, uint64_t seq)
{
	struct in_channel *ch = &p->in[level];
	in_channel_mark(ch, seq);
	in_channel_tell(ch, seq, seq);
	receiver_ack_due(b, p, ch);
}

void
receiver_ack_all(struct bus *b, struct peer *p)
{
	for (unsigned level = 1; level < LEVELS; level++)
		if (p->in[level].accepted > 0) {
			in_channel_tell(&p->in[level], 0, UINT64_MAX);
			receiver_ack_due(b, p, &p->in[level]);
		}
}

/* What has been put off has not been handled (custody_defer). */
static uint64_t
in_channel_handled(const struct in_channel *ch)
{
	if (list_empty(&ch->deferred))
		return ch->handled;
	return CONTAINER_OF(ch->deferred.next, struct custody, node)->seq - 1;
}

/* The ranges that are told next: all, or where an ACK does not hold them all, those that have changed, in as many as it takes. The others were
 * told before, and whoever comes back is told all. What is held back for long (a client that reads nothing) makes many, and must not keep
 * the sender from knowing of what came behind it. */
static struct bus_list
in_channel_tell_some(struct in_channel *ch)
{
	if (ch->n_ranges <= ACK_RANGES_MAX)
		in_channel_tell(ch, 0, UINT64_MAX);
	uint32_t first = range_for(ch, ch->tell_from), n = 0;
	while (n < ACK_RANGES_MAX && first + n < ch->n_ranges &&
	    ch->ranges[first + n].first <= ch->tell_to)
		n++;
	ch->ack_due = first + n < ch->n_ranges && ch->ranges[first + n].first <= ch->tell_to;
	ch->tell_from = ch->ack_due ? ch->ranges[first + n].first : UINT64_MAX;
	if (!ch->ack_due)
		ch->tell_to = 0;
	return (struct bus_list){.items = n ? &ch->ranges[first] : NULL, .count = n};
}

/* True when there is more. */
static bool
receiver_write_ack(struct bus *b, struct peer *p)
{
	bool more = false;
	struct rec_channel_state states[LEVELS];
	uint32_t n = 0;
	for (unsigned level = 1; level < LEVELS; level++) {
		struct in_channel *ch = &p->in[level];
		if (!ch->ack_due)
			continue;
		states[n++] = (struct rec_channel_state){
		    .level = (uint8_t)level,
		    .acked = ch->acked,
		    .handled = in_channel_handled(ch),
		    .started = ch->started,
		    .ranges = in_channel_tell_some(ch),
		};
		more |= ch->ack_due;
	}
	struct msg_ACK ack = {.channels = {.items = n ? states : NULL, .count = n}};
	if (n > 0)
		sender_control(b, p, MSG_ACK, &ack);
	return more;
}

/* To a peer that is not there nothing is written: it gets all states when it comes back. */
void
receiver_write_acks(struct bus *b)
{
	b->n_acks_due = 0;
	b->acks_urgent = false;
	while (!list_empty(&b->acks_due)) {
		struct peer *p = CONTAINER_OF(b->acks_due.next, struct peer, due);
		list_remove(&p->due);
		while (receiver_write_ack(b, p))
			;
	}
}

/* ---- starting frames ---- */

static bool
is_answer(const struct bus_message *m)
{
	return m->body.n_fields > 0 && m->body.fields[0].kind == FIELD_re;
}

static bool
windows_are_open(const struct bus *b, uint32_t roles, unsigned level)
{
	if (b->n_full == 0)
		return true;
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!(roles & 1u << role))
			continue;
		for (unsigned above = level + 1; above < LEVELS; above++)
			if (b->full[role][above] > 0)
				return false;
	}
	return true;
}

static bool
receiver_may_start(const struct bus *b, const struct frame *f)
{
	if ((f->flags & FRAME_NOP) || is_answer(bus_message(f->type)))
		return true;
	if (b->admit_only && !b->admitted[f->type])
		return false;
	const struct bus_handler *h = b->handlers[f->type];
	return !h || windows_are_open(b, h->emits, f->level);
}

static bool
receiver_is_allowed(const struct bus *b, const struct bus_message *m, const struct frame *f)
{
	return (m->from & 1u << frame_role(f->src)) && (m->to & 1u << frame_role(b->number));
}

/* Runs the handler. What is wrong with the frame, or NULL. */
static const char *
receiver_dispatch(struct bus *b, const struct bus_in *in, const struct frame *f)
{
	const struct bus_message *m = in->message;
	union bus_any msg;
	if (!receiver_is_allowed(b, m, f))
		return "not allowed";
	if (!bus_decode(m, f->body, &msg))
		return "malformed body";
	if (is_answer(m))
		return requests_answer(b, in, *(uint64_t *)(void *)&msg, &msg)
		    ? NULL
		    : "answer to another's request";
	const struct bus_handler *h = b->handlers[f->type];
	if (!h)
		return "no handler";
	h->handle(b->config->ctx, in, &msg);
	return NULL;
}

/* A refused frame counts as handled, or it would come again for ever. */
static void
receiver_start(struct bus *b, struct peer *p, const struct frame *f)
{
	struct custody *custody = custody_for_frame(b, p, f->level, f->seq);
	if (!(f->flags & FRAME_NOP)) {
		struct bus_in in = {
		    .bus = b,
		    .from = bus_endpoint_of(p),
		    .message = bus_message(f->type),
		    .op = {f->origin, f->n, f->kind},
		    .custody = custody,
		    .body = f->body,
		};
		const char *wrong = receiver_dispatch(b, &in, f);
		if (wrong)
			bus_complain(b, p->number, p->inc, wrong);
	}
	b->stats.received++;
	p->in[f->level].handled = f->seq;
	if (f->flags & FRAME_ALONE)
		receiver_ack_now(b, p, &p->in[f->level]);
	custody_release(custody);
}

/* ---- taking and queueing ---- */

static void
receiver_queue(struct bus *b, struct in_channel *ch, const struct frame *f)
{
	struct queued *q = bus_pool_get(&b->pool, sizeof(*q) + f->length);
	memcpy(q->bytes, f->bytes.p, f->length);
	q->frame = *f;
	q->frame.bytes = str_of(q->bytes, f->length);
	q->frame.body = str_from(q->frame.bytes, BUS_HEADER_BYTES);
	list_add(&ch->queue, &q->node);
	ch->queued_bytes += f->length;
	b->n_waiting++;
}

static struct queued *
receiver_unqueue(struct bus *b, struct in_channel *ch)
{
	struct queued *q = CONTAINER_OF(ch->queue.next, struct queued, node);
	list_remove(&q->node);
	ch->queued_bytes -= q->frame.length;
	b->n_waiting--;
	return q;
}

static bool
receiver_has_room(const struct bus *b, const struct in_channel *ch, const struct frame *f)
{
	size_t window = b->config->window_bytes ? b->config->window_bytes : BUS_WINDOW_BYTES;
	size_t room = QUEUE_WINDOWS * window;
	return ch->queued_bytes + f->length <= (room > BUS_FRAME_MAX ? room : BUS_FRAME_MAX);
}

static void
receiver_pump_next_turn(struct bus *b)
{
	b->pump = true;
	bus_stir(b);
}

void
receiver_take(struct bus *b, struct peer *p, const struct frame *f)
{
	struct in_channel *ch = &p->in[f->level];
	if (ch->n_unproven > 0)
		proven_take_floor(b, p, ch, f->floor);
	if (f->seq != ch->accepted + 1) {
		b->stats.dropped++;
		if (receiver_has_acked(ch, f->seq)) {
			in_channel_tell(ch, f->seq, f->seq);
			receiver_ack_due(b, p, ch);
		}
		return;
	}
	bool alone = f->flags & FRAME_ALONE;
	bool start = list_empty(&ch->queue) && !alone && receiver_may_start(b, f);
	if (!start && !receiver_has_room(b, ch, f)) {
		b->stats.dropped++;
		bus_complain(b, p->number, p->inc, "window ignored");
		return;
	}
	ch->accepted = f->seq;
	proven_note(b, ch, f);
	if (alone)
		receiver_pump_next_turn(b);
	if (start)
		receiver_start(b, p, f);
	else
		receiver_queue(b, ch, f);
}

/* A frame that came alone starts in the turn after the one that says so: if we die of it, its sender knows. */
static bool
receiver_must_tell(struct bus *b, struct peer *p, struct in_channel *ch, const struct frame *f)
{
	if (!(f->flags & FRAME_ALONE) || f->seq <= ch->started)
		return false;
	ch->started = f->seq;
	receiver_ack_now(b, p, ch);
	receiver_pump_next_turn(b);
	return true;
}

static void
receiver_pump_channel(struct bus *b, struct peer *p, struct in_channel *ch)
{
	while (!list_empty(&ch->queue)) {
		struct queued *first = CONTAINER_OF(ch->queue.next, struct queued, node);
		if (!receiver_may_start(b, &first->frame) ||
		    receiver_must_tell(b, p, ch, &first->frame))
			return;
		struct queued *q = receiver_unqueue(b, ch);
		receiver_start(b, p, &q->frame);
		bus_pool_put(&b->pool, q);
	}
}

void
receiver_pump(struct bus *b)
{
	if (b->n_waiting == 0)
		return;
	LIST_FOREACH(&b->peers_list, it) {
		struct peer *p = CONTAINER_OF(it, struct peer, node);
		for (unsigned level = 1; level < LEVELS; level++)
			receiver_pump_channel(b, p, &p->in[level]);
	}
}

/* ---- death of the sender ---- */

/* What was not started is forgotten. If it was not dead after all, it sends everything again from there. */
void
receiver_purge(struct bus *b, struct peer *p)
{
	for (unsigned level = 1; level < LEVELS; level++) {
		struct in_channel *ch = &p->in[level];
		while (!list_empty(&ch->queue))
			bus_pool_put(&b->pool, receiver_unqueue(b, ch));
		ch->accepted = ch->handled;
	}
}

void
receiver_reset(struct bus *b, struct peer *p)
{
	receiver_purge(b, p);
	for (unsigned level = 1; level < LEVELS; level++) {
		struct in_channel *ch = &p->in[level];
		free(ch->ranges);
		proven_reset(ch);
		while (!list_empty(&ch->deferred))
			list_remove(ch->deferred.next);
		*ch = (struct in_channel){0};
		list_init(&ch->queue);
		list_init(&ch->deferred);
	}
	list_remove(&p->due);
}
