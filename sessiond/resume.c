/* See resume.h. authd says whose ticket it is; the token, which only its client knows, says which of the account's sessions. A
 * session that is away has a row, which must be claimed first: else that could be resumed a second time, as it was before.
 *
 *   RESUME ──REDEEM──▶ found ──away: CLAIM──▶ claimed ──▶ RESUMED ──acknowledged──▶ DROP of the row
 *                        │ attached elsewhere ─────────────▲           └────▶ RELEASE of the older connection
 *                        └ another one has asked for the row: waits; of several the last goes on, the others are refused
 *
 * Until the new edge has acknowledged RESUMED, the old copy (row, or edge) stays: there are two holders at any time. */
#include "resume.h"

#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "detach.h"
#include "ended.h"
#include "offline.h"
#include "record.h"
#include "settle.h"

#define REDEEM_MS 20000
#define CLAIM_MS 30000

struct resuming {
	struct list link; /* in session.resumes */
	struct act act;
	struct endpoint edge;
	uint64_t request, conn;
	struct id128 token, sid;
	uint32_t h;
	char *jid; /* owned: whose ticket it says it is */
	char source[SOURCE_MAX + 1];
};

/* What is still there of the attachment before. */
struct handover {
	struct list link; /* in sd->handovers */
	struct sessiond *sd;
	struct endpoint edge; /* its older connection; incarnation 0: it had a row */
	uint64_t conn;
	struct id128 sid;
	uint64_t epoch;
	uint64_t done; /* as the new one is told */
};

static void
resuming_free(struct resuming *r)
{
	list_remove(&r->link);
	act_drop(&r->act);
	free(r->jid);
	free(r);
}

static void
refuse(struct resuming *r, enum bus_error e, const char *text)
{
	bus_answer_failed(bus_of(r->act.sd), &r->edge, r->request, e, text, r->act.custody);
	resuming_free(r);
}

static void
refuse_with(struct resuming *r, enum resume_refusal reason, uint32_t count)
{
	struct msg_RESUME_REFUSED m = {.reason = (uint8_t)reason, .count = count};

	bus_answer(
	    bus_of(r->act.sd), &r->edge, r->request, MSG_RESUME_REFUSED, &m, NULL, r->act.custody);
	resuming_free(r);
}

/* No such session: perhaps it was one. */
static void
refuse_unknown(struct resuming *r)
{
	uint32_t h;

	if (settings_of(r->act.sd)->resume_seconds == 0)
		refuse_with(r, RESUME_OFF, 0);
	else if (ended_find(r->act.sd, &r->token, str_z(r->jid), &h))
		refuse_with(r, RESUME_ENDED, h);
	else
		refuse(r, BUS_ERROR_NOT_FOUND, "no such session");
}

void
resume_refuse_all(struct session *s)
{
	LIST_FOREACH_SAFE(&s->resumes, it, nx)
		refuse_unknown(CONTAINER_OF(it, struct resuming, link));
}

static bool
edge_lives(const struct resuming *r)
{
	return bus_incarnation_of(bus_of(r->act.sd), r->edge.role, r->edge.instance) ==
	    r->edge.incarnation;
}

/* ---- the session goes on ---- */

static void
handover_free(struct handover *h)
{
	list_remove(&h->link);
	free(h);
}

/* The new edge has the session. (Or it has died: then a row with a higher epoch is on its way.) */
static void
on_taken(void *arg)
{
	struct handover *h = arg;
	struct session *s = sessions_by_sid(h->sd, &h->sid);
	struct msg_RELEASE m = {.conn = h->conn, .error = STREAM_CONFLICT};

	if (s && s->state == SESSION_ATTACHED && s->epoch == h->epoch + 1)
		settle_up_to(s, h->done);
	if (h->edge.incarnation == 0)
		detach_drop(h->sd, &h->sid, h->epoch, true);
	else
		bus_send(bus_of(h->sd), &h->edge, MSG_RELEASE, &m, NULL, NULL, 0);
	handover_free(h);
}

static struct handover *
handover_new(const struct session *s)
{
	struct handover *h = NEW(struct handover);

	h->sd = s->sd;
	h->sid = s->sid;
	h->epoch = s->epoch;
	h->done = s->done;
	if (!session_is_away(s)) {
		h->edge = s->edge;
		h->conn = s->handle.conn;
	}
	list_add(&s->sd->handovers, &h->link);
	return h;
}

static void
answer(const struct resuming *r, const struct session *s, struct handover *h)
{
	struct custody *custody = custody_new(bus_of(s->sd), r->act.custody, on_taken, h);
	struct msg_RESUMED m = {.conn = r->conn};
	struct record rec;

	record_make(&rec, s);
	m.session = rec.r;
	bus_answer(bus_of(s->sd), &r->edge, r->request, MSG_RESUMED, &m, NULL, custody);
	record_deinit(&rec);
	custody_release(custody);
}

/* First what came as state, then the messages that came meanwhile, then the rest (offline.c). */
static void
catch_up(struct session *s)
{
	struct act own = act_own(s->sd);
	bool is_stale = s->held.is_stale;

	outbound_pump(s);
	hold_release(s, &own);
	if (is_stale)
		hold_renew(s);
	if (session_is_available(s) && s->priority >= 0)
		offline_flush(s->account, &own, s);
	else
		unpark(s, &own);
}

static uint64_t
acked_by(const struct resuming *r, const struct session *s)
{
	return s->out.acked + (uint32_t)(r->h - (uint32_t)(s->out.acked - s->out_base));
}

static void
attach(struct resuming *r, struct session *s)
{
	struct act own = act_own(s->sd);
	struct handover *h = handover_new(s);

	if (!session_is_away(s)) {
		outbound_gather(s);
		sessions_part(s);
	}
	list_remove(&s->away);
	s->epoch++;
	s->detached_us = 0;
	s->flags &= ~(uint32_t)SESSION_INACTIVE; /* XEP-0352 §5 */
	str_copy(s->source, sizeof(s->source), str_z(r->source));
	sessions_rejoin(s, &r->edge, r->conn);
	outbound_settle(s, &own, acked_by(r, s));
	answer(r, s, h);
	log_info("%.*s is resumed", STR_ARG(s->jid.full));
	resuming_free(r);
	catch_up(s);
}

/* ---- the row ---- */

static void go_on(struct resuming *r, struct session *s);

/* Of those that have come meanwhile only the last is still there, most likely. */
static void
next(struct session *s)
{
	struct resuming *last;

	if (list_empty(&s->resumes))
		return;
	last = CONTAINER_OF(s->resumes.prev, struct resuming, link);
	list_remove(&last->link);
	resume_refuse_all(s);
	go_on(last, s);
}

/* It stays away; writing the row frees it for others. */
static void
give_up_claim(struct session *s)
{
	s->state = SESSION_DETACHED;
	detach_save(s, NULL);
}

static void
on_claimed(void *arg, const struct bus_in *in, const void *msg)
{
	struct resuming *r = arg;
	struct session *s = sessions_by_sid(r->act.sd, &r->sid);

	(void)msg;
	if (!s || s->state != SESSION_CLAIMING) {
		refuse_unknown(r);
		return;
	}
	if (in && in->message->type == MSG_DONE && edge_lives(r)) {
		attach(r, s);
	} else {
		give_up_claim(s);
		refuse(r, in ? BUS_ERROR_NOT_FOUND : BUS_ERROR_UNAVAILABLE,
		    "the session's row cannot be had");
	}
	next(s);
}

static void
claim(struct resuming *r, struct session *s)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_CLAIM m = {.sid = s->sid,
	    .epoch = s->epoch + 1,
	    .edge_incarnation = r->edge.incarnation,
	    .conn = r->conn};

	s->state = SESSION_CLAIMING;
	r->sid = s->sid;
	bus_request(
	    bus_of(s->sd), &storaged, MSG_CLAIM, &m, NULL, r->act.custody, CLAIM_MS, on_claimed, r);
}

/* ---- the request ---- */

/* h begins anew at 2^32: what lies ahead of what was sent is too high, the rest has been let go before. */
static void
refuse_count(struct resuming *r, const struct session *s)
{
	uint32_t sent = (uint32_t)(s->out.k - s->out_base);

	if ((int32_t)(r->h - sent) > 0)
		refuse_with(r, RESUME_TOO_HIGH, sent);
	else
		refuse(r, BUS_ERROR_NOT_FOUND, "it takes back what it has acknowledged");
}

static void
go_on(struct resuming *r, struct session *s)
{
	if (acked_by(r, s) > s->out.k)
		refuse_count(r, s);
	else if (s->state == SESSION_CLAIMING)
		list_add(&s->resumes, &r->link);
	else if (s->state == SESSION_DETACHED)
		claim(r, s);
	else
		attach(r, s);
}

static struct session *
find(const struct account *a, const struct id128 *token)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (s->out.is_acked && s->resume_seconds &&
		    secret_eq(str_of(s->token.b, ID_BYTES), str_of(token->b, ID_BYTES)))
			return s;
	}
	return NULL;
}

static void
on_redeemed(void *arg, const struct bus_in *in, const void *msg)
{
	struct resuming *r = arg;
	const struct msg_REDEEMED *m = msg;
	struct account *a;
	struct session *s;

	if (!edge_lives(r)) {
		resuming_free(r);
		return;
	}
	if (!in) {
		refuse(r, BUS_ERROR_UNAVAILABLE, "authd does not answer");
		return;
	}
	if (in->message->type != MSG_REDEEMED || !str_eq(m->jid, str_z(r->jid))) {
		refuse(r, BUS_ERROR_FORBIDDEN, "no such ticket");
		return;
	}
	a = account_find(r->act.sd, m->jid);
	s = a ? find(a, &r->token) : NULL;
	if (!s || s->generation != m->generation)
		refuse_unknown(r);
	else
		go_on(r, s);
}

/* A replay finds its connection attached already, and has got its answer. */
void
handle_resume(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_RESUME *m = msg;
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct msg_REDEEM redeem = {
	    .ticket = m->ticket, .edge_incarnation = in->from.incarnation, .conn = m->conn};
	struct act act = act_of(sd, in);
	struct resuming *r;

	if (sessions_by_handle(sd, in->from.incarnation, m->conn))
		return;
	r = NEW(struct resuming);
	list_init(&r->link);
	r->act = act_keep(&act);
	r->edge = in->from;
	r->request = m->req;
	r->conn = m->conn;
	r->token = m->token;
	r->h = m->h;
	r->jid = str_dup(m->jid);
	str_copy(r->source, sizeof(r->source), m->source);
	bus_request(
	    in->bus, &authd, MSG_REDEEM, &redeem, NULL, in->custody, REDEEM_MS, on_redeemed, r);
}

void
resume_free(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->handovers, it, nx)
		handover_free(CONTAINER_OF(it, struct handover, link));
}
