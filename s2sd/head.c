/* Stream headers (RFC 6120 §4): who says that it is whom. The first header that names the two pins them; restarts must say the same
 * (INV-7). */
#include <stdlib.h>

#include "ending.h"
#include "names.h"
#include "stream.h"
#include "negotiate.h"

#define LANG_MAX 64 /* as messages.def has it */

/* ---- out ---- */

static void
new_id(struct stream *s)
{
	struct id128 id = id_random();
	char hex[2 * ID_BYTES + 1];

	id_hex(&id, hex);
	free(s->id);
	s->id = str_dup(str_z(hex));
}

/* One that we refuse may not have asked for any name of ours. */
static const char *
own_name(const struct stream *s)
{
	const struct suite *suite = &s->s2sd->daemon->suite;

	return s->local ? s->local : suite->n_domains ? suite->domains[0] : NULL;
}

void
stream_send_header(struct stream *s)
{
	struct header h = {.ns = NS_SERVER,
	    .from = str_z(own_name(s)),
	    .to = str_z(s->remote),
	    .dialback = s2sd_settings(s->s2sd)->dialback};

	if (!s->is_out) {
		new_id(s);
		h.id = str_z(s->id);
	}
	header_write(wire_out(&s->wire), &h);
	s->has_header = true;
	stream_touch(s);
}

/* A stream that is refused gets our header first (RFC 6120 §4.9.1.2). */
void
stream_send_end(struct stream *s, enum stream_error error, const char *text)
{
	struct buf *out = wire_out(&s->wire);

	if (error != STREAM_OK && !s->has_header)
		stream_send_header(s);
	if (error != STREAM_OK)
		header_write_error(out, error, text, LANG_EN);
	if (s->has_header)
		buf_add_z(out, "</stream:stream>");
	stream_touch(s);
}

void
stream_restart(struct stream *s)
{
	stream_set_state(s, S2S_HEADER);
}

void
stream_begin_again(struct stream *s)
{
	xml_reader_reset(s->reader);
	s->has_header = false;
	stream_set_state(s, S2S_HEADER);
	if (s->is_out)
		stream_send_header(s);
}

/* ---- in ---- */

static bool
take_domain(struct str text, struct jid_buf *buf, struct str *domain_r)
{
	return !str_empty(text) && jid_prepare_domain(domain_r, buf, text);
}

/* The name of before may not change. */
static bool
pin(char **name, struct str domain)
{
	if (*name)
		return str_is(domain, *name);
	*name = str_dup(domain);
	return true;
}

static enum stream_error
take_to(struct stream *s, struct str to)
{
	struct jid_buf buf;
	struct str domain;

	if (!take_domain(to, &buf, &domain))
		return STREAM_IMPROPER_ADDRESSING;
	if (!s2sd_is_local(s->s2sd, domain) || !policy_serves(s2sd_settings(s->s2sd), domain))
		return STREAM_HOST_UNKNOWN;
	return pin(&s->local, domain) ? STREAM_OK : STREAM_POLICY_VIOLATION;
}

/* It may be left out before TLS (RFC 6120 §4.7.1); nobody else has our own names. */
static enum stream_error
take_from(struct stream *s, struct str from)
{
	struct jid_buf buf;
	struct str domain;

	if (str_empty(from))
		return s->remote && s->was_external ? STREAM_INVALID_FROM : STREAM_OK;
	if (!take_domain(from, &buf, &domain) || s2sd_is_local(s->s2sd, domain))
		return STREAM_INVALID_FROM;
	if (!policy_admits(s2sd_settings(s->s2sd), domain))
		return STREAM_POLICY_VIOLATION;
	return pin(&s->remote, domain) ? STREAM_OK : STREAM_INVALID_FROM;
}

static void
take_lang(struct stream *s, struct str lang)
{
	free(s->lang);
	s->lang = str_empty(lang) || lang.n > LANG_MAX ? NULL : str_dup(lang);
}

/* A domain that takes only certificates says so at once, not after a while of silence. */
static enum stream_error
check_certificate(const struct stream *s, struct err *why)
{
	if (!s->wire.tls || !s->remote || stream_policy(s) != POLICY_REQUIRED_VERIFIED ||
	    external_is_proved(s, str_z(s->remote), why))
		return STREAM_OK;
	return STREAM_POLICY_VIOLATION;
}

static enum stream_error
open_in(struct stream *s, const struct xml_element *root, struct err *why)
{
	enum stream_error error = take_to(s, xml_element_attr(root, S(""), "to", NULL));

	if (error == STREAM_OK)
		error = take_from(s, xml_element_attr(root, S(""), "from", NULL));
	if (error == STREAM_OK)
		error = check_certificate(s, why);
	if (error != STREAM_OK)
		return error;
	stream_send_header(s);
	stream_set_state(s, S2S_OPEN);
	features_send(s);
	return STREAM_OK;
}

/* The header of the server that we have connected to. Its `from` must be whom we wanted, if it says one; but one that is about to say
 * why it refuses us may not know that name. */
static void
open_out(struct stream *s, const struct xml_element *root)
{
	struct str from = xml_element_attr(root, S(""), "from", NULL);
	struct str id = xml_element_attr(root, S(""), "id", NULL);
	struct jid_buf buf;
	struct str domain;

	s->is_misnamed =
	    !str_empty(from) && (!take_domain(from, &buf, &domain) || !str_is(domain, s->remote));
	free(s->id);
	s->id = str_dup(id);
	stream_set_state(s, S2S_FEATURES);
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	struct stream *s = ctx;
	struct err why = {.text = ""};
	enum stream_error error = header_check(root, NS_SERVER);

	take_lang(s, xml_element_attr(root, S(XML_NS), "lang", NULL));
	if (error == STREAM_OK && s->is_out)
		open_out(s, root);
	else if (error == STREAM_OK)
		error = open_in(s, root, &why);
	if (error != STREAM_OK)
		stream_end(s, error, why.text[0] ? why.text : NULL);
	return s->state != S2S_CLOSING;
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	return negotiate_element(ctx, e);
}

static bool
on_close(void *ctx)
{
	stream_over_there(ctx);
	return false;
}

const struct xml_events stream_events = {.open = on_open, .element = on_element, .close = on_close};
