/* What may come when (INV-3): a table of (state, element). Whatever is not in it is the stream error that RFC 6120 has for it. */
#include "client.h"
#include "names.h"
#include "queue.h"

#define STATE(s) (1u << CLIENT_##s)

/* states: where it is handled. */
static const struct rule {
	unsigned states;
	const char *ns, *name;
	bool (*handle)(struct client *c, const struct xml_element *e);
} RULES[] = {
    {STATE(FEATURES), NS_TLS, "starttls", starttls_begin},
    {STATE(FEATURES), NS_SASL, "auth", sasl_auth},
    {STATE(SASL), NS_SASL, "response", sasl_response},
    {STATE(SASL) | STATE(SASL_WAIT), NS_SASL, "abort", sasl_abort},
    {STATE(BIND), NS_CLIENT, "iq", bind_iq},
    {STATE(SESSION), NS_CLIENT, "message", stanza_take},
    {STATE(SESSION), NS_CLIENT, "presence", stanza_take},
    {STATE(SESSION), NS_CLIENT, "iq", stanza_take},
};

/* Stanzas that come behind the bind wait for it; nothing else may come early. */
#define WAITS (STATE(BIND_WAIT))

static bool
is_stanza_name(struct str name)
{
	return str_is(name, "message") || str_is(name, "presence") || str_is(name, "iq");
}

static enum stream_error
error_for(const struct client *c, const struct xml_element *e)
{
	if (is_stanza_name(e->name) && !str_is(e->ns, NS_CLIENT))
		return STREAM_INVALID_NAMESPACE;
	if (is_stanza_name(e->name))
		return STREAM_NOT_AUTHORIZED;
	if (str_is(e->ns, NS_SASL) || str_is(e->ns, NS_TLS))
		return c->jid ? STREAM_POLICY_VIOLATION : STREAM_NOT_AUTHORIZED;
	return c->session ? STREAM_UNSUPPORTED_STANZA_TYPE : STREAM_NOT_AUTHORIZED;
}

bool
client_element(struct client *c, const struct xml_element *e)
{
	for (size_t i = 0; i < COUNT(RULES); i++)
		if ((RULES[i].states & 1u << c->state) && str_is(e->name, RULES[i].name) &&
		    str_is(e->ns, RULES[i].ns))
			return RULES[i].handle(c, e);
	if ((WAITS & 1u << c->state) && str_is(e->ns, NS_CLIENT) && is_stanza_name(e->name)) {
		queue_add(&c->waiting, e);
		return true;
	}
	if (c->state != CLIENT_CLOSING)
		client_end(c, error_for(c, e), NULL);
	return false;
}

bool
starttls_begin(struct client *c, const struct xml_element *e)
{
	(void)e;
	if (c->tls) {
		client_end(c, STREAM_POLICY_VIOLATION, "TLS is on already");
		return false;
	}
	client_write(c, S("<proceed xmlns='" NS_TLS "'/>"));
	client_start_tls(c);
	return false;
}
