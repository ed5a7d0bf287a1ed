/* The sending side of channels: keep lists, numbers, windows, withdrawn frames (BUS.md §4, §6, §11; poison: poison.c).
 *
 * A frame gets its number when it is first written, so what still waits for an absent peer can be taken back without a
 * trace; what was written leaves a NOP with its number, or the receiver would wait for it for ever. The bytes of all
 * kept frames, written or not, count against the window. */
#include "base/mem.h"
#include "bus/bus_private.h"

static size_t
kept_bytes(const struct kept *k)
{
	return BUS_HEADER_BYTES + k->size;
}

static bool
kept_is_bound(const struct kept *k)
{
	return bus_message(k->type)->binding == BUS_BOUND;
}

static bool
kept_is_nop(const struct kept *k)
{
	return k->flags & FRAME_NOP;
}

/* ---- the window ---- */

static void
sender_update_full(struct bus *b, struct peer *p, unsigned level)
{
	struct out_channel *ch = &p->out[level];
	size_t window = b->config->window_bytes ? b->config->window_bytes : BUS_WINDOW_BYTES;
	enum role role = frame_role(p->number);
	if (!ch->full && ch->bytes >= window) {
		ch->full = true;
		b->full[role][level]++;
		b->n_full++;
	} else if (ch->full && ch->bytes <= window / 2) {
		ch->full = false;
		b->full[role][level]--;
		b->n_full--;
		b->opened |= 1u << role;
		b->pump = true;
		bus_stir(b);
	}
}

static void
sender_count(struct bus *b, struct peer *p, unsigned level, const struct kept *k, int sign)
{
	struct out_channel *ch = &p->out[level];
	ch->bytes += sign > 0 ? kept_bytes(k) : -kept_bytes(k);
	b->stats.kept_bytes += sign > 0 ? kept_bytes(k) : -kept_bytes(k);
	b->stats.kept_frames += (size_t)sign;
}

/* ---- keeping ---- */

static struct kept *
kept_new(struct bus *b, size_t size)
{
	if (size > BUS_FRAME_MAX - BUS_HEADER_BYTES)
		bug("bus: a body of %zu bytes does not fit into a frame", size);
	struct kept *k = bus_pool_get(&b->pool, sizeof(*k) + size);
	*k = (struct kept){.size = (uint32_t)size, .since_ms = bus_now(b)};
	list_init(&k->node);
	list_init(&k->under);
	return k;
}

/* Lets go of everything that a frame out of its list still holds. */
static void
kept_release(struct bus *b, struct kept *k)
{
	list_remove(&k->under);
	struct custody *cause = k->cause;
	bus_pool_put(&b->pool, k);
	custody_release(cause);
}

/* From here on nobody else finds it: neither its request nor bus_withdraw. */
static void
sender_remove(struct bus *b, struct peer *p, struct kept *k)
{
	list_remove(&k->node);
	list_remove(&k->under);
	if (k->request)
		requests_frame_gone(b, k->request);
	sender_count(b, p, bus_message(k->type)->level, k, -1);
}

/* Takes a frame out; a NOP takes its place if it has a number. */
static void
sender_take_out(struct bus *b, struct peer *p, struct kept *k)
{
	if (k->seq) {
		struct kept *nop = kept_new(b, 0);
		nop->peer = p;
		nop->type = k->type;
		nop->flags = FRAME_NOP;
		nop->seq = k->seq;
		nop->was_sent = true;
		list_add(&k->node, &nop->node);
		sender_count(b, p, bus_message(k->type)->level, nop, +1);
	}
	sender_remove(b, p, k);
}

void
sender_withdraw(struct bus *b, struct kept *k)
{
	sender_take_out(b, k->peer, k);
	sender_update_full(b, k->peer, bus_message(k->type)->level);
	kept_release(b, k);
}

/* ---- writing ---- */

static struct frame
sender_header(const struct bus *b, const struct peer *p)
{
	return (struct frame){
	    .src = b->number, .dst = p->number, .src_inc = b->inc, .dst_inc = p->inc};
}

static void
sender_write(struct bus *b, struct peer *p, struct out_channel *ch, struct kept *k)
{
	struct kept *first = CONTAINER_OF(ch->kept.next, struct kept, node);
	if (k->seq)
		b->stats.resent++;
	else
		k->seq = ++ch->next_seq;
	k->was_sent = true;
	struct frame f = sender_header(b, p);
	f.type = k->type;
	f.level = bus_message(k->type)->level;
	f.flags = k->flags;
	f.seq = k->seq;
	f.floor = first->seq;
	f.origin = k->op.origin;
	f.n = k->op.n;
	f.kind = k->op.kind;
	f.body = str_of(k->body, k->size);
	struct buf *out = b->out(b->out_ctx);
	frame_add_header(out, &f, k->size);
	buf_add_str(out, f.body);
	b->stats.sent++;
	b->wrote = true;
	if (b->trace)
		frame_trace("->", f.dst, &f);
	bus_stir(b);
}

static bool
sender_may_write(const struct bus *b, const struct peer *p)
{
	return b->linked && p->state == PEER_UP;
}

/* Is one of those suspected that are still to be written? */
static bool
sender_has_suspects(const struct out_channel *ch)
{
	LIST_FOREACH(&ch->kept, it) {
		const struct kept *k = CONTAINER_OF(it, struct kept, node);
		if (!k->seq && poison_is_suspect(k))
			return true;
	}
	return false;
}

/* The next one, when the one before has been handled; all, when the last suspect has. */
void
sender_pump(struct bus *b, struct peer *p, unsigned level)
{
	struct out_channel *ch = &p->out[level];
	if (!sender_may_write(b, p) || !poison_may_write(ch))
		return;
	ch->careful = sender_has_suspects(ch);
	LIST_FOREACH(&ch->kept, it) {
		struct kept *k = CONTAINER_OF(it, struct kept, node);
		if (k->seq)
			continue;
		if (ch->careful)
			k->flags |= FRAME_ALONE;
		sender_write(b, p, ch, k);
		if (ch->careful)
			return;
	}
}

struct kept *
sender_send(struct bus *b, struct peer *p, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	struct out_channel *ch = &p->out[m->level];
	struct kept *k = kept_new(b, bus_size(m, msg));
	struct buf body = {.data = k->body, .cap = k->size};
	bus_encode(&body, m, msg);
	if (body.data != k->body || body.end != k->size)
		bug("bus: %s has another size than bus_size says", m->body.name);
	k->peer = p;
	k->type = m->type;
	if (op)
		k->op = *op;
	k->cause = custody_hold(cause);
	if (cause)
		list_add(&cause->frames, &k->under);
	list_add(&ch->kept, &k->node);
	sender_count(b, p, m->level, k, +1);
	sender_update_full(b, p, m->level);
	if (ch->careful)
		sender_pump(b, p, m->level);
	else if (sender_may_write(b, p))
		sender_write(b, p, ch, k);
	return k;
}

void
sender_control(struct bus *b, struct peer *p, enum msg_type type, const void *msg)
{
	if (!sender_may_write(b, p))
		return;
	struct frame f = sender_header(b, p);
	struct buf *out = b->out(b->out_ctx);
	size_t at = buf_len(out);
	const struct bus_message *m = bus_message(type);
	frame_add_message(out, &f, m, msg);
	f.body = str_from(buf_str(out), at + BUS_HEADER_BYTES);
	if (b->trace)
		frame_trace("->", f.dst, &f);
	bus_stir(b);
}

void
sender_resend(struct bus *b, struct peer *p)
{
	for (unsigned level = 1; level < LEVELS; level++) {
		struct out_channel *ch = &p->out[level];
		LIST_FOREACH(&ch->kept, it) {
			struct kept *k = CONTAINER_OF(it, struct kept, node);
			if (k->seq || !ch->careful)
				sender_write(b, p, ch, k);
		}
		if (ch->careful)
			sender_pump(b, p, level);
	}
}

/* ---- acknowledgements ---- */

static unsigned
read_ranges(const struct rec_channel_state *state, struct rec_seq_range ranges_r[ACK_RANGES_MAX])
{
	struct bus_list it = state->ranges;
	unsigned n = 0;
	while (n < ACK_RANGES_MAX && bus_list_next(&it, &bus_record_seq_range, &ranges_r[n]))
		n++;
	return n;
}

/* Moves what the state acknowledges to done. Ranges that are not in order only acknowledge less. */
static void
sender_collect_acked(
    struct bus *b, struct peer *p, const struct rec_channel_state *state, struct list *done)
{
	struct rec_seq_range ranges[ACK_RANGES_MAX];
	unsigned n = read_ranges(state, ranges), i = 0;
	LIST_FOREACH_SAFE(&p->out[state->level].kept, it, next) {
		struct kept *k = CONTAINER_OF(it, struct kept, node);
		if (!k->seq)
			return;
		if (k->seq > state->acked) {
			while (i < n && ranges[i].last < k->seq)
				i++;
			if (i == n)
				return;
			if (k->seq < ranges[i].first)
				continue;
		}
		sender_remove(b, p, k);
		list_add(done, &k->node);
	}
}

static struct kept *
pop_kept(struct list *l)
{
	struct kept *k = CONTAINER_OF(l->next, struct kept, node);
	list_remove(&k->node);
	return k;
}

/* Numbers that were never given are nonsense, and stop at the highest one. */
static void
sender_raise(uint64_t *have, uint64_t told, const struct out_channel *ch)
{
	if (told > ch->next_seq)
		told = ch->next_seq;
	if (told > *have)
		*have = told;
}

void
sender_take_ack(struct bus *b, struct peer *p, const struct rec_channel_state *state)
{
	struct out_channel *ch = &p->out[state->level];
	struct list done;
	list_init(&done);
	if (state->level == 0)
		return;
	sender_raise(&ch->handled, state->handled, ch);
	sender_raise(&ch->started, state->started, ch);
	sender_collect_acked(b, p, state, &done);
	sender_update_full(b, p, state->level);
	while (!list_empty(&done)) {
		b->stats.acked++;
		kept_release(b, pop_kept(&done));
	}
	if (ch->careful)
		sender_pump(b, p, state->level);
}

/* ---- death of the receiver, time ---- */

enum kept_fate {
	KEPT_LOST,
	KEPT_FAILED,
	KEPT_CONDEMNED,
};

static enum bus_failure
kept_failure(const struct kept *k, enum kept_fate fate)
{
	if (fate == KEPT_CONDEMNED)
		return BUS_POISON;
	return k->was_sent ? BUS_MAYBE_DONE : BUS_NEVER_SENT;
}

/* Tells the owner, then lets go of the cause. */
static void
sender_give_back(struct bus *b, struct peer *p, struct kept *k, enum kept_fate fate)
{
	const struct bus_events *e = b->config->events;
	const struct bus_message *m = bus_message(k->type);
	union bus_any msg;
	if (k->request) {
		requests_fail(b, k->request);
	} else if (e && (fate == KEPT_LOST ? (void *)e->lost : (void *)e->failed)) {
		if (!bus_decode(m, str_of(k->body, k->size), &msg))
			bug("bus: cannot decode our own %s", m->body.name);
		struct endpoint peer = bus_endpoint_of(p);
		if (fate == KEPT_LOST)
			e->lost(b->config->ctx, &peer, m, &msg, &k->op, k->cause);
		else
			e->failed(b->config->ctx, m, &msg, &k->op, k->cause, kept_failure(k, fate));
	}
	kept_release(b, k);
}

static void
sender_give_all_back(struct bus *b, struct peer *p, struct list *frames, enum kept_fate fate)
{
	for (unsigned level = 1; level < LEVELS; level++)
		sender_update_full(b, p, level);
	while (!list_empty(frames))
		sender_give_back(b, p, pop_kept(frames), fate);
}

void
sender_drop_bound(struct bus *b, struct peer *p)
{
	struct list lost;
	list_init(&lost);
	for (unsigned level = 1; level < LEVELS; level++) {
		LIST_FOREACH_SAFE(&p->out[level].kept, it, next) {
			struct kept *k = CONTAINER_OF(it, struct kept, node);
			if (!kept_is_bound(k) || kept_is_nop(k))
				continue;
			sender_take_out(b, p, k);
			list_add(&lost, &k->node);
		}
	}
	sender_give_all_back(b, p, &lost, KEPT_LOST);
}

/* When a frame that waits now has waited too long. */
static bool
kept_has_waited(const struct bus *b, const struct peer *p, const struct kept *k)
{
	uint64_t wait = b->config->wait_ms ? b->config->wait_ms : BUS_WAIT_MS;
	uint64_t since = k->since_ms > p->since_ms ? k->since_ms : p->since_ms;
	return b->now_ms >= since + wait;
}

void
sender_fail_waiting(struct bus *b, struct peer *p)
{
	struct list failed;
	list_init(&failed);
	for (unsigned level = 1; level < LEVELS; level++) {
		LIST_FOREACH_SAFE(&p->out[level].kept, it, next) {
			struct kept *k = CONTAINER_OF(it, struct kept, node);
			if (k->patient || kept_is_nop(k) || kept_is_bound(k))
				continue;
			if (!kept_has_waited(b, p, k))
				break;
			sender_take_out(b, p, k);
			list_add(&failed, &k->node);
		}
	}
	sender_give_all_back(b, p, &failed, KEPT_FAILED);
}

/* ---- a successor ---- */

/* All channels begin again. The stable frames that remain wait in remaining_r; they count all the time, and may be
 * withdrawn meanwhile. */
void
sender_restart(struct bus *b, struct peer *p, struct list remaining_r[LEVELS])
{
	for (unsigned level = 1; level < LEVELS; level++) {
		struct out_channel *ch = &p->out[level];
		list_init(&remaining_r[level]);
		while (!list_empty(&ch->kept)) {
			struct kept *k = CONTAINER_OF(ch->kept.next, struct kept, node);
			if (kept_is_nop(k)) {
				sender_remove(b, p, k);
				kept_release(b, k);
				continue;
			}
			list_remove(&k->node);
			list_add(&remaining_r[level], &k->node);
			poison_count_death(ch, k);
			k->flags = 0;
			k->seq = 0;
		}
		ch->next_seq = ch->handled = ch->started = 0;
		ch->careful = false;
		sender_update_full(b, p, level);
	}
}

/* What its owner now sends instead takes its place in the order. */
static void
sender_set_aside(struct bus *b, struct peer *p, struct kept *k)
{
	poison_log(b, p, k);
	sender_remove(b, p, k);
	sender_update_full(b, p, bus_message(k->type)->level);
	sender_give_back(b, p, k, KEPT_CONDEMNED);
}

static void
sender_continue_channel(struct bus *b, struct peer *p, unsigned level, struct list *remaining)
{
	struct out_channel *ch = &p->out[level];
	LIST_FOREACH(remaining, it)
		ch->careful = ch->careful || poison_is_suspect(CONTAINER_OF(it, struct kept, node));
	while (!list_empty(remaining)) {
		struct kept *k = CONTAINER_OF(remaining->next, struct kept, node);
		if (k->condemned) {
			sender_set_aside(b, p, k);
			continue;
		}
		list_remove(&k->node);
		list_add(&ch->kept, &k->node);
		if (!ch->careful)
			sender_write(b, p, ch, k);
	}
	if (ch->careful)
		sender_pump(b, p, level);
}

void
sender_continue(struct bus *b, struct peer *p, struct list remaining[LEVELS])
{
	for (unsigned level = 1; level < LEVELS; level++)
		sender_continue_channel(b, p, level, &remaining[level]);
}

void
sender_free(struct bus *b, struct peer *p)
{
	for (unsigned level = 1; level < LEVELS; level++)
		while (!list_empty(&p->out[level].kept))
			bus_pool_put(&b->pool, pop_kept(&p->out[level].kept));
}
