/* Stream headers and stream errors (RFC 6120 §4). The first header pins the domain; restarts must ask for the same one. */
#include <stdlib.h>

#include "client.h"
#include "names.h"
#include "xml/writer.h"

struct xml_limits
client_limits(const struct client *c)
{
	const struct c2sd_settings *s = c2sd_settings(c->c2sd);

	if (c->jid)
		return (struct xml_limits){.bytes = (size_t)s->stanza_bytes,
		    .elements = (size_t)s->stanza_elements,
		    .depth = (size_t)s->stanza_depth,
		    .attributes = (size_t)s->stanza_attributes,
		    .dict_bytes = (size_t)s->dict_bytes};
	return (struct xml_limits){.bytes = (size_t)s->preauth_bytes,
	    .elements = (size_t)s->preauth_elements,
	    .depth = (size_t)s->preauth_depth,
	    .attributes = (size_t)s->preauth_attributes,
	    .dict_bytes = (size_t)s->preauth_dict_bytes};
}

/* ---- out ---- */

static struct str
own_name(const struct client *c)
{
	const struct suite *s = &c->c2sd->daemon->suite;

	if (c->domain)
		return str_z(c->domain);
	return s->n_domains ? str_z(s->domains[0]) : S("");
}

void
stream_send_header(struct client *c)
{
	struct buf *out = client_out(c);
	struct id128 id = id_random();
	char hex[2 * ID_BYTES + 1];

	id_hex(&id, hex);
	buf_add_z(out,
	    "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAMS
	    "' id='");
	buf_add_z(out, hex);
	buf_add_z(out, "' version='1.0' xml:lang='en' from='");
	xml_escape(out, own_name(c));
	buf_add_z(out, "'>");
	c->has_header = true;
	client_touch(c);
}

/* A stream that is refused gets our header first (RFC 6120 §4.9.1.2). */
void
stream_send_error(struct client *c, enum stream_error error, const char *text)
{
	struct buf *out = client_out(c);

	if (!c->has_header && error != STREAM_OK)
		stream_send_header(c);
	if (error != STREAM_OK) {
		buf_printf(out, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/>",
		    stream_error_name(error));
		if (text) {
			buf_add_z(out, "<text xmlns='" NS_STREAM_ERRORS "' xml:lang='en'>");
			xml_escape(out, str_z(text));
			buf_add_z(out, "</text>");
		}
		buf_add_z(out, "</stream:error>");
	}
	if (c->has_header)
		buf_add_z(out, "</stream:stream>");
	client_touch(c);
}

/* ---- in ---- */

/* "1.0" and above in its major number 1; an absent one means 0.9 (RFC 6120 §4.7.5). */
static bool
version_is_supported(struct str version)
{
	struct str major, minor;
	uint64_t v;

	return str_split(version, '.', &major, &minor) && str_u64(major, &v) && v == 1 &&
	    str_u64(minor, &v);
}

static bool
is_served(const struct client *c, struct str domain)
{
	const struct suite *s = &c->c2sd->daemon->suite;

	for (size_t i = 0; i < s->n_domains; i++)
		if (str_is(domain, s->domains[i]))
			return true;
	return false;
}

/* STREAM_OK, or why the client cannot be served under this name. */
static enum stream_error
take_domain(struct client *c, struct str to)
{
	struct jid_buf buf;
	struct str domain;

	if (str_empty(to))
		return STREAM_IMPROPER_ADDRESSING;
	if (!jid_prepare_domain(&domain, &buf, to) || !is_served(c, domain))
		return STREAM_HOST_UNKNOWN;
	if (!c->domain)
		c->domain = str_dup(domain);
	/* The name chose the certificate and is part of the identity: it does not change (INV-7). */
	return str_is(domain, c->domain) ? STREAM_OK : STREAM_POLICY_VIOLATION;
}

/* If the header says who the client is, it must be who it has proved to be (RFC 6120 §4.7.1). */
static bool
from_is_possible(const struct client *c, struct str from)
{
	struct jid_buf buf;
	struct jid jid;

	if (str_empty(from))
		return true;
	if (!jid_prepare(&jid, &buf, from))
		return false;
	return !c->jid || str_is(jid.bare, c->jid);
}

static enum stream_error
check_header(struct client *c, const struct xml_element *root)
{
	struct str none = S("");

	if (!str_is(root->ns, NS_STREAMS))
		return STREAM_INVALID_NAMESPACE;
	if (!str_is(root->name, "stream"))
		return STREAM_BAD_FORMAT;
	if (!version_is_supported(xml_element_attr(root, none, "version", NULL)))
		return STREAM_UNSUPPORTED_VERSION;
	if (!from_is_possible(c, xml_element_attr(root, none, "from", NULL)))
		return STREAM_INVALID_FROM;
	return take_domain(c, xml_element_attr(root, none, "to", NULL));
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	struct client *c = ctx;
	enum stream_error error = check_header(c, root);

	if (error == STREAM_OK && !c2sd_may_serve(c->c2sd))
		error = STREAM_RESOURCE_CONSTRAINT;
	if (error != STREAM_OK) {
		client_end(c, error, NULL);
		return false;
	}
	stream_send_header(c);
	features_send(c);
	client_set_state(c, c->jid ? CLIENT_BIND : CLIENT_FEATURES);
	return true;
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	return client_element(ctx, e);
}

static bool
on_close(void *ctx)
{
	client_end(ctx, STREAM_OK, NULL);
	return false;
}

const struct xml_events client_xml_events = {
    .open = on_open, .element = on_element, .close = on_close};
