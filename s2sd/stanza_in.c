/* A server's element becomes an envelope and a payload (DESIGN.md §2) and goes to whom it is for. It must come from a domain that has
 * proved itself on this stream, to the one of ours that it has proved itself to (INV-31). */
#include "edge/envelope.h"
#include "names.h"
#include "pair.h"
#include "proof.h"
#include "negotiate.h"

struct addresses {
	struct jid_buf from_buf, to_buf;
	struct jid from;
};

/* RFC 6120 §8.1.1.2, §8.1.2.2 */
static enum stream_error
check_addresses(const struct stream *s, const struct jid *from, const struct jid *to)
{
	const struct proof *p = proof_find(s, to->domain, from->domain);

	if (p && p->state == PROOF_VALID)
		return STREAM_OK;
	if (!s2sd_is_local(s->s2sd, to->domain))
		return STREAM_HOST_UNKNOWN;
	return s->is_known ? STREAM_INVALID_FROM : STREAM_NOT_AUTHORIZED;
}

static enum stream_error
take_addresses(const struct stream *s, const struct xml_element *e, struct addresses *a)
{
	struct jid to;

	if (!jid_prepare(&a->from, &a->from_buf, xml_element_attr(e, S(""), "from", NULL)) ||
	    !jid_prepare(&to, &a->to_buf, xml_element_attr(e, S(""), "to", NULL)))
		return STREAM_IMPROPER_ADDRESSING;
	return check_addresses(s, &a->from, &to);
}

static void
refuse(struct stream *s, const struct stanza *st, enum stanza_error error)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;
	struct stanza answer = {
	    .kind = st->kind, .type = TYPE_ERROR, .from = st->to, .to = st->from, .id = st->id};
	struct outgoing o = {.st = &answer};

	if (st->type == TYPE_ERROR || st->type == TYPE_RESULT)
		return;
	xw_init(&w, &payload, S(NS_SERVER));
	xml_write_error(&w, error, S(""));
	answer.payload = buf_str(&payload);
	pair_send(s->s2sd, &o);
	buf_deinit(&payload);
}

/* SE_NONE: it has gone. */
static enum stanza_error
send_on(struct stream *s, const struct stanza *st, struct custody *custody)
{
	struct msg_ROUTE m = {.st = *st};
	struct opid op = {.origin = s->origin, .n = ++s->n, .kind = OP_STANZA};
	struct jid to = jid_split(st->to);
	struct endpoint e;

	if (!bus_route(s2sd_bus(s->s2sd), &to, &e) || e.role == ROLE_S2SD)
		return SE_SERVICE_UNAVAILABLE;
	bus_send(s2sd_bus(s->s2sd), &e, MSG_ROUTE, &m, &op, custody, 0);
	return SE_NONE;
}

bool
stanza_take(struct stream *s, const struct xml_element *e)
{
	struct addresses a;
	struct jid_buf to;
	struct stanza st = {.kind = 0};
	struct custody *custody;
	enum stream_error error = take_addresses(s, e, &a);
	enum stanza_error refused;

	if (s->sm.is_in && s->state != S2S_OPEN)
		return true; /* our last <a/> does not have it */
	if (error != STREAM_OK) {
		stream_end(s, error, NULL);
		return false;
	}
	refused = envelope_make(e, str_z(s->lang), &to, &st);
	st.from = a.from.full;
	if (!envelope_fits(&st)) {
		stream_end(s, STREAM_POLICY_VIOLATION, "an id or a language tag that is too long");
		return false;
	}
	s->used_ms = s2sd_now_ms(s->s2sd);
	custody = sm_arrival(s); /* what is refused is counted too */
	if (refused == SE_NONE)
		refused = send_on(s, &st, custody);
	if (refused != SE_NONE)
		refuse(s, &st, refused);
	custody_release(custody);
	return s->state != S2S_CLOSING;
}

/* XEP-0288: before anything is proved. */
bool
bidi_take(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (!s->is_known)
		s->is_bidi = true;
	return true;
}
