/* See envelope.h. */
#include "envelope.h"

bool
envelope_kind(struct str name, enum stanza_kind *kind_r)
{
	if (str_is(name, "message"))
		*kind_r = STANZA_MESSAGE;
	else if (str_is(name, "iq"))
		*kind_r = STANZA_IQ;
	else if (str_is(name, "presence"))
		*kind_r = STANZA_PRESENCE;
	else
		return false;
	return true;
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

/* Of no known type: what of its kind is answered by an error. */
static enum stanza_type
type_to_refuse(enum stanza_kind kind)
{
	return kind == STANZA_IQ ? TYPE_GET : TYPE_AVAILABLE;
}

static void
copy_head(const struct xml_element *e, struct str lang, struct stanza *st)
{
	st->id = xml_element_attr(e, S(""), "id", NULL);
	st->lang = xml_element_attr(e, S(XML_NS), "lang", NULL);
	/* RFC 6120 §8.1.5: what the stream said holds for its stanzas. */
	if (str_empty(st->lang))
		st->lang = lang;
	st->payload = e->payload;
	st->facts = e->facts;
	st->priority = (int8_t)e->priority;
}

enum stanza_error
envelope_make(const struct xml_element *e, struct str lang, struct jid_buf *buf, struct stanza *st)
{
	struct str none = S(""), to = xml_element_attr(e, none, "to", NULL);
	enum stanza_kind kind = STANZA_PRESENCE;
	enum stanza_type type = TYPE_NORMAL;
	bool is_typed;
	struct jid jid;

	envelope_kind(e->name, &kind);
	is_typed = stanza_type_parse(kind, xml_element_attr(e, none, "type", NULL), &type);
	st->kind = (uint8_t)kind;
	st->type = (uint8_t)(is_typed ? type : type_to_refuse(kind));
	copy_head(e, lang, st);
	if (!str_empty(to) && !jid_prepare(&jid, buf, to))
		return SE_JID_MALFORMED;
	if (!str_empty(to))
		st->to = jid.full;
	if (!is_typed || (kind == STANZA_IQ && !iq_is_well_formed(e, type, st->id)))
		return SE_BAD_REQUEST;
	return SE_NONE;
}

bool
envelope_fits(const struct stanza *st)
{
	return st->id.n <= ENVELOPE_ID_MAX && st->lang.n <= ENVELOPE_LANG_MAX;
}
