/* See header.h. */
#include "header.h"

#include "xml/writer.h"

const char header_text_too_big[] = "an element that is too big";

/* ---- in ---- */

/* What is above 1.0 gets 1.0; an absent version means 0.9 (RFC 6120 §4.7.5). */
static bool
version_is_supported(struct str version)
{
	struct str major, minor;
	uint64_t v;

	return str_split(version, '.', &major, &minor) && str_u64(major, &v) && v >= 1 &&
	    str_u64(minor, &v);
}

/* The stanzas' namespace may also be declared by each of them (RFC 6120 §4.8.3). */
static bool
content_is_supported(const struct xml_element *root, const char *ns)
{
	return str_is(root->default_ns, ns) || str_is(root->default_ns, NS_STREAMS) ||
	    str_empty(root->default_ns);
}

enum stream_error
header_check(const struct xml_element *root, const char *ns)
{
	if (!str_is(root->ns, NS_STREAMS))
		return STREAM_INVALID_NAMESPACE;
	if (!str_is(root->name, "stream"))
		return STREAM_BAD_FORMAT;
	if (!content_is_supported(root, ns))
		return STREAM_INVALID_NAMESPACE;
	if (!version_is_supported(xml_element_attr(root, S(""), "version", NULL)))
		return STREAM_UNSUPPORTED_VERSION;
	return STREAM_OK;
}

enum stream_error
header_error_of_xml(enum xml_error e)
{
	switch (e) {
	case XML_OK:
	case XML_STOPPED:
		return STREAM_OK;
	case XML_NOT_WELL_FORMED:
		return STREAM_NOT_WELL_FORMED;
	case XML_RESTRICTED:
		return STREAM_RESTRICTED_XML;
	case XML_UNSUPPORTED_ENCODING:
		return STREAM_UNSUPPORTED_ENCODING;
	case XML_TOO_BIG:
	case XML_TOO_COMPLEX:
		return STREAM_POLICY_VIOLATION;
	}
	return STREAM_INTERNAL_SERVER_ERROR;
}

const char *
header_text_of_xml(enum xml_error e)
{
	if (e == XML_TOO_BIG)
		return header_text_too_big;
	return e == XML_TOO_COMPLEX ? "too many elements, attributes or names" : NULL;
}

/* ---- out ---- */

static void
write_attr(struct buf *out, const char *name, struct str value)
{
	if (str_empty(value))
		return;
	buf_printf(out, " %s='", name);
	xml_escape(out, value);
	buf_add_c(out, '\'');
}

void
header_write(struct buf *out, const struct header *h)
{
	buf_add_z(out, "<?xml version='1.0'?><stream:stream");
	write_attr(out, "xmlns", str_z(h->ns));
	write_attr(out, "xmlns:stream", S(NS_STREAMS));
	if (h->dialback)
		write_attr(out, "xmlns:db", S("jabber:server:dialback"));
	write_attr(out, "id", h->id);
	if (!h->is_old)
		write_attr(out, "version", S("1.0"));
	write_attr(out, "xml:lang", str_z(texts_tag(h->lang)));
	write_attr(out, "from", h->from);
	write_attr(out, "to", h->to);
	buf_add_c(out, '>');
}

static void
write_text(struct buf *out, const char *text, enum lang lang)
{
	const char *said = texts_in(lang, text);

	buf_printf(out, "<text xmlns='" NS_STREAM_ERRORS "' xml:lang='%s'>",
	    texts_tag(said == text ? LANG_EN : lang));
	xml_escape(out, str_z(said));
	buf_add_z(out, "</text>");
}

void
header_write_error(struct buf *out, enum stream_error error, const char *text, enum lang lang)
{
	buf_printf(
	    out, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/>", stream_error_name(error));
	if (text)
		write_text(out, text, lang);
	if (text == header_text_too_big)
		buf_add_z(out, "<stanza-too-big xmlns='urn:xmpp:errors'/>");
	buf_add_z(out, "</stream:error>");
}
