/* What clients say to the yardstick, read with libxml2's push parser and answered or framed for the router. */
#include <stdio.h>
#include <string.h>

#include "yardstick.h"

static void
add_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

static void
add_escaped(struct bytes *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (p[i]) {
		case '<':
			add_text(b, "&lt;");
			break;
		case '&':
			add_text(b, "&amp;");
			break;
		case '>':
			add_text(b, "&gt;");
			break;
		case '\'':
			add_text(b, "&apos;");
			break;
		default:
			bytes_add(b, p + i, 1);
		}
	}
}

static void
say(struct conn *c, const char *text)
{
	add_text(&c->out, text);
	mark(c);
}

static void
open_stream(struct conn *c)
{
	bytes_addf(&c->out,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	    "from='%s' id='y%d' version='1.0'><stream:features>",
	    c->edge->domain, c->fd);
	if (c->edge->tls && !c->secured)
		say(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
	else if (!c->user[0])
		say(c,
		    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>");
	else
		say(c, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
	say(c, "</stream:features>");
}

static void
handle_auth(struct conn *c)
{
	gnutls_datum_t text = {(unsigned char *)c->text.p, (unsigned)c->text.len}, raw;

	if (gnutls_base64_decode2(&text, &raw) != 0) {
		c->ended = true;
		return;
	}
	const char *name = raw.size ? memchr(raw.data, 0, raw.size) : NULL;
	size_t left = name ? raw.size - (size_t)(name - (char *)raw.data) - 1 : 0;
	snprintf(c->user, sizeof c->user, "%.*s", (int)left, name ? name + 1 : "");
	gnutls_free(raw.data);
	struct conn **bucket = bucket_of(c->edge, c->user, strlen(c->user));
	c->next = *bucket;
	*bucket = c;
	c->after = RESTART;
	say(c, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
}

static void
handle_iq(struct conn *c)
{
	if (strcmp(c->type, "get") != 0 && strcmp(c->type, "set") != 0)
		return;
	bytes_addf(&c->out, "<iq type='result' id='%s'", c->id);
	if (strcmp(c->child, "bind") == 0)
		bytes_addf(&c->out,
		    "><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s@%s/r</jid></bind></iq>",
		    c->user, c->edge->domain);
	else
		bytes_addf(&c->out, " from='%s'/>", c->edge->domain);
	mark(c);
}

static void
handle_message(struct conn *c)
{
	struct bytes *b = &c->edge->to_hub;
	size_t begin = b->len;
	struct frame f = {0, (uint32_t)strcspn(c->to, "@")};

	bytes_add(b, &f, sizeof f);
	bytes_add(b, c->to, f.name_length);
	bytes_addf(b, "<message from='%s@%s/r' to='%s' type='%s' id='%s'>", c->user,
	    c->edge->domain, c->to, c->type, c->id);
	bytes_add(b, c->payload.p, c->payload.len);
	add_text(b, "</message>");
	f.length = (uint32_t)(b->len - begin);
	memcpy(b->p + begin, &f, sizeof f);
}

static void
end_stream(struct conn *c)
{
	say(c, "</stream:stream>");
	end(c);
}

static void
handle_stanza(struct conn *c)
{
	if (strcmp(c->name, "message") == 0) {
		handle_message(c);
	} else if (strcmp(c->name, "iq") == 0) {
		handle_iq(c);
	} else if (strcmp(c->name, "auth") == 0) {
		handle_auth(c);
	} else if (strcmp(c->name, "starttls") == 0) {
		c->after = SECURE;
		say(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	}
}

/* ---- the parser's calls ---- */

#define ATTRIBUTE(a, i) ((const char *)(a)[5 * (i)])

static void
read_attributes(struct conn *c, int n, const xmlChar **a)
{
	c->to[0] = c->id[0] = c->type[0] = c->child[0] = '\0';
	for (int i = 0; i < n; i++) {
		const char *name = ATTRIBUTE(a, i), *value = (const char *)a[5 * i + 3];
		int length = (int)(a[5 * i + 4] - a[5 * i + 3]);
		if (strcmp(name, "to") == 0)
			snprintf(c->to, sizeof c->to, "%.*s", length, value);
		else if (strcmp(name, "id") == 0)
			snprintf(c->id, sizeof c->id, "%.*s", length, value);
		else if (strcmp(name, "type") == 0)
			snprintf(c->type, sizeof c->type, "%.*s", length, value);
	}
}

static void
copy_start(struct conn *c, const char *name, const char *ns, int n, const xmlChar **a)
{
	struct bytes *b = &c->payload;

	add_text(b, "<");
	add_text(b, name);
	if (ns && strcmp(ns, "jabber:client") != 0)
		bytes_addf(b, " xmlns='%s'", ns);
	for (int i = 0; i < n; i++) {
		bytes_addf(b, " %s='", ATTRIBUTE(a, i));
		add_escaped(b, (const char *)a[5 * i + 3], (size_t)(a[5 * i + 4] - a[5 * i + 3]));
		add_text(b, "'");
	}
	add_text(b, ">");
}

static void
on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns, int n_ns,
    const xmlChar **all_ns, int n, int defaulted, const xmlChar **attributes)
{
	struct conn *c = ctx;

	(void)prefix, (void)n_ns, (void)all_ns, (void)defaulted;
	c->depth++;
	if (c->depth == 1) {
		open_stream(c);
	} else if (c->depth == 2) {
		snprintf(c->name, sizeof c->name, "%s", (const char *)name);
		c->payload.len = c->text.len = 0;
		read_attributes(c, n, attributes);
	} else {
		if (c->depth == 3 && !c->child[0])
			snprintf(c->child, sizeof c->child, "%s", (const char *)name);
		copy_start(c, (const char *)name, (const char *)ns, n, attributes);
	}
}

static void
on_text(void *ctx, const xmlChar *text, int n)
{
	struct conn *c = ctx;

	if (c->depth == 2)
		bytes_add(&c->text, text, (size_t)n);
	else if (c->depth > 2)
		add_escaped(&c->payload, (const char *)text, (size_t)n);
}

static void
on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
	struct conn *c = ctx;

	(void)prefix, (void)ns;
	c->depth--;
	if (c->depth > 1)
		bytes_addf(&c->payload, "</%s>", (const char *)name);
	else if (c->depth == 1)
		handle_stanza(c);
	else
		end_stream(c);
}

static xmlSAXHandler handlers = {.initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text};

void
xml_parse(struct conn *c, const char *p, size_t n)
{
	if (!c->parser)
		c->parser = xmlCreatePushParserCtxt(&handlers, c, NULL, 0, NULL);
	if (!c->parser || xmlParseChunk(c->parser, p, (int)n, 0) != 0)
		end(c);
	if (c->after != GO_ON)
		xml_free(c);
}

void
xml_free(struct conn *c)
{
	if (c->parser && c->parser->myDoc)
		xmlFreeDoc(c->parser->myDoc);
	if (c->parser)
		xmlFreeParserCtxt(c->parser);
	c->parser = NULL;
	c->depth = 0;
}
