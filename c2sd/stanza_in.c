/* A client's element becomes an envelope and a payload (DESIGN.md §2) with a number, and goes to the user's sessiond. What is wrong
 * with a stanza is said in `refuse`, and sessiond answers it: no stanza is made here, or the numbers of a session with stream
 * management would not add up (BUS.md §7). */
#include "alive.h"
#include "names.h"
#include "negotiate.h"
#include "secrets.h"
#include "session.h"
#include "xml/writer.h"

#define ID_MAX 1023
#define LANG_MAX 64

static enum stanza_kind
kind_of(struct str name)
{
	if (str_is(name, "message"))
		return STANZA_MESSAGE;
	return str_is(name, "iq") ? STANZA_IQ : STANZA_PRESENCE;
}

/* RFC 6120 §8.1.2.1: absent, or the own bare or full JID. Most clients send none, or what they were told. */
static bool
from_is_own(const struct session *s, struct str from)
{
	struct jid_buf buf;
	struct jid jid;

	if (str_empty(from) || str_is(from, s->jid) || str_eq(from, session_bare(s)))
		return true;
	return jid_prepare(&jid, &buf, from) &&
	    (str_is(jid.full, s->jid) || str_eq(jid.full, session_bare(s)));
}

/* RFC 6120 §8.2.3 */
static bool
iq_is_well_formed(const struct xml_element *e, enum stanza_type type, struct str id)
{
	if (str_empty(id))
		return false;
	if (type == TYPE_GET || type == TYPE_SET)
		return e->n_children == 1;
	return type == TYPE_ERROR || e->n_children <= 1;
}

/* A second resource on the same stream (RFC 6120 §7.1). */
static bool
is_bind(const struct xml_element *e, const struct stanza *st)
{
	return str_is(e->child_ns, NS_BIND) && st->type == TYPE_SET && str_empty(st->to);
}

static enum stanza_error
check_iq(const struct xml_element *e, const struct stanza *st)
{
	if (!iq_is_well_formed(e, (enum stanza_type)st->type, st->id))
		return SE_BAD_REQUEST;
	return is_bind(e, st) ? SE_NOT_ALLOWED : SE_NONE;
}

/* Of no known type: what of its kind is answered by an error. */
static enum stanza_type
type_to_refuse(enum stanza_kind kind)
{
	return kind == STANZA_IQ ? TYPE_GET : TYPE_AVAILABLE;
}

/* Fills the envelope; SE_NONE, or what is wrong with it. The text of `to` lies in buf. */
static enum stanza_error
make_envelope(const struct xml_element *e, struct str lang, struct jid_buf *buf, struct stanza *st)
{
	struct str none = S(""), to = xml_element_attr(e, none, "to", NULL);
	enum stanza_kind kind = kind_of(e->name);
	enum stanza_type type = TYPE_NORMAL;
	bool is_typed = stanza_type_parse(kind, xml_element_attr(e, none, "type", NULL), &type);
	struct jid jid;

	st->kind = (uint8_t)kind;
	st->type = (uint8_t)(is_typed ? type : type_to_refuse(kind));
	st->id = xml_element_attr(e, none, "id", NULL);
	st->lang = xml_element_attr(e, S(XML_NS), "lang", NULL);
	/* RFC 6120 §8.1.5: what the stream said holds for its stanzas. */
	if (str_empty(st->lang))
		st->lang = lang;
	st->payload = e->payload;
	st->facts = e->facts;
	st->priority = (int8_t)e->priority;
	if (!str_empty(to) && !jid_prepare(&jid, buf, to))
		return SE_JID_MALFORMED;
	if (!str_empty(to))
		st->to = jid.full;
	if (!is_typed)
		return SE_BAD_REQUEST;
	return kind == STANZA_IQ ? check_iq(e, st) : SE_NONE;
}

static void
send(struct session *s, struct msg_STANZA *m)
{
	struct endpoint home = session_home(s);
	struct opid op = {.origin = s->sid, .kind = OP_STANZA};
	struct custody *custody;

	m->conn = s->number;
	m->sid = s->sid;
	m->n = op.n = ++s->n;
	home.incarnation = 0;
	custody = session_inflight(s, m->n);
	bus_send(c2sd_bus(s->c2sd), &home, MSG_STANZA, m, &op, custody, s->sm ? BUS_PATIENT : 0);
	custody_release(custody);
}

/* XEP-0352: no stanza, so it has no number. */
bool
csi_take(struct client *c, const struct xml_element *e)
{
	struct endpoint home = session_home(c->session);
	struct msg_CSI m = {.conn = c->number, .active = str_is(e->name, "active")};

	home.incarnation = 0;
	bus_send(c2sd_bus(c->c2sd), &home, MSG_CSI, &m, NULL, NULL, 0);
	return true;
}

bool
stanza_take(struct client *c, const struct xml_element *e)
{
	struct msg_STANZA m = {.conn = 0};
	struct buf sealed = {.data = NULL};
	struct jid_buf buf;

	if (!from_is_own(c->session, xml_element_attr(e, S(""), "from", NULL))) {
		client_end(c, STREAM_INVALID_FROM, NULL);
		return false;
	}
	m.refuse = (uint8_t)make_envelope(e, str_z(c->lang), &buf, &m.st);
	if (m.st.id.n > ID_MAX || m.st.lang.n > LANG_MAX) {
		client_end(c, STREAM_POLICY_VIOLATION, "an id or a language tag that is too long");
		return false;
	}
	if (str_is(e->child_ns, NS_REGISTER) && m.refuse == SE_NONE)
		m.refuse = (uint8_t)secrets_seal(c->session, &m.st, &sealed);
	if (!alive_is_answer(c, &m.st))
		send(c->session, &m);
	buf_deinit(&sealed);
	return true;
}
