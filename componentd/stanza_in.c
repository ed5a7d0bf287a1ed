/* What a component sends becomes an envelope and a payload (DESIGN.md §2) and goes to whom it is for: sessiond, s2sd, or another
 * component here. Its sender is an address of the component itself, or nobody hears of it (INV-31). */
#include "base/log.h"
#include "edge/envelope.h"
#include "stream.h"

/* Its own name, with any local part and resource; without validate_from the name of any component of the suite. */
static bool
may_speak_for(const struct stream *s, struct str domain)
{
	const struct component_settings *own =
	    settings_of_component(componentd_settings(s->componentd), str_z(s->name));

	if (str_is(domain, s->name))
		return true;
	return own && !own->validate_from && component_find(s->componentd, domain);
}

/* Without `from` it is the component itself. */
static bool
take_from(
    const struct stream *s, const struct xml_element *e, struct jid_buf *buf, struct str *from_r)
{
	struct str from = xml_element_attr(e, S(""), "from", NULL);
	struct jid jid;

	*from_r = str_z(s->name);
	if (str_empty(from))
		return true;
	if (!jid_prepare(&jid, buf, from) || !may_speak_for(s, jid.domain))
		return false;
	*from_r = jid.full;
	return true;
}

static void
send_on(struct stream *s, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct component *c = component_find(s->componentd, to.domain);
	struct msg_ROUTE m = {.st = *st};
	struct opid op = {.origin = s->id, .n = ++s->n, .kind = OP_STANZA};
	struct delivery d = {.st = st, .level = bus_message(MSG_ROUTE)->level};
	struct endpoint e;

	if (c && s->componentd->run != COMPONENTD_RUNNING)
		links_leave(s->componentd, st, &op);
	else if (c)
		component_give(c, &d);
	else if (bus_route(componentd_bus(s->componentd), &to, &e))
		bus_send(componentd_bus(s->componentd), &e, MSG_ROUTE, &m, &op, NULL, 0);
	else
		stream_answer(s, st, SE_REMOTE_SERVER_NOT_FOUND);
}

/* RFC 6120 §8.1.1.1, F-29 */
static enum stanza_error
check(const struct stanza *st, enum stanza_error e)
{
	if (e == SE_NONE && str_empty(st->to))
		e = SE_BAD_REQUEST;
	if (e == SE_NONE && st->payload.n > BUS_STANZA_PAYLOAD_MAX)
		e = SE_POLICY_VIOLATION;
	return e;
}

bool
stanza_take(struct stream *s, const struct xml_element *e)
{
	struct stanza st = {.kind = 0};
	struct jid_buf from_buf, to_buf;
	enum stanza_kind kind;
	enum stanza_error error;

	if (!envelope_kind(e->name, &kind) || !str_is(e->ns, NS_COMPONENT)) {
		stream_end(s,
		    str_is(e->ns, NS_COMPONENT) ? STREAM_UNSUPPORTED_STANZA_TYPE
						: STREAM_INVALID_NAMESPACE,
		    NULL);
		return false;
	}
	if (!take_from(s, e, &from_buf, &st.from)) {
		stream_end(s, STREAM_INVALID_FROM, NULL);
		return false;
	}
	error = envelope_make(e, S(""), &to_buf, &st);
	error = check(&st, error);
	if (!envelope_fits(&st)) {
		stream_end(s, STREAM_POLICY_VIOLATION, "an id or a language tag that is too long");
		return false;
	}
	if (error != SE_NONE)
		stream_answer(s, &st, error);
	else
		send_on(s, &st);
	return s->stage != STAGE_CLOSING;
}
