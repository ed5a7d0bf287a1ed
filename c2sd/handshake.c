/* A client's TLS handshake (edge/wire.h). */
#include "negotiate.h"

void
handshake_begin(struct client *c)
{
	struct c2sd *d = c->c2sd;
	struct str domain = str_z(c->nego->domain);
	uint64_t limit_ms = c2sd_now_ms(d) + (uint64_t)c2sd_settings(d)->tls_seconds * 1000;

	if (c->listener_tls != LISTENER_DIRECT) {
		client_write(c, S("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		wire_flush(&c->wire, c2sd_now_ms(d));
	}
	wire_secure(&c->wire, &d->handshakes,
	    c->asks_certificate ? tls_new_asking(d->tls, domain) : tls_new(d->tls, domain), false);
	client_set_state(c, CLIENT_HANDSHAKE);
	if (limit_ms < c->nego->deadline_ms)
		client_set_deadline(c, limit_ms);
}
