/* See teardown.h. */
#include "teardown.h"

#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "detach.h"
#include "ended.h"
#include "grant.h"
#include "inbound.h"
#include "last.h"
#include "message.h"
#include "offline.h"
#include "presence.h"
#include "resume.h"

void
session_release(const struct session *s, const struct act *act, enum stream_error error)
{
	struct msg_RELEASE m = {.conn = s->handle.conn, .error = (uint8_t)error};

	bus_send(bus_of(s->sd), &s->edge, MSG_RELEASE, &m, NULL, act->custody, 0);
}

/* Each under the act that it came with: its sender's acknowledgement may depend on it. */
void
give_again(struct account *a, const struct act *act, struct list *outgoing)
{
	LIST_FOREACH_SAFE(outgoing, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);
		struct act again = o->act.custody ? o->act : *act;

		if (!o->st || o->row || o->op.kind == OP_CARBON || o->op.kind == OP_ANSWER)
			continue;
		ledger_pin(&a->sd->ids, &o->op.origin, o->op.n);
		again.sd = a->sd;
		again.op = o->op;
		again.op.kind = OP_DELIVERY;
		if (o->st->kind == STANZA_MESSAGE)
			message_again(a, &again, o->st);
	}
}

/* With stream management what the client has not acknowledged was not received (XEP-0198 §4). */
static bool
is_certain(const struct session *s, enum session_end why)
{
	return s->out.is_acked || why == END_CLOSED || why == END_STALLED;
}

void
session_end(struct session *s, const struct act *act, enum session_end why, enum stream_error error)
{
	struct account *a = s->account;
	struct act own = *act;
	bool is_away = false;

	own.op = (struct opid){.origin = s->sid, .n = s->in_last, .kind = OP_PRESENCE};
	if (session_is_away(s)) {
		is_away = true;
		ended_remember(s);
	} else if (why == END_STALLED || why == END_TAKEN) {
		session_release(s, act, error);
	}
	account_pin(a);
	resume_refuse_all(s);
	grant_session_ended(s);
	sessions_remove(s);
	presence_session_ended(s, &own);
	last_session_ended(s, &own);
	parked_bounce(s, act);
	if (is_away)
		detach_end(s, a, act);
	else
		give_again(a, act, &s->out.unacked);
	if (is_certain(s, why))
		give_again(a, act, &s->out.sent);
	give_again(a, act, &s->out.queue);
	offline_session_ended(a, act, s);
	offline_go_on(a);
	inbound_let_go(s);
	session_free(&s);
	account_unpin(a);
}

void
session_doom(struct session *s, enum stream_error error)
{
	if (!list_empty(&s->doomed))
		return;
	s->doom = error;
	list_add(&s->sd->doomed, &s->doomed);
}

void
sessions_reap(struct sessiond *sd)
{
	struct act own = act_own(sd);

	while (!list_empty(&sd->doomed)) {
		struct session *s = CONTAINER_OF(sd->doomed.next, struct session, doomed);

		list_remove(&s->doomed);
		log_info("%.*s does not take what it is sent", STR_ARG(s->jid.full));
		session_lose(s, &own, END_STALLED, s->doom);
	}
}

void
handle_closed(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_CLOSED *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);
	struct act act = act_of(sd, in);

	if (!s || !id_eq(&s->sid, &m->sid))
		return;
	if (m->clean)
		session_end(s, &act, END_CLOSED, STREAM_OK);
	else
		session_lose(s, &act, END_CLOSED, STREAM_OK);
}
