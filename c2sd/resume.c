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
	else if (c)
		refuse(c, condition_of(in, msg));
	else if (goes_on)
		session_close(
		    session_new(d, number, &((const struct msg_RESUMED *)msg)->session), false);
	if (c)
		client_resume(c, PAUSE_ANSWER);
}

/* previd as we made it: nothing of it can need escaping when it is written again. */
static bool
read_request(const struct xml_element *e, struct id128 *token_r, uint32_t *h_r)
{
	struct str previd = xml_element_attr(e, S(""), "previd", NULL);
	uint64_t h;

	if (!str_u64(xml_element_attr(e, S(""), "h", NULL), &h) || h > UINT32_MAX)
		return false;
	*h_r = (uint32_t)h;
	return id_from_hex(token_r, previd);
}

bool
resume_begin(struct client *c, const struct xml_element *e)
{
	struct endpoint sessiond = links_sessiond_of(c->c2sd, str_z(c->nego->jid));
	struct msg_RESUME m = {.conn = c->number,
	    .ticket = c->nego->ticket,
	    .jid = str_z(c->nego->jid),
	    .source = str_z(c->visitor.address)};

	if (!read_request(e, &m.token, &m.h)) {
		sm_write_failed(c, "item-not-found");
		return c->state != CLIENT_CLOSING;
	}
	free(c->nego->previd);
	c->nego->previd = str_dup(xml_element_attr(e, S(""), "previd", NULL));
	sessiond.incarnation = 0;
	bus_request(
	    c2sd_bus(c->c2sd), &sessiond, MSG_RESUME, &m, NULL, NULL, 0, on_answer, bind_wait(c));
	return true;
}
