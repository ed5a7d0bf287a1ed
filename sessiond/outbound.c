/* See outbound.h. */
#include "outbound.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "inbound.h"
#include "offline.h"
#include "session.h"
#include "teardown.h"

bool
outbound_knows(const struct session *s, const struct opid *op)
{
	return ledger_wants(op) && ledger_find(&s->out.ledger, op);
}

/* ---- one session ---- */

void
outbound_init(struct outbox *o, struct ledger_index *ids)
{
	ledger_init(&o->ledger, ids);
	list_init(&o->waiting);
	list_init(&o->sent);
	list_init(&o->unacked);
	list_init(&o->queue);
}

void
outgoing_free(struct outgoing *o)
{
	list_remove(&o->link);
	act_drop(&o->act);
	free(o->st);
	slab_put(&o->act.sd->outgoings, o);
}

void
outbound_deinit(struct sessiond *sd, struct outbox *o)
{
	sd->queued_bytes -= o->queue_bytes;
	list_remove(&o->waiting);
	LIST_FOREACH_SAFE(&o->sent, it, nx)
		outgoing_free(CONTAINER_OF(it, struct outgoing, link));
	LIST_FOREACH_SAFE(&o->unacked, it, nx)
		outgoing_free(CONTAINER_OF(it, struct outgoing, link));
	LIST_FOREACH_SAFE(&o->queue, it, nx)
		outgoing_free(CONTAINER_OF(it, struct outgoing, link));
	ledger_deinit(&o->ledger);
}

/* A single large stanza goes when nothing else is under way, or it would never go. */
static bool
has_room(const struct session *s, size_t bytes)
{
	if (s->out.n_unacked >= UNACKED_MAX || s->out.unacked_bytes >= UNACKED_BYTES_MAX)
		return false;
	return s->out.sent_bytes == 0 ||
	    s->out.sent_bytes + bytes <= (size_t)settings_of(s->sd)->window_bytes;
}

/* Only a message is sent again elsewhere when its client goes before it was written; a copy of one is
 * not, nor what this client has asked for. */
static bool
is_worth_keeping(const struct delivery *d)
{
	return d->st->kind == STANZA_MESSAGE && d->row == 0 && d->op.kind != OP_CARBON &&
	    d->op.kind != OP_ANSWER;
}

struct outgoing *
outgoing_blank(struct sessiond *sd)
{
	struct outgoing *o = slab_get(&sd->outgoings);

	list_init(&o->link);
	o->act.sd = sd;
	return o;
}

struct outgoing *
outgoing_new(struct sessiond *sd, const struct delivery *d, size_t bytes)
{
	struct outgoing *o = outgoing_blank(sd);

	o->op = d->op;
	o->stamp_us = d->stamp_us;
	o->row = d->row;
	o->bytes = bytes;
	return o;
}

static void
send_frame(const struct session *s, const struct act *act, const struct opid *op,
    const struct stanza *st, int64_t stamp_us)
{
	struct rec_target target = {.conn = s->handle.conn, .k = s->out.k};
	struct msg_DELIVER m = {
	    .targets = {.items = &target, .count = 1}, .stamp_us = stamp_us, .st = *st};

	bus_send(bus_of(s->sd), &s->edge, MSG_DELIVER, &m, op, act->custody, 0);
}

/* The next number is given; what is kept is kept. */
static void
number(struct session *s, struct outgoing *o)
{
	o->k = ++s->out.k;
	list_add(&s->out.sent, &o->link);
	s->out.sent_bytes += o->bytes;
}

/* Where too much is held back, who took nothing for so long does it. Who reads slowly does not, nor does anybody who has a queue when the
 * disk is what all wait for. */
#define STUCK_MS 1000u

static struct session *
session_of(struct list *waiting)
{
	return CONTAINER_OF(CONTAINER_OF(waiting, struct outbox, waiting), struct session, out);
}

/* Its queue, and what waits behind it. */
static size_t
queue_weight(const struct session *s)
{
	const struct account *a = s->account;

	return s->out.queue_bytes + (offline_waits_for_room(a) ? a->tasks_bytes : 0);
}

/* What waits here holds back the frames that it came with, of whatever client. Of those who took nothing since then, the one with the longest
 * queue goes. */
static void
doom_longest(struct sessiond *sd, uint64_t since_ms)
{
	struct session *longest = NULL;

	LIST_FOREACH(&sd->queues, it) {
		struct session *s = session_of(it);

		if (list_empty(&s->doomed) && s->out.progress_ms <= since_ms &&
		    (!longest || queue_weight(s) > queue_weight(longest)))
			longest = s;
	}
	if (longest)
		session_doom(longest, STREAM_RESOURCE_CONSTRAINT);
}

void
outbound_doom_stuck(struct sessiond *sd)
{
	doom_longest(sd, clock_mono_ms() - STUCK_MS);
}

static void
check_queue(struct session *s)
{
	const struct sessiond_settings *set = settings_of(s->sd);

	if (queue_weight(s) > (size_t)set->queue_bytes)
		session_doom(s, STREAM_RESOURCE_CONSTRAINT);
	else if (s->sd->queued_bytes > (size_t)set->queues_bytes)
		doom_longest(s->sd, UINT64_MAX);
}

void
outbound_burden(struct account *a, size_t bytes)
{
	a->sd->queued_bytes += bytes;
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!list_empty(&s->out.queue))
			check_queue(s);
	}
}

void
outbound_unburden(struct account *a, size_t bytes)
{
	a->sd->queued_bytes -= bytes;
}

static void
queue(struct session *s, struct outgoing *o, const struct delivery *d)
{
	if (list_empty(&s->out.queue)) {
		s->out.progress_ms = clock_mono_ms();
		list_add(&s->sd->queues, &s->out.waiting);
	}
	o->act = act_keep(d->act);
	list_add(&s->out.queue, &o->link);
	s->out.queue_bytes += o->bytes;
	s->sd->queued_bytes += o->bytes;
	check_queue(s);
}

/* What this session is given while it takes no offline messages may be in a row already, if an earlier run of the same
 * stanza found nobody: that row comes when it begins to take them. */
static enum ledger_hold
hold_of(const struct session *s, const struct outgoing *o)
{
	bool takes_rows = session_is_available(s) && s->priority >= 0;

	if (o->row || (o->op.kind == OP_DELIVERY && !takes_rows))
		return LEDGER_STORED;
	return o->st ? LEDGER_GIVEN : LEDGER_FREE;
}

bool
outbound_send_now(struct session *s, const struct delivery *d)
{
	size_t bytes = stanza_bytes(d->st);
	struct outgoing *o;

	if (outbound_knows(s, &d->op))
		return false;
	o = outgoing_new(s->sd, d, bytes);
	if (!list_empty(&s->out.queue) || !has_room(s, bytes)) {
		o->st = stanza_copy(d->st);
		ledger_add(&s->out.ledger, &d->op, 0, hold_of(s, o));
		queue(s, o, d);
		return true;
	}
	number(s, o);
	if (s->out.is_acked || is_worth_keeping(d))
		o->st = stanza_copy(d->st);
	ledger_add(&s->out.ledger, &d->op, o->k, hold_of(s, o));
	send_frame(s, d->act, &d->op, d->st, d->stamp_us);
	return true;
}

/* What is held goes before what is not: the order of a contact's stanzas is kept. */
bool
outbound_send(struct session *s, const struct delivery *d)
{
	if (outbound_knows(s, &d->op))
		return false;
	if (hold_takes(s, d))
		return true;
	if (session_is_away(s)) {
		park(s, d);
		return true;
	}
	hold_release(s, d->act);
	return outbound_send_now(s, d);
}

bool
outbound_stanza(struct session *s, const struct act *act, struct opid op, const struct stanza *st)
{
	struct delivery d = {.act = act, .op = op, .st = st, .stamp_us = clock_wall_us()};

	return outbound_send(s, &d);
}

void
outbound_pump(struct session *s)
{
	while (!list_empty(&s->out.queue)) {
		struct outgoing *o = CONTAINER_OF(s->out.queue.next, struct outgoing, link);

		if (!has_room(s, o->bytes))
			return;
		list_remove(&o->link);
		s->out.queue_bytes -= o->bytes;
		s->sd->queued_bytes -= o->bytes;
		number(s, o);
		ledger_number(&s->out.ledger, &o->op, o->k);
		send_frame(s, &o->act, &o->op, o->st, o->stamp_us);
		act_drop(&o->act);
	}
	list_remove(&s->out.waiting);
	offline_go_on(s->account);
}

static void
take_all(struct list *from, struct list *to)
{
	list_init(to);
	LIST_FOREACH_SAFE(from, it, nx) {
		list_remove(it);
		list_add(to, it);
	}
}

void
outbound_part(struct session *s, struct list *before_r, struct list *queue_r)
{
	outbound_gather(s);
	take_all(&s->out.sent, before_r);
	take_all(&s->out.queue, queue_r);
	s->out.sent_bytes = 0;
	s->sd->queued_bytes -= s->out.queue_bytes;
	s->out.queue_bytes = 0;
	list_remove(&s->out.waiting);
}

void
outbound_check_stalled(struct sessiond *sd, uint64_t now_ms)
{
	uint64_t allowed =
	    inbound_is_held_back(sd) ? STUCK_MS : (uint64_t)settings_of(sd)->stall_seconds * 1000;

	LIST_FOREACH(&sd->queues, it) {
		struct session *s = session_of(it);

		if (now_ms > s->out.progress_ms + allowed)
			session_doom(s, STREAM_RESOURCE_CONSTRAINT);
	}
}

/* ---- many sessions ---- */

#define TARGETS_MAX 1000

void
fanout_begin(struct fanout *f, const struct act *act, struct opid op, const struct stanza *st)
{
	*f = (struct fanout){.act = act, .op = op, .st = st};
}

static void
fanout_flush(struct fanout *f)
{
	struct msg_DELIVER m = {.targets = {.items = f->targets, .count = f->n},
	    .stamp_us = clock_wall_us(),
	    .st = *f->st};

	if (f->n)
		bus_send(bus_of(f->act->sd), &f->edge, MSG_DELIVER, &m, &f->op, f->act->custody, 0);
	f->n = 0;
}

static struct stanza *
copy_for(const struct session *s, const struct stanza *st)
{
	struct stanza mine = *st;

	mine.to = s->jid.bare;
	return stanza_copy(&mine);
}

static void
fanout_queue(const struct fanout *f, struct session *s)
{
	struct stanza st = *f->st;

	st.to = s->jid.bare;
	outbound_stanza(s, f->act, f->op, &st);
}

void
fanout_add(struct fanout *f, struct session *s)
{
	size_t bytes = stanza_bytes(f->st);
	struct delivery d = {.act = f->act, .op = f->op, .st = f->st};
	struct outgoing *o;

	if (hold_is_on(s) || !list_empty(&s->out.queue) || !has_room(s, bytes)) {
		fanout_queue(f, s);
		return;
	}
	if (f->n && f->edge.incarnation != s->edge.incarnation)
		fanout_flush(f);
	f->edge = s->edge;
	if (!f->targets)
		f->targets = mem_new_array(TARGETS_MAX, sizeof(*f->targets));
	o = outgoing_new(s->sd, &d, bytes);
	if (s->out.is_acked)
		o->st = copy_for(s, f->st);
	number(s, o);
	f->targets[f->n++] = (struct rec_target){.conn = s->handle.conn, .k = o->k};
	if (f->n == TARGETS_MAX)
		fanout_flush(f);
}

void
fanout_end(struct fanout *f)
{
	fanout_flush(f);
	free(f->targets);
}
