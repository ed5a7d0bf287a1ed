/* Who a component is (XEP-0114 §3): the name in its header, and a handshake with the secret that goes with it. Nothing but our header
 * is sent before the handshake's answer: old libraries take the first element behind theirs for the verdict (F-21). */
#include <ctype.h>
#include <stdio.h>

#include "base/jid.h"
#include "base/mem.h"
#include "edge/header.h"
#include "stream.h"
#include "tls/digest.h"

#define DIGEST_HEX (2 * DIGEST_SHA1_BYTES)

void
proof_send_header(struct stream *s)
{
	struct buf *out = wire_out(&s->wire);
	char hex[2 * ID_BYTES + 1];

	id_hex(&s->id, hex);
	buf_printf(out,
	    "<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS
	    "' id='%s'",
	    hex);
	if (s->name) {
		buf_add_z(out, " from='");
		xml_escape(out, str_z(s->name));
		buf_add_c(out, '\'');
	}
	buf_add_c(out, '>');
	s->has_header = true;
	wire_touch(&s->wire);
}

static enum stream_error
check_root(const struct xml_element *root)
{
	if (!str_is(root->ns, NS_STREAMS))
		return STREAM_INVALID_NAMESPACE;
	if (!str_is(root->name, "stream"))
		return STREAM_BAD_FORMAT;
	return str_is(root->default_ns, NS_COMPONENT) ? STREAM_OK : STREAM_INVALID_NAMESPACE;
}

static enum stream_error
take_name(struct stream *s, struct str to)
{
	struct jid_buf buf;
	struct str name;

	if (str_empty(to) || !jid_prepare_domain(&name, &buf, to))
		return STREAM_IMPROPER_ADDRESSING;
	if (!component_find(s->componentd, name))
		return STREAM_HOST_UNKNOWN;
	s->name = str_dup(name);
	return STREAM_OK;
}

bool
proof_header(struct stream *s, const struct xml_element *root)
{
	enum stream_error error = check_root(root);

	if (error == STREAM_OK)
		error = take_name(s, xml_element_attr(root, S(""), "to", NULL));
	if (error != STREAM_OK) {
		stream_end(s, error, NULL);
		return false;
	}
	proof_send_header(s);
	s->stage = STAGE_PROOF;
	return true;
}

/* "": nobody can have it. */
static struct str
secret_of(const struct stream *s)
{
	const struct componentd_settings *all = componentd_settings(s->componentd);
	const struct component_settings *own = settings_of_component(all, str_z(s->name));

	return str_z(own && own->secret[0] ? own->secret : all->secret);
}

/* Lower-case hex SHA-1 of the stream's id and the secret. */
static void
expected_digest(const struct stream *s, struct str secret, char hex[DIGEST_HEX + 1])
{
	struct buf in = {.data = NULL};
	uint8_t digest[DIGEST_SHA1_BYTES];
	char id[2 * ID_BYTES + 1];

	id_hex(&s->id, id);
	buf_reserve(&in, sizeof(id) + secret.n);
	buf_add_z(&in, id);
	buf_add_str(&in, secret);
	digest_sha1(buf_str(&in), digest);
	buf_deinit_secret(&in);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	secret_wipe(digest, sizeof(digest));
}

/* Upper case is as good (F-22). Constant time in what is compared. */
static bool
is_proof(const struct stream *s, struct str text)
{
	struct str secret = secret_of(s);
	char expected[DIGEST_HEX + 1], got[DIGEST_HEX];
	bool is_equal;

	if (str_empty(secret) || text.n != DIGEST_HEX)
		return false;
	for (size_t i = 0; i < DIGEST_HEX; i++)
		got[i] = (char)tolower((unsigned char)text.p[i]);
	expected_digest(s, secret, expected);
	is_equal = secret_eq(str_of(got, DIGEST_HEX), str_of(expected, DIGEST_HEX));
	secret_wipe(expected, sizeof(expected));
	return is_equal;
}

bool
proof_handshake(struct stream *s, const struct xml_element *e)
{
	bool is_handshake = str_is(e->name, "handshake") && str_is(e->ns, NS_COMPONENT);

	if (is_handshake && e->n_children == 0 && is_proof(s, str_trim(e->payload)))
		return true;
	if (is_handshake)
		stream_log(s, LOG_WARN, "the handshake is wrong: not the secret of this component");
	stream_end(s, STREAM_NOT_AUTHORIZED, NULL);
	return false;
}
