/* SASL EXTERNAL (XEP-0178): who a server is, by its certificate. */
#include <sodium.h>

#include "base/log.h"
#include "names.h"
#include "proof.h"
#include "negotiate.h"

#define RESPONSE_MAX 4096 /* of base64 */

bool
external_is_proved(const struct stream *s, struct str remote, struct err *why_r)
{
	struct err why = {.text = ""};

	if (!s->wire.tls)
		return false;
	return tls_peer_is(s->wire.tls, remote, why_r ? why_r : &why);
}

/* ---- incoming ---- */

static bool
refuse(struct stream *s, const char *condition, const char *why)
{
	stream_log(s, LOG_INFO, "EXTERNAL is refused: %s", why);
	buf_printf(wire_out(&s->wire), "<failure xmlns='" NS_SASL "'><%s/></failure>", condition);
	stream_touch(s);
	if (++s->failures >= FAILURES_MAX)
		stream_end(s, STREAM_POLICY_VIOLATION, "too many failures");
	return s->state != S2S_CLOSING;
}

/* Whom it wants to be: empty or "=" is whom the header says. */
static bool
authzid_is_right(const struct stream *s, struct str response)
{
	unsigned char text[RESPONSE_MAX];
	size_t n = 0;
	struct jid_buf buf;
	struct str domain;

	response = str_trim(response);
	if (str_empty(response) || str_is(response, "="))
		return true;
	if (sodium_base642bin(text, sizeof(text), response.p, response.n, NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	return jid_prepare_domain(&domain, &buf, str_of(text, n)) && str_is(domain, s->remote);
}

static void
succeed(struct stream *s, struct proof *p)
{
	s->was_external = true;
	stream_write(s, S("<success xmlns='" NS_SASL "'/>"));
	proof_is_valid(s, p);
	stream_restart(s);
}

bool
external_auth(struct stream *s, const struct xml_element *e)
{
	struct err why = {.text = "no certificate"};
	struct proof *p;

	if (s->is_known || !str_is(xml_element_attr(e, S(""), "mechanism", NULL), "EXTERNAL"))
		return refuse(s, "invalid-mechanism", "another mechanism, or a second time");
	if (!s->remote || !external_is_proved(s, str_z(s->remote), &why))
		return refuse(s, "not-authorized", why.text);
	if (!authzid_is_right(s, e->payload))
		return refuse(s, "invalid-authzid", "it wants to be another domain");
	p = proof_find(s, str_z(s->local), str_z(s->remote));
	if (!p)
		p = proof_new(s, str_z(s->local), str_z(s->remote));
	if (!p)
		return refuse(s, "temporary-auth-failure", "too many domains on one stream");
	succeed(s, p);
	return false;
}

/* ---- outgoing ---- */

void
external_begin(struct stream *s)
{
	char text[sodium_base64_ENCODED_LEN(JID_PART_MAX, sodium_base64_VARIANT_ORIGINAL)];
	struct str local = str_z(s->local);

	sodium_bin2base64(text, sizeof(text), (const unsigned char *)local.p, local.n,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_printf(
	    wire_out(&s->wire), "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>", text);
	s->was_external = true;
	stream_set_state(s, S2S_EXTERNAL);
	stream_touch(s);
}

bool
external_success(struct stream *s, const struct xml_element *e)
{
	(void)e;
	stream_is_known(s);
	stream_restart(s);
	return false;
}

/* Dialback may do where our certificate does not. */
bool
external_failure(struct stream *s, const struct xml_element *e)
{
	char name[80];

	log_escape(name, sizeof(name), e->child_name);
	stream_log(s, LOG_INFO, "our certificate is not taken: %s", name);
	stream_set_state(s, S2S_FEATURES);
	features_go_on(s);
	return true;
}
