/* See sm.h. The edge counts and speaks XEP-0198; here it decides what becomes of a message that a client was sent. It is kept in
 * the outbox until the client has acknowledged it; when that does not happen it waits with the session (detach.c), or the
 * teardown gives it to another session or to the store. Numbers are those of the bus, from the session's begin. */
#include "sm.h"

#include "session.h"

static void
answer(const struct session *s, const struct bus_in *in, uint64_t request)
{
	uint8_t mac[CAPABILITY_BYTES];
	struct msg_BOUND_TO m = {.conn = s->handle.conn, .session = session_record(s, mac)};

	bus_answer(in->bus, &in->from, request, MSG_BOUND_TO, &m, NULL, in->custody);
}

/* The client may want less than it could have. */
static uint32_t
resume_seconds(const struct sessiond *sd, const struct msg_SM_ENABLE *m)
{
	uint32_t most = (uint32_t)settings_of(sd)->resume_seconds;

	if (!m->resume)
		return 0;
	return m->max_seconds && m->max_seconds < most ? m->max_seconds : most;
}

/* What was sent before is settled as ever, by what the edge reports: the client does not count it. A replay changes nothing. */
void
handle_sm_enable(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_SM_ENABLE *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);

	if (!s || !id_eq(&s->sid, &m->sid)) {
		bus_answer_failed(in->bus, &in->from, m->req, BUS_ERROR_NOT_FOUND,
		    "no such session", in->custody);
		return;
	}
	if (!s->out.is_acked) {
		s->out.is_acked = true;
		s->out.acked = s->out_base = s->out.k;
		s->in_base = m->n;
		s->resume_seconds = resume_seconds(sd, m);
	}
	answer(s, in, m->req);
}

uint32_t
sm_h(const struct session *s)
{
	return (uint32_t)(s->done > s->in_base ? s->done - s->in_base : 0);
}

void
handle_client_ack(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_CLIENT_ACK *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);
	struct act act = act_of(sd, in);

	if (s && !(s->out.is_acked && outbound_acked(s, &act, m->acked)))
		bus_protocol_error(in->bus, in, "an acknowledgement of what was never sent");
}
