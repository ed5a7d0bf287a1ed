/* From a connection to a bound resource (RFC 6120, 4 to 7), one element at a time:
 *
 *   CONNECTING ─▶ PLAIN_FEATURES ─▶ PROCEED ─▶ HANDSHAKE ─▶ AUTH_FEATURES ─▶ CHALLENGE ─▶ SUCCESS ─▶ BIND_FEATURES
 *                       └──────────── without TLS ──────────────┘ (same element)  └─ PLAIN ─┘          │
 *                                               READY ◀─ ENABLED ◀─ SESSION ◀─ BOUND ◀─────────────────┘
 *
 * With a session to be resumed BIND_FEATURES goes to RESUMING, from there to READY or, refused, to BOUND.
 * SESSION only where the features offer it without <optional/>, ENABLED only with stream management. */
#include <stdio.h>
#include <string.h>

#include "load.h"

static void
open_stream(struct client *c, enum client_state next)
{
	bytes_free(&c->in);
	c->scan = (struct scan){0};
	client_send(c,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='%s' version='1.0' "
	    "xmlns:stream='http://etherx.jabber.org/streams'>",
	    client_domain(c));
	c->state = next;
}

void
login_connected(struct client *c)
{
	load_watch(c, false);
	open_stream(c, c->load->o.tls ? CLIENT_PLAIN_FEATURES : CLIENT_AUTH_FEATURES);
}

void
login_secured(struct client *c)
{
	load_watch(c, false);
	open_stream(c, CLIENT_AUTH_FEATURES);
}

static void
refuse(struct client *c, const char *what, struct slice element)
{
	load_error(c->load, c, what, element);
	client_drop(c);
}

static void
do_authenticate(struct client *c, struct slice features)
{
	const struct options *o = &c->load->o;
	char user[64], offered[64];
	struct bytes text = {0};

	snprintf(offered, sizeof offered, ">%s<", o->mechanism);
	if (!slice_has(features, offered)) {
		refuse(c, "mechanism not offered", features);
		return;
	}
	snprintf(user, sizeof user, "u%06u", c->index);
	if (strcmp(o->mechanism, "PLAIN") == 0) {
		gnutls_datum_t base64;
		bytes_addf(&text, "%c%s%c%s", 0, user, 0, o->password);
		gnutls_datum_t raw = {(unsigned char *)text.p, (unsigned)text.len};
		if (gnutls_base64_encode2(&raw, &base64) != 0)
			die("base64 failed");
		text.len = 0;
		bytes_add(&text, base64.data, base64.size);
		gnutls_free(base64.data);
	} else {
		scram_begin(&c->scram, user, &text);
	}
	client_send(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%.*s</auth>",
	    o->mechanism, (int)text.len, text.p);
	bytes_free(&text);
	c->state = strcmp(o->mechanism, "PLAIN") == 0 ? CLIENT_SUCCESS : CLIENT_CHALLENGE;
}

static void
do_challenge(struct client *c, struct slice element)
{
	struct bytes text = {0};

	if (!slice_is(element_name(element), "challenge") ||
	    !scram_answer(
		&c->scram, element_text(element, "challenge"), c->load->o.password, &text)) {
		refuse(c, "not authenticated", element);
		return;
	}
	client_send(c, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%.*s</response>",
	    (int)text.len, text.p);
	bytes_free(&text);
	c->state = CLIENT_SUCCESS;
}

/* Some servers put their last message into a challenge of its own (allowed by RFC 4422, 3.6). */
static void
do_success(struct client *c, struct slice element)
{
	if (slice_is(element_name(element), "challenge") &&
	    scram_finish(&c->scram, element_text(element, "challenge"))) {
		client_send(c, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
		return;
	}
	struct slice last = element_text(element, "success");
	bool plain = strcmp(c->load->o.mechanism, "PLAIN") == 0;
	if (!slice_is(element_name(element), "success") ||
	    (!plain && last.len > 0 && !scram_finish(&c->scram, last))) {
		refuse(c, "not authenticated", element);
		return;
	}
	open_stream(c, CLIENT_BIND_FEATURES);
}

static void
ask_bind(struct client *c)
{
	client_send(c,
	    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>r</resource></bind></iq>");
	c->state = CLIENT_BOUND;
}

static void
do_bind(struct client *c, struct slice features)
{
	if (c->load->o.sm && !slice_has(features, "urn:xmpp:sm:3"))
		load_lacks("stream management");
	const char *session = memmem(features.p, features.len, "<session", 8);

	c->prepared = session &&
	    !memmem(session, (size_t)(features.p + features.len - session), "optional", 8);
	if (c->sm_id[0]) {
		client_send(
		    c, "<resume xmlns='urn:xmpp:sm:3' h='%u' previd='%s'/>", c->sm_in, c->sm_id);
		c->state = CLIENT_RESUMING;
	} else {
		ask_bind(c);
	}
}

/* A session that is gone may still say how much it had got (XEP-0198, 5). */
static void
do_resumed(struct client *c, struct slice element)
{
	bool is_resumed = slice_is(element_name(element), "resumed");
	struct slice h = element_attribute(element, "h");

	if (!is_resumed && !slice_is(element_name(element), "failed")) {
		refuse(c, "neither resumed nor refused", element);
		return;
	}
	if (h.len > 0)
		c->sm_acked = (uint32_t)slice_number(h, NULL);
	c->sm = is_resumed;
	if (is_resumed)
		c->state = CLIENT_READY;
	else
		c->sm_id[0] = '\0';
	c->load->mode->resumed(c, is_resumed);
	if (!is_resumed)
		ask_bind(c);
}

static void
finish(struct client *c)
{
	c->prepared = false;
	c->sm_in = c->sm_out = c->sm_acked = 0;
	c->state = CLIENT_READY;
	load_ready(c);
}

static void
enable_or_finish(struct client *c)
{
	if (!c->load->o.sm) {
		finish(c);
		return;
	}
	client_send(
	    c, "<enable xmlns='urn:xmpp:sm:3'%s/>", c->load->o.resume ? " resume='true'" : "");
	c->state = CLIENT_ENABLED;
}

static void
do_bound(struct client *c, struct slice element)
{
	struct slice jid = element_text(element, "jid");

	if (!slice_is(element_attribute(element, "type"), "result") || jid.len == 0 ||
	    jid.len >= sizeof c->jid) {
		refuse(c, "no resource bound", element);
		return;
	}
	memcpy(c->jid, jid.p, jid.len);
	c->jid[jid.len] = '\0';
	if (!c->prepared) {
		enable_or_finish(c);
		return;
	}
	client_send(c,
	    "<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
	c->state = CLIENT_SESSION;
}

static void
do_enabled(struct client *c, struct slice element)
{
	struct slice id = element_attribute(element, "id");

	c->sm = slice_is(element_name(element), "enabled");
	if (!c->sm || id.len >= sizeof c->sm_id || (c->load->o.resume && id.len == 0)) {
		refuse(c, "no stream management", element);
		return;
	}
	if (c->load->o.resume) {
		memcpy(c->sm_id, id.p, id.len);
		c->sm_id[id.len] = '\0';
	}
	finish(c);
}

void
login_element(struct client *c, struct slice element)
{
	switch (c->state) {
	case CLIENT_PLAIN_FEATURES:
		client_send(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		c->state = CLIENT_PROCEED;
		break;
	case CLIENT_PROCEED:
		if (slice_is(element_name(element), "proceed"))
			c->state = CLIENT_HANDSHAKE;
		else
			refuse(c, "no TLS", element);
		break;
	case CLIENT_AUTH_FEATURES:
		do_authenticate(c, element);
		break;
	case CLIENT_CHALLENGE:
		do_challenge(c, element);
		break;
	case CLIENT_SUCCESS:
		do_success(c, element);
		break;
	case CLIENT_BIND_FEATURES:
		do_bind(c, element);
		break;
	case CLIENT_BOUND:
		do_bound(c, element);
		break;
	case CLIENT_SESSION:
		enable_or_finish(c);
		break;
	case CLIENT_ENABLED:
		do_enabled(c, element);
		break;
	case CLIENT_RESUMING:
		do_resumed(c, element);
		break;
	case CLIENT_NONE:
	case CLIENT_CONNECTING:
	case CLIENT_HANDSHAKE:
	case CLIENT_READY:
	case CLIENT_CLOSING:
		break;
	}
}
