/* One connection: a GnuTLS session between buffers. The caller says with each call which buffers are the wire
 * (`in`, `out`); GnuTLS reads and writes them through on_pull and on_push and never sees a socket. What GnuTLS has
 * to say when there is no `out` (an alert while reading, the answer to a KeyUpdate) waits in `late` for the next
 * call that has one.
 *
 * A connection belongs to one thread at a time: to a worker during tls_handshake, to the loop afterwards.
 *
 *   HANDSHAKE --tls_handshake--> OPEN --close_notify--> CLOSED      (the peer is done; we may still write)
 *       \------------- any error, renegotiation ---------> FAILED    (final) */

#include "tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/source.h"
#include "tls/context.h"
#include "tls/peer.h"
#include "tls/session.h"

#define HANDSHAKE_MAX (64 * 1024)         /* bytes from the peer (INV-15) */
#define HANDSHAKE_MESSAGE_MAX (16 * 1024) /* one message of it */
#define SERVER_MESSAGE_MAX (48 * 1024)    /* of a server, which may name all its CAs */
#define SNI_MAX 256

static ssize_t
on_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct tls *s = ptr;
	size_t n = s->in == NULL ? 0 : buf_len(s->in);

	if (n > size)
		n = size;
	if (s->state == TLS_HANDSHAKE && s->handshake_bytes + n > HANDSHAKE_MAX) {
		gnutls_transport_set_errno(s->session, EMSGSIZE);
		return -1;
	}
	if (n == 0) {
		gnutls_transport_set_errno(s->session, EAGAIN);
		return -1;
	}
	s->handshake_bytes += n;
	assert(s->in->data != NULL);
	memcpy(data, buf_str(s->in).p, n);
	buf_consume(s->in, n);
	return (ssize_t)n;
}

static ssize_t
on_push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
	struct tls *s = ptr;

	buf_add(s->out != NULL ? s->out : &s->late, data, size);
	return (ssize_t)size;
}

/* GnuTLS's own would poll a socket. */
static int
on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	const struct tls *s = ptr;

	(void)ms;
	return s->in != NULL && buf_len(s->in) > 0;
}

static void
enter(struct tls *s, struct buf *in, struct buf *out)
{
	s->in = in;
	s->out = out;
	if (out != NULL && buf_len(&s->late) > 0) {
		buf_add_str(out, buf_str(&s->late));
		buf_deinit(&s->late);
	}
}

static enum tls_state
leave(struct tls *s)
{
	s->in = s->out = NULL;
	return s->state;
}

/* A resumed session shows no certificate, so where those are asked for there is none. */
static void
setup_tickets(struct tls *s)
{
	uint8_t key[TLS_TICKET_KEY_SIZE];
	gnutls_datum_t datum = {.data = key, .size = sizeof key};

	if (s->verifies)
		return;
	pthread_mutex_lock(&s->context->lock);
	bool on = s->context->has_ticket_key;
	memcpy(key, s->context->ticket_key, sizeof key);
	pthread_mutex_unlock(&s->context->lock);
	if (on)
		gnutls_session_ticket_enable_server(s->session, &datum);
	s->gives_ticket = on;
	gnutls_memset(key, 0, sizeof key);
}

/* MANDATORY refuses a client that offers only other protocols; one that offers none is let in (RFC 7301). A server that
 * chooses none is let be. */
static void
setup_alpn(struct tls *s, const char *alpn, unsigned flags)
{
	if (alpn != NULL) {
		gnutls_datum_t name = {
		    .data = (unsigned char *)alpn, .size = (unsigned)strlen(alpn)};
		gnutls_alpn_set_protocols(s->session, &name, 1, flags);
	}
}

static void
setup_session(struct tls *s, unsigned flags)
{
	int rc = gnutls_init(&s->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (rc < 0)
		bug("gnutls_init: %s", gnutls_strerror(rc));
	gnutls_session_set_ptr(s->session, s);
	gnutls_transport_set_ptr(s->session, s);
	gnutls_transport_set_pull_function(s->session, on_pull);
	gnutls_transport_set_pull_timeout_function(s->session, on_pull_timeout);
	gnutls_transport_set_push_function(s->session, on_push);
	gnutls_priority_set(s->session, s->context->priority);
	gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->context->credentials);
}

static struct tls *
new_of(struct tls_context *t)
{
	struct tls *s = NEW(struct tls);

	s->context = t;
	list_init(&s->watched);
	return s;
}

static struct tls *
new_server(struct tls_context *t, struct str domain, bool verifies)
{
	struct tls *s = new_of(t);

	s->verifies = verifies;
	s->domain = str_empty(domain) ? NULL : tls_name_new(domain);
	setup_session(s, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET);
	gnutls_certificate_server_set_request(
	    s->session, verifies ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
	gnutls_handshake_set_max_packet_length(s->session, HANDSHAKE_MESSAGE_MAX);
	setup_alpn(s, t->alpn, GNUTLS_ALPN_MANDATORY);
	setup_tickets(s);
	return s;
}

struct tls *
tls_new(struct tls_context *t, struct str domain)
{
	return new_server(t, domain, t->verifies_peers);
}

struct tls *
tls_new_asking(struct tls_context *t, struct str domain)
{
	struct tls *s = new_server(t, domain, true);

	s->peer.purpose = GNUTLS_KP_TLS_WWW_CLIENT;
	return s;
}

/* RFC 6066 §3: an address is no server name. */
static void
setup_sni(struct tls *s, struct str domain)
{
	struct source address;
	char *name;

	if (domain.p[0] == '[' || source_parse(domain, &address))
		return;
	name = tls_name_new(domain);
	gnutls_server_name_set(s->session, GNUTLS_NAME_DNS, name, strlen(name));
	free(name);
}

struct tls *
tls_new_client(struct tls_context *t, const struct tls_client *c)
{
	struct tls *s = new_of(t);

	s->is_client = true;
	s->verifies = t->verifies_peers;
	s->domain = str_empty(c->own) ? NULL : tls_name_new(c->own);
	s->wanted = peer_wanted_new(c);
	setup_session(s, GNUTLS_CLIENT | GNUTLS_NO_TICKETS);
	gnutls_handshake_set_max_packet_length(s->session, SERVER_MESSAGE_MAX);
	if (!str_empty(c->domain))
		setup_sni(s, c->domain);
	setup_alpn(s, c->alpn, 0);
	return s;
}

void
tls_free(struct tls **sp)
{
	struct tls *s = *sp;

	if (s == NULL)
		return;
	tls_unwatch(s);
	gnutls_deinit(s->session);
	tls_chain_unref(&s->chain);
	peer_wanted_free(&s->wanted);
	peer_deinit(&s->peer);
	buf_deinit(&s->late);
	free(s->domain);
	free(s->sni);
	free(s);
	*sp = NULL;
}

/* Reads what the client asked for; it is there once its hello was read. */
static void
note_sni(struct tls *s)
{
	char name[SNI_MAX];
	size_t size = sizeof name;
	unsigned type;

	if (s->sni == NULL && gnutls_server_name_get(s->session, name, &size, &type, 0) == 0 &&
	    type == GNUTLS_NAME_DNS)
		s->sni = tls_name_new(str_z(name));
}

struct tls_chain *
tls_choose_chain(struct tls *s)
{
	if (s->is_client) {
		if (s->chain == NULL && s->domain != NULL)
			s->chain = tls_context_find(s->context, s->domain);
		return s->chain;
	}
	note_sni(s);
	if (s->chain == NULL)
		s->chain = tls_context_pick(s->context, s->sni, s->domain);
	if (s->chain == NULL)
		err_set(tls_sign_reason, "no certificate has come from keyd yet");
	return s->chain;
}

static const char *
known(const char *name)
{
	return name != NULL ? name : "?";
}

static void
verify_peer(struct tls *s)
{
	struct trust *trust = tls_context_trust(s->context, &s->trust_number);

	peer_verify(&s->peer, s->session, trust, s->wanted);
	trust_unref(&trust);
}

/* One, and not two as GnuTLS would: a client of XMPP comes back with one connection. */
static void
send_ticket(struct tls *s)
{
	if (s->gives_ticket && tls_is_13(s))
		gnutls_session_ticket_send(s->session, 1, 0);
}

static void
established(struct tls *s)
{
	gnutls_session_t g = s->session;

	if (!s->is_client)
		note_sni(s);
	if (s->verifies)
		verify_peer(s);
	send_ticket(s);
	s->resumed = gnutls_session_is_resumed(g) != 0;
	snprintf(s->description, sizeof s->description, "%s %s %s%s",
	    known(gnutls_protocol_get_name(gnutls_protocol_get_version(g))),
	    known(gnutls_group_get_name(gnutls_group_get(g))),
	    known(gnutls_cipher_get_name(gnutls_cipher_get(g))), s->resumed ? " resumed" : "");
	s->state = TLS_OPEN;
}

/* Ends the connection for the error rc: tells the peer by an alert, and the caller by *err. */
static void
fail(struct tls *s, int rc, const char *what, struct err *err)
{
	s->state = TLS_FAILED;
	if (rc == GNUTLS_E_REHANDSHAKE)
		gnutls_alert_send(s->session, GNUTLS_AL_FATAL, GNUTLS_A_NO_RENEGOTIATION);
	else if (rc != GNUTLS_E_FATAL_ALERT_RECEIVED)
		gnutls_alert_send_appropriate(s->session, rc);
	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		err_set(err, "%s: the peer's alert: %s", what,
		    known(gnutls_alert_get_name(gnutls_alert_get(s->session))));
	else if (rc == GNUTLS_E_PULL_ERROR)
		err_set(err, "%s: over %d bytes", what, HANDSHAKE_MAX);
	else
		err_set(err, "%s: %s", what, gnutls_strerror(rc));
}

enum tls_state
tls_handshake(struct tls *s, struct buf *in, struct buf *out, struct err *err)
{
	struct err reason = {0};
	int rc;

	if (s->state != TLS_HANDSHAKE)
		return s->state;
	enter(s, in, out);
	tls_sign_reason = &reason;
	do
		rc = gnutls_handshake(s->session);
	while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
	tls_sign_reason = NULL;
	if (rc == 0)
		established(s);
	else if (rc != GNUTLS_E_AGAIN)
		fail(s, rc, "TLS handshake", err);
	if (s->state == TLS_FAILED && reason.text[0] != '\0')
		err_set(err, "TLS handshake: %s", reason.text);
	return leave(s);
}

bool
tls_handshake_is_light(const struct tls *s)
{
	return !s->is_client && s->chain != NULL && !s->verifies && tls_is_13(s);
}

/* How much plain text can come of what is there, at the most. */
static size_t
readable(const struct tls *s, size_t max)
{
	size_t n = buf_len(s->in) + gnutls_record_check_pending(s->session);

	return n < max ? n : max;
}

/* One read; false when there is nothing more to be had. GnuTLS says AGAIN also after a record that held no data
 * (KeyUpdate), so only input that stops shrinking is an end. */
static bool
read_once(struct tls *s, struct buf *plain, size_t *max, struct err *err)
{
	size_t n = readable(s, *max), before = buf_len(s->in);

	if (n == 0)
		return false;
	ssize_t rc = gnutls_record_recv(s->session, buf_reserve(plain, n), n);
	if (rc > 0) {
		buf_commit(plain, (size_t)rc);
		*max -= (size_t)rc;
	} else if (rc == 0) {
		s->state = TLS_CLOSED;
	} else if (rc == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal((int)rc)) {
		fail(s, (int)rc, "TLS", err);
	} else {
		return buf_len(s->in) < before;
	}
	return s->state == TLS_OPEN;
}

enum tls_state
tls_read(struct tls *s, struct buf *in, struct buf *plain, size_t max, struct err *err)
{
	if (s->state != TLS_OPEN)
		return s->state;
	enter(s, in, NULL);
	while (read_once(s, plain, &max, err))
		;
	return leave(s);
}

enum tls_state
tls_write(struct tls *s, struct str plain, struct buf *out, struct err *err)
{
	if (s->state != TLS_OPEN && s->state != TLS_CLOSED)
		return s->state;
	enter(s, NULL, out);
	while (plain.n > 0 && s->state != TLS_FAILED) {
		ssize_t rc = gnutls_record_send(s->session, plain.p, plain.n);
		if (rc > 0)
			plain = str_from(plain, (size_t)rc);
		else if (gnutls_error_is_fatal((int)rc))
			fail(s, (int)rc, "TLS", err);
	}
	return leave(s);
}

void
tls_bye(struct tls *s, struct buf *out)
{
	enter(s, NULL, out);
	if (s->state == TLS_OPEN || s->state == TLS_CLOSED)
		gnutls_bye(s->session, GNUTLS_SHUT_WR);
	leave(s);
}

size_t
tls_pending(const struct tls *s)
{
	return gnutls_record_check_pending(s->session);
}
