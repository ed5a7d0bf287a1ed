/* TLS of a stream, from either side (RFC 6120 §5). */
#include "attempt.h"
#include "names.h"
#include "stream.h"
#include "negotiate.h"

/* The state is all that is changed here: what stands behind the element decides (stream.c), and reading stops. */
bool
starttls_begin(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (!s->wire.tls && !s->is_known && stream_policy(s) != POLICY_OFF &&
	    list_empty(&s->proofs)) {
		stream_set_state(s, S2S_STARTTLS);
		return false;
	}
	/* It was not offered: RFC 6120 §5.4.2.2 */
	stream_log(s, LOG_INFO, "starttls where it was not offered");
	stream_write(s, S("<failure xmlns='" NS_TLS "'/>"));
	stream_end(s, STREAM_OK, NULL);
	return false;
}

bool
starttls_proceed(struct stream *s, const struct xml_element *e)
{
	(void)s;
	(void)e;
	return false;
}

bool
starttls_failure(struct stream *s, const struct xml_element *e)
{
	(void)e;
	stream_lost(s, "it refuses TLS, which it has offered");
	return false;
}

static struct tls *
client_of(const struct stream *s)
{
	const struct dial_target *t = &s->attempt->target;
	struct tls_client c = {.domain = str_z(s->remote),
	    .own = str_z(s->local),
	    .alpn = s->is_direct ? "xmpp-server" : NULL,
	    .host = str_z(t->n_tlsa ? t->host : ""),
	    .tlsa = t->tlsa,
	    .n_tlsa = t->n_tlsa};

	return tls_new_client(s->s2sd->tls, &c);
}

void
starttls_handshake(struct stream *s)
{
	struct s2sd *d = s->s2sd;
	uint64_t limit_ms = s2sd_now_ms(d) + (uint64_t)s2sd_settings(d)->tls_seconds * 1000;

	if (!s->is_out && !s->is_direct)
		stream_write(s, S("<proceed xmlns='" NS_TLS "'/>"));
	stream_set_state(s, S2S_HANDSHAKE);
	if (!s->is_out && limit_ms < s->deadline_ms)
		s->deadline_ms = limit_ms;
	wire_flush(&s->wire, s2sd_now_ms(d));
	wire_secure(&s->wire, &d->handshakes,
	    s->is_out ? client_of(s) : tls_new(d->tls, str_z(s->local)), s->is_out);
}
