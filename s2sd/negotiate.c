/* What may come when (INV-3, INV-5): a table of (direction, state, element). Whatever is not in it is a stream error. */
#include <stdio.h>

#include "base/mem.h"
#include "ending.h"
#include "names.h"
#include "stream.h"
#include "negotiate.h"

#define STATE(s) (1u << S2S_##s)
#define IN (1u << 16)
#define OUT (1u << 17)
#define BOTH (IN | OUT)
#define CARRYING (STATE(OPEN) | STATE(FINISHING) | STATE(HALF_CLOSED))

static bool peer_error(struct stream *s, const struct xml_element *e);

/* when: directions and states where it is handled. */
static const struct rule {
	unsigned when;
	const char *ns, *name;
	bool (*handle)(struct stream *s, const struct xml_element *e);
} RULES[] = {
    {BOTH | CARRYING, NS_SERVER, "message", stanza_take},
    {BOTH | CARRYING, NS_SERVER, "iq", stanza_take},
    {BOTH | CARRYING, NS_SERVER, "presence", stanza_take},
    {IN | STATE(OPEN), NS_DIALBACK, "result", dialback_result},
    {IN | STATE(OPEN), NS_DIALBACK, "verify", dialback_verify},
    {OUT | STATE(DIALBACK), NS_DIALBACK, "result", dialback_result},
    {OUT | STATE(OPEN), NS_DIALBACK, "verify", dialback_verify},
    {IN | STATE(OPEN), NS_TLS, "starttls", starttls_begin},
    {OUT | STATE(STARTTLS), NS_TLS, "proceed", starttls_proceed},
    {OUT | STATE(STARTTLS), NS_TLS, "failure", starttls_failure},
    {IN | STATE(OPEN), NS_SASL, "auth", external_auth},
    {OUT | STATE(EXTERNAL), NS_SASL, "success", external_success},
    {OUT | STATE(EXTERNAL), NS_SASL, "failure", external_failure},
    {OUT | STATE(FEATURES), NS_STREAMS, "features", features_take},
    {IN | STATE(OPEN), NS_BIDI, "bidi", bidi_take},
    {IN | STATE(OPEN), NS_SM, "enable", sm_enable},
    {OUT | CARRYING, NS_SM, "enabled", sm_enabled},
    {OUT | CARRYING, NS_SM, "failed", sm_failed},
    {BOTH | CARRYING, NS_SM, "r", sm_request},
    {BOTH | CARRYING, NS_SM, "a", sm_answer},
    {BOTH | 0xffffu, NS_STREAMS, "error", peer_error},
};

static bool
is_stanza_name(struct str name)
{
	return str_is(name, "message") || str_is(name, "presence") || str_is(name, "iq");
}

static enum stream_error
error_for(const struct stream *s, const struct xml_element *e)
{
	if (is_stanza_name(e->name) && !str_is(e->ns, NS_SERVER))
		return STREAM_INVALID_NAMESPACE;
	if (is_stanza_name(e->name) || !s->is_known)
		return STREAM_NOT_AUTHORIZED;
	if (str_is(e->ns, NS_SASL) || str_is(e->ns, NS_TLS) || str_is(e->ns, NS_DIALBACK))
		return STREAM_POLICY_VIOLATION;
	return STREAM_UNSUPPORTED_STANZA_TYPE;
}

/* Switched off, dialback is not there at all (INV-5). */
static bool
is_off(const struct stream *s, const struct rule *r)
{
	return str_is(S(NS_DIALBACK), r->ns) && !s2sd_settings(s->s2sd)->dialback;
}

bool
negotiate_element(struct stream *s, const struct xml_element *e)
{
	unsigned direction = s->is_out ? OUT : IN;

	if (s->state == S2S_CLOSING)
		return false;
	for (size_t i = 0; i < COUNT(RULES); i++) {
		const struct rule *r = &RULES[i];

		if ((r->when & direction) && (r->when & 1u << s->state) &&
		    str_is(e->name, r->name) && str_is(e->ns, r->ns) && !is_off(s, r))
			return r->handle(s, e) && s->state != S2S_CLOSING;
	}
	if (stream_is_ending(s)) /* nothing begins any more */
		return true;
	stream_end(s, error_for(s, e), NULL);
	return false;
}

/* What it has taken before its error it may still say. */
static bool
peer_error(struct stream *s, const struct xml_element *e)
{
	char name[80];

	log_escape(name, sizeof(name), e->child_name);
	snprintf(s->reason, sizeof(s->reason), "the other side's stream error: %s", name);
	s->is_nobody_there = str_is(e->child_name, "host-unknown");
	s->is_restarting = str_is(e->child_name, "system-shutdown");
	stream_log(s, LOG_INFO, "%s", s->reason);
	stream_finish(s, STREAM_OK);
	return s->state != S2S_CLOSING;
}
