/* Stream headers and the end of streams (RFC 6120 §4). The first header pins the domain; restarts must ask for the same one. */
#include <stdlib.h>

#include "edge/header.h"
#include "names.h"
#include "negotiate.h"

#define LANG_MAX 64 /* as messages.def has it for BIND */

struct xml_limits
stream_limits(const struct client *c)
{
	const struct c2sd_settings *s = c2sd_settings(c->c2sd);

	return limits_for_reader(!c->nego || c->nego->jid ? &s->stanza : &s->stranger);
}

void
stream_restart(struct client *c)
{
	struct xml_limits limits = stream_limits(c);

	xml_reader_set_limits(c->reader, &limits);
	xml_reader_reset(c->reader);
	c->has_header = false;
}

/* ---- out ---- */

static struct str
own_name(const struct client *c)
{
	const struct suite *s = &c->c2sd->daemon->suite;

	if (c->nego && c->nego->domain)
		return str_z(c->nego->domain);
	return s->n_domains ? str_z(s->domains[0]) : S("");
}

/* to: who the client says it is; empty if it does not (RFC 6120 §4.7.2). */
static void
send_header(struct client *c, struct str to)
{
	struct id128 id = id_random();
	char hex[2 * ID_BYTES + 1];
	struct header h = {.ns = NS_CLIENT, .from = own_name(c), .to = to};

	id_hex(&id, hex);
	h.id = str_z(hex);
	header_write(wire_out(&c->wire), &h);
	c->has_header = true;
}

/* A stream that is refused gets our header first (RFC 6120 §4.9.1.2). */
void
stream_send_end(struct client *c, enum stream_error error, const char *text)
{
	struct buf *out = wire_out(&c->wire);

	if (error != STREAM_OK && !c->has_header)
		send_header(c, S(""));
	if (error != STREAM_OK)
		header_write_error(out, error, text);
	if (c->has_header)
		buf_add_z(out, "</stream:stream>");
	client_touch(c);
}

/* ---- in ---- */

/* The name chose the certificate and is part of the identity: it does not change (INV-7). */
static enum stream_error
take_domain(struct client *c, struct str to)
{
	struct c2sd *d = c->c2sd;
	struct jid_buf buf;
	struct str domain;
	enum stream_error error;

	if (str_empty(to) || !jid_prepare_domain(&domain, &buf, to))
		return STREAM_IMPROPER_ADDRESSING;
	error = domains_check(&d->domains, &d->daemon->suite, domain);
	if (error != STREAM_OK)
		return error;
	if (c->nego->domain && !str_is(domain, c->nego->domain))
		return STREAM_POLICY_VIOLATION;
	if (!c->nego->domain)
		c->nego->domain = str_dup(domain);
	return STREAM_OK;
}

/* If the header says who the client is, it must be who it has proved to be (RFC 6120 §4.7.1). */
static enum stream_error
check_from(const struct client *c, struct str from, struct jid_buf *buf, struct str *peer_r)
{
	struct jid jid;

	if (str_empty(from))
		return STREAM_OK;
	if (!jid_prepare(&jid, buf, from))
		return STREAM_INVALID_FROM;
	*peer_r = jid.bare;
	return c->nego->jid && !str_is(jid.bare, c->nego->jid) ? STREAM_INVALID_FROM : STREAM_OK;
}

static void
take_lang(struct client *c, struct str lang)
{
	free(c->lang);
	c->lang = str_empty(lang) || lang.n > LANG_MAX ? NULL : str_dup(lang);
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	struct client *c = ctx;
	struct jid_buf buf;
	struct str peer = S("");
	enum stream_error error = header_check(root, NS_CLIENT), from;

	from = check_from(c, xml_element_attr(root, S(""), "from", NULL), &buf, &peer);
	if (error == STREAM_OK)
		error = take_domain(c, xml_element_attr(root, S(""), "to", NULL));
	if (error == STREAM_OK)
		error = from;
	if (error != STREAM_OK) {
		/* Who has said who it is finds that in our header, also then (RFC 6120 §4.9.1.3). */
		send_header(c, peer);
		client_end(c, error, NULL);
		return false;
	}
	take_lang(c, xml_element_attr(root, S(XML_NS), "lang", NULL));
	send_header(c, peer);
	client_set_state(c, c->nego->jid ? CLIENT_BIND : CLIENT_FEATURES);
	features_send(c);
	return c->state != CLIENT_CLOSING;
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	return negotiate_element(ctx, e);
}

static bool
on_close(void *ctx)
{
	client_end(ctx, STREAM_OK, NULL);
	return false;
}

const struct xml_events stream_events = {.open = on_open, .element = on_element, .close = on_close};
