/* See sm.h. What h says to the client is sessiond's word: the stanzas in its custody (BUS.md §10). */
#include "sm.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "names.h"
#include "session.h"

void
sm_init(struct session *s, const struct rec_session *r)
{
	s->sm_stream.state = r->sm ? SM_ON : SM_OFF;
	s->sm_stream.in_base = r->in_base;
	s->sm_stream.out_base = r->out_base;
	s->sm_stream.resume_seconds = r->resume_seconds;
	s->sm_stream.asked_k = r->acked;
	list_init(&s->sm_stream.advanced);
	list_init(&s->sm_stream.open);
}

void
sm_leave(struct session *s)
{
	list_remove(&s->sm_stream.advanced);
	list_remove(&s->sm_stream.open);
}

bool
sm_counts(const struct session *s)
{
	return s->sm_stream.state != SM_OFF;
}

/* ---- beginning ---- */

/* While sessiond is asked; the session may be gone when it answers. */
struct sm_wait {
	struct c2sd *c2sd;
	uint64_t number;
};

void
sm_write_failed(struct client *c, const char *condition)
{
	buf_printf(wire_out(&c->wire),
	    "<failed xmlns='" NS_SM "'><%s xmlns='" NS_STANZAS "'/></failed>", condition);
	client_touch(c);
}

void
sm_write_failed_h(struct client *c, const char *condition, uint32_t h)
{
	buf_printf(wire_out(&c->wire),
	    "<failed xmlns='" NS_SM "' h='%u'><%s xmlns='" NS_STANZAS "'/></failed>", h, condition);
	client_touch(c);
}

static void write_ack(struct session *s);

static void
write_enabled(const struct session *s)
{
	char id[2 * ID_BYTES + 1];
	struct buf *out = wire_out(&s->client->wire);

	id_hex(&s->token, id);
	buf_add_z(out, "<enabled xmlns='" NS_SM "'");
	if (s->sm_stream.resume_seconds)
		buf_printf(out, " id='%s' resume='true' max='%u'", id, s->sm_stream.resume_seconds);
	buf_add_z(out, "/>");
	client_touch(s->client);
}

/* The answer comes in order with the deliveries, so sessiond and this edge agree on out_base. */
static void
begin(struct session *s, const struct rec_session *r)
{
	struct sm *sm = &s->sm_stream;
	struct client *c = s->client;

	sm->state = SM_ON;
	s->sm = true;
	s->acked = sm->out_base = sm->asked_k = s->k;
	sm->resume_seconds = r->resume_seconds;
	client_log(c, LOG_DEBUG, "stream management is on");
	write_enabled(s);
	if (c->session && sm->is_asked)
		write_ack(s);
}

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	struct sm_wait *w = arg;
	struct session *s = session_find(w->c2sd, w->number);

	free(w);
	if (!s || !s->client)
		return;
	if (in && in->message->type == MSG_BOUND_TO) {
		begin(s, &((const struct msg_BOUND_TO *)msg)->session);
		return;
	}
	s->sm_stream.state = SM_OFF;
	sm_write_failed(s->client, "internal-server-error");
}

static void
ask_sessiond(struct session *s, bool resume, uint32_t max_seconds)
{
	struct sm_wait *w = NEW(struct sm_wait);
	struct msg_SM_ENABLE m = {
	    .conn = s->number, .sid = s->sid, .n = s->n, .resume = resume, .max_seconds = max_seconds};
	struct endpoint home = session_home(s);

	w->c2sd = s->c2sd;
	w->number = s->number;
	home.incarnation = 0;
	bus_request(c2sd_bus(s->c2sd), &home, MSG_SM_ENABLE, &m, NULL, NULL, 0, on_answer, w);
}

/* What is no number is no wish. */
static uint32_t
wished_seconds(const struct xml_element *e)
{
	uint64_t max;

	if (!str_u64(xml_element_attr(e, S(""), "max", NULL), &max))
		return 0;
	return max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
}

/* The client counts what it sends from now on, so an answer to a ping of ours must count too. */
bool
sm_enable(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	struct str resume = xml_element_attr(e, S(""), "resume", NULL);

	if (sm_counts(s)) {
		sm_write_failed(c, "unexpected-request");
		client_end(c, STREAM_POLICY_VIOLATION, "stream management is on already");
		return false;
	}
	s->sm_stream.state = SM_ASKED;
	s->sm_stream.in_base = s->n;
	s->sm_stream.is_asked = false;
	c->is_pinged = false;
	ask_sessiond(s, str_is(resume, "true") || str_is(resume, "1"), wished_seconds(e));
	return true;
}

bool
sm_refuse(struct client *c, const struct xml_element *e)
{
	(void)e;
	sm_write_failed(c, "unexpected-request");
	return c->state != CLIENT_CLOSING;
}

/* ---- what the client sends ---- */

uint32_t
sm_h(const struct session *s)
{
	uint64_t base = s->sm_stream.in_base;

	return (uint32_t)(s->done > base ? s->done - base : 0);
}

static void
write_ack(struct session *s)
{
	list_remove(&s->sm_stream.advanced);
	if (s->done >= s->sm_stream.wanted)
		s->sm_stream.wanted = 0;
	buf_printf(wire_out(&s->client->wire), "<a xmlns='" NS_SM "' h='%u'/>", sm_h(s));
	client_touch(s->client);
}

/* Answered at once with what is in custody, and again when more of what has come is. */
bool
sm_request(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;

	(void)e;
	s->sm_stream.wanted = s->n;
	if (s->sm_stream.state == SM_ON)
		write_ack(s);
	else if (s->sm_stream.state == SM_ASKED)
		s->sm_stream.is_asked = true;
	else
		sm_write_failed(c, "unexpected-request");
	return c->state != CLIENT_CLOSING;
}

void
sm_done(struct session *s)
{
	struct sm *sm = &s->sm_stream;

	if (sm->state == SM_ON && s->client && sm->wanted && list_empty(&sm->advanced))
		list_add(&s->c2sd->sm_advanced, &sm->advanced);
}

void
sm_turn(struct c2sd *c)
{
	while (!list_empty(&c->sm_advanced))
		write_ack(CONTAINER_OF(c->sm_advanced.next, struct session, sm_stream.advanced));
}

/* ---- what it acknowledges ---- */

static void
tell_sessiond(const struct session *s)
{
	struct endpoint home = session_home(s);
	struct msg_CLIENT_ACK m = {.conn = s->number, .acked = s->acked};

	/* One that is not there learns it when this session is registered. */
	if (home.incarnation)
		bus_send(c2sd_bus(s->c2sd), &home, MSG_CLIENT_ACK, &m, NULL, NULL, 0);
}

void
sm_end_too_high(struct client *c, uint32_t h, uint32_t sent)
{
	client_log(c, LOG_INFO, "acknowledges %u stanzas and was sent %u", h, sent);
	buf_printf(wire_out(&c->wire),
	    "<stream:error><undefined-condition xmlns='" NS_STREAM_ERRORS "'/>"
	    "<handled-count-too-high xmlns='" NS_SM "' h='%u' send-count='%u'/></stream:error>",
	    h, sent);
	client_end(c, STREAM_OK, NULL);
}

static void
watch(struct session *s)
{
	struct sm *sm = &s->sm_stream;

	sm->open_ms = c2sd_now_ms(s->c2sd);
	list_remove(&sm->open);
	if (s->acked < s->k)
		list_add(&s->c2sd->sm_open, &sm->open);
}

/* What it adds to the last one decides: h itself begins anew at 2^32. */
static void
take_ack(struct session *s, uint32_t h)
{
	uint32_t more = h - (uint32_t)(s->acked - s->sm_stream.out_base);

	if (more > s->k - s->acked) {
		sm_end_too_high(s->client, h, (uint32_t)(s->k - s->sm_stream.out_base));
		return;
	}
	s->acked += more;
	session_unacked_drop(s);
	s->sm_stream.awaits_answer = false;
	watch(s);
	if (more)
		tell_sessiond(s);
	if (s->k - s->sm_stream.asked_k >= SM_ASK_STANZAS)
		sm_ask(s);
}

void
sm_goes_on(struct session *s)
{
	watch(s);
}

bool
sm_answer(struct client *c, const struct xml_element *e)
{
	uint64_t h;

	if (c->session->sm_stream.state != SM_ON) {
		sm_write_failed(c, "unexpected-request");
		return c->state != CLIENT_CLOSING;
	}
	if (!str_u64(xml_element_attr(e, S(""), "h", NULL), &h) || h > UINT32_MAX) {
		client_end(c, STREAM_POLICY_VIOLATION, "an acknowledgement without a count");
		return false;
	}
	take_ack(c->session, (uint32_t)h);
	return c->state != CLIENT_CLOSING;
}

/* ---- asking ---- */

void
sm_ask(struct session *s)
{
	struct sm *sm = &s->sm_stream;

	if (sm->state != SM_ON || sm->awaits_answer)
		return;
	sm->awaits_answer = true;
	sm->asked_k = s->k;
	sm->asked_ms = c2sd_now_ms(s->c2sd);
	if (list_empty(&sm->open))
		list_add(&s->c2sd->sm_open, &sm->open);
	client_write(s->client, S("<r xmlns='" NS_SM "'/>"));
}

void
sm_delivered(struct session *s)
{
	struct sm *sm = &s->sm_stream;

	if (sm->state != SM_ON)
		return;
	if (list_empty(&sm->open))
		watch(s);
	if (s->k - sm->asked_k >= SM_ASK_STANZAS)
		sm_ask(s);
}

static void
look_at(struct session *s, uint64_t now_ms)
{
	struct sm *sm = &s->sm_stream;

	if (sm->awaits_answer && now_ms - sm->asked_ms >= SM_ANSWER_MS)
		client_end(
		    s->client, STREAM_CONNECTION_TIMEOUT, "nothing was acknowledged for too long");
	else if (!sm->awaits_answer && now_ms - sm->open_ms >= SM_ASK_MS)
		sm_ask(s);
}

void
sm_tick(struct c2sd *c, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&c->sm_open, it, nx)
		look_at(CONTAINER_OF(it, struct session, sm_stream.open), now_ms);
}
