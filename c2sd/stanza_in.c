/* A client's element becomes an envelope and a payload (DESIGN.md §2) with a number, and goes to the user's sessiond. What is wrong
 * with a stanza is said in `refuse`, and sessiond answers it: no stanza is made here, or the numbers of a session with stream
 * management would not add up (BUS.md §7). */
#include "names.h"
#include "session.h"
#include "xml/writer.h"

static enum stanza_kind
kind_of(struct str name)
{
	return str_is(name, "message") ? STANZA_MESSAGE
	    : str_is(name, "iq")       ? STANZA_IQ
				       : STANZA_PRESENCE;
}

/* RFC 6120 §8.1.2.1: absent, or the own bare or full JID. */
static bool
from_is_own(const struct session *s, struct str from)
{
	struct jid_buf buf;
	struct jid jid;

	if (str_empty(from))
		return true;
	return jid_prepare(&jid, &buf, from) &&
	    (str_is(jid.full, s->jid) || str_eq(jid.full, session_bare(s)));
}

/* RFC 6120 §8.2.3 */
static bool
iq_is_wellformed(const struct xml_element *e, enum stanza_type type, struct str id)
{
	if (str_empty(id))
		return false;
	if (type == TYPE_GET || type == TYPE_SET)
		return e->n_children == 1;
	return type == TYPE_ERROR || e->n_children <= 1;
}

/* Fills the envelope; SE_NONE, or what is wrong with it. to's text lies in buf. */
static enum stanza_error
envelope(const struct xml_element *e, struct jid_buf *buf, struct stanza *st)
{
	struct str none = S(""), to = xml_element_attr(e, none, "to", NULL);
	enum stanza_kind kind = kind_of(e->name);
	enum stanza_type type = TYPE_NORMAL;
	enum stanza_error wrong = SE_NONE;
	struct jid jid;

	if (!stanza_type_parse(kind, xml_element_attr(e, none, "type", NULL), &type)) {
		wrong = SE_BAD_REQUEST;
		type = kind == STANZA_IQ ? TYPE_GET : TYPE_AVAILABLE;
	}
	st->kind = (uint8_t)kind;
	st->type = (uint8_t)type;
	st->id = xml_element_attr(e, none, "id", NULL);
	st->lang = xml_element_attr(e, S(XML_NS), "lang", NULL);
	st->payload = e->payload;
	st->facts = e->facts;
	st->priority = (int8_t)e->priority;
	if (!str_empty(to) && !jid_prepare(&jid, buf, to))
		return SE_JID_MALFORMED;
	if (!str_empty(to))
		st->to = jid.full;
	if (wrong == SE_NONE && kind == STANZA_IQ && !iq_is_wellformed(e, type, st->id))
		wrong = SE_BAD_REQUEST;
	return wrong;
}

#define ID_MAX 1023
#define LANG_MAX 64

bool
stanza_take(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	struct endpoint to = c2sd_sessiond_of(c->c2sd, session_bare(s));
	struct msg_STANZA m = {.conn = c->number, .sid = s->sid};
	struct opid op = {.origin = s->sid, .kind = OP_STANZA};
	struct custody *custody;
	struct jid_buf buf;

	if (!from_is_own(s, xml_element_attr(e, S(""), "from", NULL))) {
		client_end(c, STREAM_INVALID_FROM, NULL);
		return false;
	}
	m.refuse = (uint8_t)envelope(e, &buf, &m.st);
	if (m.st.id.n > ID_MAX || m.st.lang.n > LANG_MAX) {
		client_end(c, STREAM_POLICY_VIOLATION, "an id or language tag that is too long");
		return false;
	}
	m.n = op.n = ++s->n;
	to.incarnation = 0;
	custody = session_inflight(c, m.n);
	bus_send(c->c2sd->daemon->bus, &to, MSG_STANZA, &m, &op, custody, s->sm ? BUS_PATIENT : 0);
	custody_release(custody);
	return true;
}
