/* What a connection says of itself and of its peer, once it is open: tls.h. */
#include "tls/context.h"
#include "tls/session.h"

#define EXPORTER_SIZE 32

/* ---- channel bindings ---- */

bool
tls_has_exporter(const struct tls *s)
{
	return (s->state == TLS_OPEN || s->state == TLS_CLOSED) && tls_is_13(s);
}

bool
tls_channel_exporter(struct tls *s, struct buf *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!tls_has_exporter(s))
		return false;
	char *key = (char *)buf_reserve(out, EXPORTER_SIZE);
	if (gnutls_prf_rfc5705(s->session, sizeof label - 1, label, 0, NULL, EXPORTER_SIZE, key) < 0)
		return false;
	buf_commit(out, EXPORTER_SIZE);
	return true;
}

/* After a resumption no certificate was shown. What the client knows is the one of the session that it resumed;
 * keyd changes the ticket key together with the certificates, so that is still the one we would show. */
bool
tls_channel_end_point(struct tls *s, struct buf *out)
{
	if (s->state != TLS_OPEN && s->state != TLS_CLOSED)
		return false;
	const struct tls_chain *c = tls_choose_chain(s);
	if (c == NULL)
		return false;
	buf_add(out, c->end_point, c->end_point_len);
	return true;
}

/* ---- the connection and its peer ---- */

const char *
tls_describe(const struct tls *s)
{
	return s->description;
}

bool
tls_resumed(const struct tls *s)
{
	return s->resumed;
}

struct str
tls_sni(const struct tls *s)
{
	return str_z(s->sni);
}

bool
tls_is_client(const struct tls *s)
{
	return s->is_client;
}

enum tls_peer
tls_peer(const struct tls *s, const char **why_r)
{
	if (why_r != NULL)
		*why_r = s->peer.why.text;
	return s->peer.state;
}

bool
tls_peer_is(const struct tls *s, struct str domain, struct err *why)
{
	return peer_is(&s->peer, s->wanted, domain, why);
}

size_t
tls_peer_addresses(const struct tls *s, struct str *v, size_t max)
{
	return peer_addresses(&s->peer, v, max);
}
