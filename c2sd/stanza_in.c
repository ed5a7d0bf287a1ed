/* A client's element becomes an envelope and a payload (DESIGN.md §2) with a number, and goes to the user's sessiond. What is wrong
 * with a stanza is said in `refuse`, and sessiond answers it: no stanza is made here, or the numbers of a session with stream
 * management would not add up (BUS.md §7). */
#include "alive.h"
#include "edge/envelope.h"
#include "names.h"
#include "negotiate.h"
#include "secrets.h"
#include "session.h"
#include "xml/writer.h"

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

/* A second resource on the same stream (RFC 6120 §7.1). */
static bool
is_bind(const struct xml_element *e, const struct stanza *st)
{
	return st->kind == STANZA_IQ && str_is(e->child_ns, NS_BIND) && st->type == TYPE_SET &&
	    str_empty(st->to);
}

/* Of a stanza for another server, which may be slow: a local session that is slow ends (BUS.md §5). */
static size_t
away_bytes(const struct session *s, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct endpoint e;

	if (str_empty(st->to) || str_eq(to.domain, jid_split(str_z(s->jid)).domain))
		return 0;
	return bus_route(c2sd_bus(s->c2sd), &to, &e) && e.role == ROLE_S2SD
	    ? sizeof(*st) + st->to.n + st->payload.n
	    : 0;
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
	custody = session_inflight(s, m->n, away_bytes(s, &m->st));
	bus_send(c2sd_bus(s->c2sd), &home, MSG_STANZA, m, &op, custody, s->sm ? BUS_PATIENT : 0);
	custody_release(custody);
	if (s->client && s->away_bytes >= (size_t)c2sd_settings(s->c2sd)->away_bytes)
		client_wait_for_others(s->client);
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
	m.refuse = (uint8_t)envelope_make(e, str_z(c->lang), &buf, &m.st);
	if (m.refuse == SE_NONE && is_bind(e, &m.st))
		m.refuse = SE_NOT_ALLOWED;
	if (!envelope_fits(&m.st)) {
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
