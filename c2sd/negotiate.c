/* What may come when (INV-3): a table of (state, element). Whatever is not in it is the stream error that RFC 6120 has for it. */
#include "negotiate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "names.h"
#include "sm.h"

#define STATE(s) (1u << CLIENT_##s)
#define NOT_WAITING (STATE(FEATURES) | STATE(SASL) | STATE(BIND) | STATE(SESSION))

static bool peer_error(struct client *c, const struct xml_element *e);

/* states: where it is handled. */
static const struct rule {
	unsigned states;
	const char *ns, *name;
	bool (*handle)(struct client *c, const struct xml_element *e);
} RULES[] = {
    {STATE(SESSION), NS_CLIENT, "message", stanza_take},
    {STATE(SESSION), NS_CLIENT, "iq", stanza_take},
    {STATE(SESSION), NS_CLIENT, "presence", stanza_take},
    {STATE(SESSION), NS_CSI, "active", csi_take},
    {STATE(SESSION), NS_CSI, "inactive", csi_take},
    {NOT_WAITING, NS_TLS, "starttls", starttls_begin},
    {STATE(FEATURES), NS_CLIENT, "iq", registration_iq},
    {STATE(FEATURES) | STATE(SASL) | STATE(SASL_WAIT), NS_SASL, "auth", sasl_auth},
    {STATE(SASL), NS_SASL, "response", sasl_response},
    {STATE(SASL) | STATE(SASL_WAIT), NS_SASL, "abort", sasl_abort},
    {STATE(BIND), NS_CLIENT, "iq", bind_iq},
    {STATE(BIND), NS_SM, "enable", sm_refuse},
    {STATE(BIND), NS_SM, "resume", resume_begin},
    {STATE(SESSION), NS_SM, "resume", sm_refuse},
    {STATE(SESSION), NS_SM, "enable", sm_enable},
    {STATE(SESSION), NS_SM, "r", sm_request},
    {STATE(SESSION), NS_SM, "a", sm_answer},
    {~0u, NS_STREAMS, "error", peer_error},
};

static bool
is_stanza_name(struct str name)
{
	return str_is(name, "message") || str_is(name, "presence") || str_is(name, "iq");
}

/* RFC 6120 §4.9.3.12: nothing but what the features offered before authentication. */
static enum stream_error
error_for(const struct client *c, const struct xml_element *e)
{
	bool is_authenticated = !c->nego || c->nego->jid;

	if (is_stanza_name(e->name) && !str_is(e->ns, NS_CLIENT))
		return STREAM_INVALID_NAMESPACE;
	if (is_stanza_name(e->name) || !is_authenticated)
		return STREAM_NOT_AUTHORIZED;
	if (str_is(e->ns, NS_SASL) || str_is(e->ns, NS_TLS))
		return STREAM_POLICY_VIOLATION;
	return STREAM_UNSUPPORTED_STANZA_TYPE;
}

/* What comes behind the request to bind waits for its answer; nothing else may come early. */
static bool
may_wait(const struct client *c)
{
	return c->state == CLIENT_BIND_WAIT;
}

bool
negotiate_element(struct client *c, const struct xml_element *e)
{
	if (c->state == CLIENT_CLOSING)
		return false;
	if (may_wait(c)) {
		if (waiting_add(&c->waiting, e))
			return true;
		client_end(c, STREAM_POLICY_VIOLATION, "too much behind the request to bind");
		return false;
	}
	for (size_t i = 0; i < COUNT(RULES); i++)
		if ((RULES[i].states & 1u << c->state) && str_is(e->name, RULES[i].name) &&
		    str_is(e->ns, RULES[i].ns))
			return RULES[i].handle(c, e) && c->state != CLIENT_CLOSING;
	client_end(c, error_for(c, e), NULL);
	return false;
}

void
negotiate_waiting(struct client *c)
{
	struct xml_element *e;

	while (c->state != CLIENT_CLOSING && !may_wait(c) && (e = waiting_take(&c->waiting))) {
		negotiate_element(c, e);
		free(e);
	}
}

static bool
peer_error(struct client *c, const struct xml_element *e)
{
	client_log(c, LOG_INFO, "the client's stream error: %.*s", STR_ARG(e->child_name));
	client_end(c, STREAM_OK, NULL);
	return false;
}

/* The state is all that is changed here: what stands behind the element decides (input.c), and reading stops. */
bool
starttls_begin(struct client *c, const struct xml_element *e)
{
	(void)e;
	if (c->state == CLIENT_FEATURES && !c->wire.tls) {
		client_set_state(c, CLIENT_HANDSHAKE);
		return false;
	}
	/* It was not offered: RFC 6120 §5.4.2.2 */
	client_log(c, LOG_INFO, "starttls where it was not offered");
	client_write(c, S("<failure xmlns='" NS_TLS "'/>"));
	client_end(c, STREAM_OK, NULL);
	return false;
}
