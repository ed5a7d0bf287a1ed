/* What is known of deliveries on their way: written to the socket, acknowledged by the client (outbound.h). */
#include "base/clock.h"
#include "offline.h"
#include "outbound.h"
#include "session.h"
#include "settle.h"

#define ROWS_PER_DROP 1000 /* as messages.def has it */

/* Rows of offline messages that have reached their owner. */
struct arrived {
	struct session *s;
	const struct act *act;
	struct rec_row rows[ROWS_PER_DROP];
	uint32_t n;
};

static void
arrived_flush(struct arrived *a)
{
	if (a->n)
		offline_drop(a->s->account, a->act, a->rows, a->n);
	a->n = 0;
}

static void
settle(struct arrived *a, struct outgoing *o)
{
	if (o->row)
		a->rows[a->n++].row = o->row;
	if (a->n == ROWS_PER_DROP)
		arrived_flush(a);
	settle_arrived(a->s, &o->op);
	outgoing_free(o);
}

/* With stream management a client's word counts, not the socket's; but only for what would be given again. */
static bool
awaits_ack(const struct session *s, const struct outgoing *o)
{
	return s->out.is_acked && o->k > s->out.acked && (o->st || o->row);
}

static void
await_ack(struct session *s, struct outgoing *o)
{
	list_remove(&o->link);
	list_add(&s->out.unacked, &o->link);
	s->out.n_unacked++;
	s->out.unacked_bytes += o->bytes;
}

static void
settle_written(struct session *s, struct arrived *a, uint64_t k)
{
	LIST_FOREACH_SAFE(&s->out.sent, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->k > k)
			break;
		s->out.sent_bytes -= o->bytes;
		if (awaits_ack(s, o))
			await_ack(s, o);
		else
			settle(a, o);
	}
	if (k > s->out.written)
		s->out.written = k;
}

static void
settle_acked(struct session *s, struct arrived *a, uint64_t k)
{
	LIST_FOREACH_SAFE(&s->out.unacked, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->k > k)
			break;
		s->out.n_unacked--;
		s->out.unacked_bytes -= o->bytes;
		settle(a, o);
	}
}

bool
outbound_written(struct session *s, const struct act *act, uint64_t k)
{
	struct arrived a = {.s = s, .act = act};

	if (k > s->out.k)
		return false;
	settle_written(s, &a, k);
	s->out.progress_ms = clock_mono_ms();
	arrived_flush(&a);
	outbound_pump(s);
	return true;
}

void
outbound_gather(struct session *s)
{
	LIST_FOREACH_SAFE(&s->out.sent, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (!awaits_ack(s, o))
			continue;
		s->out.sent_bytes -= o->bytes;
		await_ack(s, o);
	}
	s->out.written = s->out.k;
}

void
outbound_restore(struct session *s, uint64_t k, const struct delivery *d)
{
	struct outgoing *o = outgoing_new(s->sd, d, stanza_bytes(d->st));

	o->k = k;
	o->st = stanza_copy(d->st);
	await_ack(s, o);
}

void
outbound_settle(struct session *s, const struct act *act, uint64_t k)
{
	struct arrived a = {.s = s, .act = act};

	if (k > s->out.acked)
		s->out.acked = k;
	settle_acked(s, &a, k);
	arrived_flush(&a);
}

/* It may come before the edge has reported the same as written. */
bool
outbound_acked(struct session *s, const struct act *act, uint64_t k)
{
	struct arrived a = {.s = s, .act = act};

	if (k > s->out.k)
		return false;
	if (k > s->out.acked)
		s->out.acked = k;
	settle_written(s, &a, k);
	settle_acked(s, &a, k);
	s->out.progress_ms = clock_mono_ms();
	arrived_flush(&a);
	outbound_pump(s);
	return true;
}

bool
outbound_remember_row(struct session *s, uint64_t k, uint64_t row)
{
	struct list *at = s->out.sent.next;
	struct outgoing *o;

	if (k && k <= (s->out.is_acked ? s->out.acked : s->out.written))
		return true;
	LIST_FOREACH(&s->out.unacked, it) {
		o = CONTAINER_OF(it, struct outgoing, link);
		if (o->k == k)
			o->row = row;
		if (o->row == row)
			return false;
	}
	for (; at != &s->out.sent; at = at->next) {
		o = CONTAINER_OF(at, struct outgoing, link);
		if (o->row == row)
			return false;
		if (o->k > k)
			break;
	}
	o = outgoing_blank(s->sd);
	o->k = k;
	o->row = row;
	list_add(at, &o->link); /* before it: in order of k */
	return false;
}
