/* Stream headers and the end of streams (RFC 6120 §4). The first header pins the domain; restarts must ask for the same one. */
#include <stdlib.h>

#include "edge/header.h"
#include "handover.h"
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

static void
send_header(struct client *c, struct header h)
{
	struct id128 id = id_random();
	char hex[2 * ID_BYTES + 1];

	id_hex(&id, hex);
	h.ns = c->state == CLIENT_SERVER ? NS_SERVER : NS_CLIENT;
	h.from = own_name(c);
	h.id = str_z(hex);
	h.lang = c->speaks;
	header_write(wire_out(&c->wire), &h);
	c->has_header = true;
}

/* A stream that is refused gets our header first (RFC 6120 §4.9.1.2). */
void
stream_send_end(struct client *c, enum stream_error error, const char *text)
{
	struct buf *out = wire_out(&c->wire);

	if (error != STREAM_OK && !c->has_header)
		send_header(c, (struct header){.is_old = false});
	if (error != STREAM_OK)
		header_write_error(out, error, text, c->speaks);
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

/* RFC 6120 §4.7.4: the client's language is that of its stanzas, and what it is told is in it if that is known here. */
static void
take_lang(struct client *c, struct str lang)
{
	free(c->lang);
	c->lang = str_empty(lang) || lang.n > LANG_MAX ? NULL : str_dup(lang);
	c->speaks = texts_lang(lang, (enum lang)c2sd_settings(c->c2sd)->language);
}

/* Only what was said under TLS is held against a client: §6.4.6. */
static void
take_from(struct client *c, struct str peer)
{
	if (!c->wire.tls || c->nego->jid || str_empty(peer))
		return;
	free(c->nego->said);
	c->nego->said = str_dup(peer);
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	struct client *c = ctx;
	struct jid_buf buf;
	struct header h = {.is_old = false};
	enum stream_error error = header_check(root, NS_CLIENT), from;
	bool has_version;

	if (c->state == CLIENT_UNKNOWN && handover_is_server(c, root))
		return false;
	xml_element_attr(root, S(""), "version", &has_version);
	h.is_old = error == STREAM_UNSUPPORTED_VERSION && !has_version;
	take_lang(c, xml_element_attr(root, S(XML_NS), "lang", NULL));
	from = check_from(c, xml_element_attr(root, S(""), "from", NULL), &buf, &h.to);
	if (error == STREAM_OK)
		error = take_domain(c, xml_element_attr(root, S(""), "to", NULL));
	if (error == STREAM_OK)
		error = from;
	if (error != STREAM_OK) {
		/* Who has said who it is finds that in our header, also then (RFC 6120 §4.9.1.3). */
		send_header(c, h);
		client_end(c, error, NULL);
		return false;
	}
	take_from(c, h.to);
	send_header(c, h);
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
