/* Resumption (XEP-0198 §5): a client that has authenticated asks for a session that it had, instead of binding a new one. The token
 * in previd says which; sessiond, which has it or its row, decides and answers with the whole record. What the client has
 * not acknowledged is written again, behind <resumed/>. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "links.h"
#include "names.h"
#include "negotiate.h"
#include "session.h"
#include "sm.h"

/* It may bind now (XEP-0198 §5). */
static void
refuse(struct client *c, const char *condition)
{
	client_set_state(c, CLIENT_BIND);
	sm_write_failed(c, condition);
}

/* sessiond knows the session, or why there is none. */
static void
refuse_as(struct client *c, const struct msg_RESUME_REFUSED *m)
{
	switch ((enum resume_refusal)m->reason) {
	case RESUME_TOO_HIGH:
		sm_end_too_high(c, c->nego->resume_h, m->count);
		return;
	case RESUME_ENDED:
		client_set_state(c, CLIENT_BIND);
		sm_write_failed_h(c, "item-not-found", m->count);
		return;
	case RESUME_OFF:
	case RESUME_REFUSALS:
		break;
	}
	refuse(c, "feature-not-implemented");
}

static void
go_on(struct client *c, const struct rec_session *record)
{
	char *previd = c->nego->previd;
	struct session *s;

	c->nego->previd = NULL;
	s = session_new(c->c2sd, c->number, record);
	client_has_session(c, s);
	client_log(c, LOG_INFO, "session goes on");
	buf_printf(
	    wire_out(&c->wire), "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", previd, sm_h(s));
	free(previd);
	session_unacked_write(s);
	if (c->session)
		sm_goes_on(s);
}

static const char *
condition_of(const struct bus_in *in, const void *msg)
{
	const struct msg_FAILED *m = msg;

	if (!in || in->message->type != MSG_FAILED)
		return "resource-constraint";
	return m->error == BUS_ERROR_NOT_FOUND ? "item-not-found" : "internal-server-error";
}

/* A session that goes on for a client that has gone is without one again. */
static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	bool goes_on = in && in->message->type == MSG_RESUMED;
	struct c2sd *d;
	uint64_t number;
	struct client *c = bind_waited(arg, &d, &number);

	if (c && goes_on)
		go_on(c, &((const struct msg_RESUMED *)msg)->session);
	else if (c && in && in->message->type == MSG_RESUME_REFUSED)
		refuse_as(c, msg);
	else if (c)
		refuse(c, condition_of(in, msg));
	else if (goes_on)
		session_close(
		    session_new(d, number, &((const struct msg_RESUMED *)msg)->session), false);
	if (c)
		client_answered(c);
}

/* Both attributes must be there (XEP-0198 §5). */
static bool
read_request(const struct xml_element *e, struct str *previd_r, uint32_t *h_r)
{
	bool found;
	uint64_t h;

	*previd_r = xml_element_attr(e, S(""), "previd", &found);
	if (!found || !str_u64(xml_element_attr(e, S(""), "h", NULL), &h) || h > UINT32_MAX)
		return false;
	*h_r = (uint32_t)h;
	return true;
}

static bool
refuse_at_once(struct client *c, const char *condition)
{
	sm_write_failed(c, condition);
	return c->state != CLIENT_CLOSING;
}

/* A previd that is one of ours has nothing in it that needs escaping when it is written again. */
bool
resume_begin(struct client *c, const struct xml_element *e)
{
	struct endpoint sessiond = links_sessiond_of(c->c2sd, str_z(c->nego->jid));
	struct msg_RESUME m = {.conn = c->number,
	    .ticket = c->nego->ticket,
	    .jid = str_z(c->nego->jid),
	    .source = str_z(c->visitor.address)};
	struct str previd;

	if (!read_request(e, &previd, &m.h))
		return refuse_at_once(c, "bad-request");
	if (!id_from_hex(&m.token, previd))
		return refuse_at_once(c, "item-not-found");
	free(c->nego->previd);
	c->nego->previd = str_dup(previd);
	c->nego->resume_h = m.h;
	sessiond.incarnation = 0;
	bus_request(
	    c2sd_bus(c->c2sd), &sessiond, MSG_RESUME, &m, NULL, NULL, 0, on_answer, bind_wait(c));
	return true;
}
