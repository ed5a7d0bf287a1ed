/* A client's TLS handshake (edge/handshake.h): its socket is not read while a worker is busy with it. */
#include "base/log.h"
#include "negotiate.h"

static void
on_write(void *ctx, struct str bytes)
{
	conn_write(((struct client *)ctx)->conn, bytes);
}

static void
on_more(void *ctx)
{
	client_resume(ctx, PAUSE_ANSWER);
}

/* What came behind the handshake is the first of the stream. */
static void
on_open(void *ctx, struct tls *tls, struct str rest)
{
	struct client *c = ctx;

	client_log(c, LOG_DEBUG, "%s", tls_describe(tls));
	c->tls = tls;
	c->handshake = NULL;
	buf_add_str(&c->cipher, rest);
	client_set_state(c, CLIENT_HEADER);
	stream_restart(c);
	client_resume(c, PAUSE_ANSWER);
}

static void
on_failed(void *ctx, const char *why)
{
	client_lost(ctx, why);
}

static const struct handshake_events events = {
    .write = on_write, .more = on_more, .open = on_open, .failed = on_failed};

void
handshake_begin(struct client *c)
{
	struct c2sd *d = c->c2sd;
	const char *domain = c->nego->domain;
	uint64_t limit_ms = c2sd_now_ms(d) + (uint64_t)c2sd_settings(d)->tls_seconds * 1000;

	if (c->listener_tls != LISTENER_DIRECT) {
		client_write(c, S("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		client_flush(c);
	}
	c->handshake = handshake_new(
	    &d->handshakes, tls_new(d->tls, domain ? str_z(domain) : S("")), &events, c);
	client_set_state(c, CLIENT_HANDSHAKE);
	if (limit_ms < c->deadline_ms)
		c->deadline_ms = limit_ms;
}

void
handshake_input(struct client *c, struct str bytes)
{
	client_pause(c, PAUSE_ANSWER);
	handshake_feed(c->handshake, bytes);
}
