/* See detach.h. What waits for a stanza's delivery to a dead edge waits for the row instead: struct leaving, from the edge's death
 * until storaged has committed. */
#include "detach.h"

#include <stdlib.h>

#include "account.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "fate.h"
#include "inbound.h"
#include "message.h"
#include "offline.h"
#include "record.h"
#include "settle.h"

#define RECORD_MAX (BUS_FRAME_MAX - BUS_HEADER_BYTES - 64) /* as storaged takes it */

/* A DETACH that is on its way. When it is committed, the messages in it are owed no more: so if the session ends before, its
 * messages are given again only then, or the store would forget that they are owed. */
struct save {
	struct list link; /* in sd->saves */
	struct sessiond *sd;
	struct session *session; /* NULL: has ended, or a later save counts */
	struct account *account; /* it has ended: pinned, and these are the messages */
	struct list left;
	struct id128 sid;
	uint64_t epoch;
	uint64_t done; /* as it is in the row */
};

struct leaving {
	struct sessiond *sd;
	struct handle handle;
	struct custody **causes; /* paid by their senders' windows */
	unsigned n;
	UT_hash_handle hh;
};

/* ---- the row ---- */

static void
save_free(struct save *save)
{
	list_remove(&save->link);
	LIST_FOREACH_SAFE(&save->left, it, nx)
		outgoing_free(CONTAINER_OF(it, struct outgoing, link));
	free(save);
}

static void
on_saved(void *arg)
{
	struct save *save = arg;
	struct account *a = save->account;
	struct act own = act_own(save->sd);

	if (save->session) {
		save->session->save = NULL;
		settle_up_to(save->session, save->done);
	}
	if (a) {
		give_again(a, &own, &save->left);
		detach_drop(save->sd, &save->sid, save->epoch, false);
		offline_again(a, &own, &save->sid);
	}
	save_free(save);
	if (a)
		account_unpin(a);
}

static struct save *
save_new(struct session *s)
{
	struct save *save = NEW(struct save);

	if (s->save)
		s->save->session = NULL;
	s->save = save;
	save->sd = s->sd;
	save->session = s;
	save->done = s->done;
	list_init(&save->left);
	list_add(&s->sd->saves, &save->link);
	return save;
}

void
detach_save(struct session *s, struct custody *cause)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct custody *custody = custody_new(bus_of(s->sd), cause, on_saved, save_new(s));
	struct msg_DETACH m;
	struct record rec;

	record_make(&rec, s);
	m.session = rec.r;
	bus_send(bus_of(s->sd), &storaged, MSG_DETACH, &m, NULL, custody, BUS_PATIENT);
	record_deinit(&rec);
	custody_release(custody);
}

void
detach_end(struct session *s, struct account *a, const struct act *act)
{
	struct save *save = s->save;

	if (!save) {
		give_again(a, act, &s->out.unacked);
		detach_drop(s->sd, &s->sid, s->epoch, false);
		offline_again(a, act, &s->sid);
		return;
	}
	save->session = NULL;
	save->account = a;
	save->sid = s->sid;
	save->epoch = s->epoch;
	account_pin(a);
	LIST_FOREACH_SAFE(&s->out.unacked, it, nx) {
		const struct opid *op = &CONTAINER_OF(it, struct outgoing, link)->op;

		ledger_pin(&s->sd->ids, &op->origin, op->n);
		list_remove(it);
		list_add(&save->left, it);
	}
}

void
detach_drop(struct sessiond *sd, const struct id128 *sid, uint64_t epoch, bool given)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_DROP m = {.sid = *sid, .epoch = epoch, .given = given};

	bus_send(bus_of(sd), &storaged, MSG_DROP, &m, NULL, NULL, BUS_PATIENT);
}

void
detach_discard(struct session *s)
{
	detach_drop(s->sd, &s->sid, s->epoch, true);
	if (s->save)
		s->save->session = NULL;
	sessions_remove(s);
	inbound_let_go(s);
	session_free(&s);
}

static bool
fits_into_a_row(const struct session *s)
{
	struct record rec;
	size_t n;

	record_make(&rec, s);
	n = bus_record_size(&bus_record_session, &rec.r);
	record_deinit(&rec);
	return n <= RECORD_MAX;
}

/* ---- leaving ---- */

/* What has not been sent goes elsewhere if it is a message, under the act that it came with; the rest waits here. Offline
 * messages are still owed. */
static void
disperse(struct session *s, const struct act *act, struct list *outgoing)
{
	bool has_rows = false;

	LIST_FOREACH_SAFE(outgoing, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);
		struct act again = o->act.custody ? o->act : *act;
		struct delivery d = {
		    .act = &again, .op = o->op, .st = o->st, .stamp_us = o->stamp_us};

		again.sd = s->sd;
		again.op = o->op;
		ledger_forget(&s->out.ledger, &o->op);
		ledger_pin(&s->sd->ids, &o->op.origin, o->op.n);
		if (o->st && !o->row && o->op.kind == OP_DELIVERY && message_is_kept(o->st))
			message_again(s->account, &again, o->st);
		else if (o->st && !o->row)
			outbound_send(s, &d);
		has_rows |= o->row != 0;
		outgoing_free(o);
	}
	if (has_rows)
		offline_again(s->account, act, &s->sid);
}

/* Its row has them now, and their own are gone with the same transaction. */
static void
forget_rows(struct session *s)
{
	LIST_FOREACH(&s->out.unacked, it)
		CONTAINER_OF(it, struct outgoing, link)->row = 0;
	s->account->last_row = 0;
}

static void
end_oldest(struct account *a)
{
	struct act own = act_own(a->sd);
	struct session *oldest = NULL;
	unsigned n = 0;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_is_away(s))
			continue;
		n++;
		if (!oldest || s->detached_us < oldest->detached_us)
			oldest = s;
	}
	if (n > settings_of(a->sd)->detached_per_account)
		session_end(oldest, &own, END_EXPIRED, STREAM_OK);
}

static void
detach(struct session *s, const struct act *act, struct custody *cause)
{
	struct account *a = s->account;
	struct list before, queue;

	account_pin(a);
	sessions_part(s);
	outbound_part(s, &before, &queue);
	s->detached_us = clock_wall_us();
	detach_wait(s);
	detach_save(s, cause);
	forget_rows(s);
	disperse(s, act, &before);
	disperse(s, act, &queue);
	offline_go_on(a);
	log_info("%.*s has lost its connection and may be resumed", STR_ARG(s->jid.full));
	end_oldest(a);
	account_unpin(a);
}

static bool
can_wait(struct session *s)
{
	if (!s->out.is_acked || s->resume_seconds == 0)
		return false;
	outbound_gather(s);
	return fits_into_a_row(s);
}

void
session_lose(struct session *s, const struct act *act, enum session_end why, enum stream_error error)
{
	if (session_is_away(s) || !can_wait(s)) {
		session_end(s, act, why, error);
		return;
	}
	if (why == END_STALLED)
		session_release(s, act, error);
	detach(s, act, act->custody);
}

/* ---- a dead edge ---- */

static void
leaving_free(struct leaving *l)
{
	HASH_DEL(l->sd->leaving, l);
	for (unsigned i = 0; i < l->n; i++)
		act_let_go(l->sd, l->causes[i]);
	free(l->causes);
	free(l);
}

static void
on_committed(void *arg)
{
	leaving_free(arg);
}

static void
lose_with_edge(struct session *s)
{
	struct act own = act_own(s->sd);
	struct leaving *l;
	struct custody *custody;

	if (!can_wait(s)) {
		session_end(s, &own, END_EDGE_DEAD, STREAM_OK);
		return;
	}
	l = NEW(struct leaving);
	l->sd = s->sd;
	l->handle = s->handle;
	HASH_ADD(hh, s->sd->leaving, handle, sizeof(l->handle), l);
	custody = custody_new(bus_of(s->sd), NULL, on_committed, l);
	detach(s, &own, custody);
	custody_release(custody);
}

void
sessions_lose_edge(struct sessiond *sd, uint64_t incarnation)
{
	struct session *s, *next;

	HASH_ITER(hh_handle, sd->by_handle, s, next) {
		if (s->handle.incarnation == incarnation)
			lose_with_edge(s);
	}
}

void
detach_lost(struct sessiond *sd, const struct endpoint *edge, const struct msg_DELIVER *m,
    struct custody *cause)
{
	struct bus_list targets = m->targets;
	struct rec_target t;

	while (cause && bus_list_next(&targets, &bus_record_target, &t)) {
		struct handle h = {.incarnation = edge->incarnation, .conn = t.conn};
		struct leaving *l;

		HASH_FIND(hh, sd->leaving, &h, sizeof(h), l);
		if (!l)
			continue;
		l->causes = mem_grow(l->causes, (l->n + 1) * sizeof(struct custody *));
		l->causes[l->n++] = custody_hold(cause);
	}
}

void
detach_free(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->saves, it, nx)
		save_free(CONTAINER_OF(it, struct save, link));
	while (sd->leaving)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): leaving_free takes it out of the map */
		leaving_free(sd->leaving);
}

/* ---- time ---- */

void
detach_wait(struct session *s)
{
	int64_t gone_ms = (clock_wall_us() - s->detached_us) / 1000;
	int64_t left_ms = (int64_t)s->resume_seconds * 1000 - (gone_ms > 0 ? gone_ms : 0);

	s->expires_ms = clock_mono_ms() + (left_ms > 0 ? (uint64_t)left_ms : 0);
	list_add(&s->sd->away, &s->away);
}

void
detach_expire(struct sessiond *sd, uint64_t now_ms)
{
	struct act own = act_own(sd);

	if (!sd->is_open)
		return;
	LIST_FOREACH_SAFE(&sd->away, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, away);

		if (s->state == SESSION_DETACHED && now_ms >= s->expires_ms) {
			log_info("%.*s was not resumed: its session ends", STR_ARG(s->jid.full));
			session_end(s, &own, END_EXPIRED, STREAM_OK);
		}
	}
}
