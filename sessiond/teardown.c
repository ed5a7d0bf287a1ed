/* See teardown.h. */
#include "teardown.h"

#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "inbound.h"
#include "last.h"
#include "message.h"
#include "offline.h"
#include "presence.h"

static void
release(struct session *s, const struct act *act, enum stream_error error)
{
	struct msg_RELEASE m = {.conn = s->handle.conn, .error = (uint8_t)error};

	bus_send(bus_of(s->sd), &s->edge, MSG_RELEASE, &m, NULL, act->custody, 0);
}

/* Each under the act that it came with: its sender's acknowledgement may depend on it. */
static void
give_again(struct account *a, const struct act *act, struct list *outgoing)
{
	LIST_FOREACH_SAFE(outgoing, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);
		struct act again = o->act.custody ? o->act : *act;

		if (!o->st || o->row || o->op.kind == OP_CARBON || o->op.kind == OP_ANSWER)
			continue;
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

	own.op = (struct opid){.origin = s->sid, .n = s->in_last, .kind = OP_PRESENCE};
	if (why == END_STALLED || why == END_TAKEN)
		release(s, act, error);
	account_pin(a);
	sessions_detach(s);
	presence_session_ended(s, &own);
	last_session_ended(s, &own);
	give_again(a, act, &s->out.unacked);
	if (is_certain(s, why))
		give_again(a, act, &s->out.sent);
	give_again(a, act, &s->out.queue);
	offline_session_ended(a, act, s);
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
		log_info("%.*s does not read: its session ends", STR_ARG(s->jid.full));
		session_end(s, &own, END_STALLED, s->doom);
	}
}

void
sessions_end_of_edge(struct sessiond *sd, uint64_t incarnation)
{
	struct act own = act_own(sd);
	struct session *s, *next;

	HASH_ITER(hh_handle, sd->by_handle, s, next) {
		if (s->handle.incarnation == incarnation)
			session_end(s, &own, END_EDGE_DEAD, STREAM_OK);
	}
}

void
handle_closed(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_CLOSED *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);
	struct act act = act_of(sd, in);

	if (s && id_eq(&s->sid, &m->sid))
		session_end(s, &act, END_CLOSED, STREAM_OK);
}
