/* The life of a client from the accepted socket to its end. The diagram is in client.h. */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "negotiate.h"
#include "session.h"

#define LAST_WORD_MS 1000 /* for an alert of TLS, before the socket is closed */
#define SHARE_BYTES \
	(16 * 1024) /* of a turn: a flood comes in pieces, and others' stanzas between them */

void
client_log(const struct client *c, enum log_level level, const char *fmt, ...)
{
	const char *jid = c->session ? c->session->jid : c->nego ? c->nego->jid : NULL;
	char who[LOG_WHO_MAX];
	va_list ap;

	if (level < log_get_level())
		return;
	snprintf(who, sizeof(who), "%s %s", c->visitor.address, jid ? jid : "-");
	va_start(ap, fmt);
	log_about(level, c->number, who, fmt, ap);
	va_end(ap);
}

/* ---- output ---- */

/* sessiond sends no more than its window for a session, so an honest one never comes near the bound. */
void
client_touch(struct client *c)
{
	wire_touch(&c->wire);
	if (wire_queued(&c->wire) > (size_t)c2sd_settings(c->c2sd)->out_bytes)
		client_lost(c, "it does not read what it is sent");
}

void
client_write(struct client *c, struct str bytes)
{
	buf_add_str(wire_out(&c->wire), bytes);
	client_touch(c);
}

/* ---- beginning ---- */

static void
client_init_lists(struct client *c)
{
	list_init(&c->link);
	shaped_init(&c->shaped);
	list_init(&c->away);
	waiting_init(&c->waiting);
}

void
client_new(const struct gate *g, int fd, const struct visitor *v)
{
	struct c2sd *d = g->edge;
	struct conn *conn = conn_new(d->daemon->loop, fd, &client_methods, sizeof(struct client));
	struct client *c = conn_user(conn);
	struct xml_limits limits;

	client_init_lists(c);
	wire_init(&c->wire, &d->wires, conn, &client_wire, c);
	c->wire.is_secret = true;
	c->c2sd = d;
	c->conn = conn;
	conn_set_share(conn, SHARE_BYTES);
	conn_set_patient(conn, true);
	c->number = ++d->last_number;
	c->listener_tls = g->tls;
	c->asks_certificate = g->certificates;
	c->speaks = (enum lang)c2sd_settings(d)->language;
	c->visitor = *v;
	c->nego = NEW(struct negotiation);
	c->nego->client = c;
	wheel_node_init(&c->nego->due);
	list_init(&c->nego->server);
	c->nego->deadline_ms = c2sd_now_ms(d) + (uint64_t)c2sd_settings(d)->preauth_seconds * 1000;
	limits = stream_limits(c);
	c->reader = xml_reader_new(&stream_events, c, S("jabber:client"), &limits);
	d->n_clients++;
	list_add(&d->preauth, &c->link);
	client_set_state(c, g->servers ? CLIENT_UNKNOWN : CLIENT_HEADER);
	client_log(c, LOG_DEBUG, "connected");
	if (g->tls == LISTENER_DIRECT)
		handshake_begin(c);
}

void
client_set_state(struct client *c, enum client_state state)
{
	c->state = state;
	if (c->nego)
		client_set_deadline(c, c->nego->deadline_ms);
}

void
client_set_deadline(struct client *c, uint64_t ms)
{
	wheel_put(&c->c2sd->deadlines, &c->nego->due, ms);
}

static void
negotiation_free(struct negotiation **np)
{
	struct negotiation *n = *np;

	*np = NULL;
	if (!n)
		return;
	wheel_remove(&n->due);
	list_remove(&n->server);
	buf_deinit_secret(&n->first);
	free(n->domain);
	free(n->said);
	free(n->jid);
	free(n->bind_id);
	free(n->previd);
	free(n);
}

void
client_has_session(struct client *c, struct session *s)
{
	c->session = s;
	s->client = c;
	c->is_admin = suite_is_admin(&c->c2sd->daemon->suite, jid_split(str_z(s->jid)).bare);
	negotiation_free(&c->nego);
	door_leave(&c->c2sd->door, &c->visitor);
	client_set_state(c, CLIENT_SESSION);
	c->wire.is_secret = false;
	conn_set_patient(c->conn, false);
	c->heard_ms = c2sd_now_ms(c->c2sd);
	xml_reader_share(c->reader, c->c2sd->readers);
	xml_reader_idle(c->reader);
	list_remove(&c->link);
	list_add(&c->c2sd->bound, &c->link);
}

/* ---- end ---- */

/* Everybody forgets the client. Its output is still written. */
static void
client_leave(struct client *c, bool clean)
{
	sasl_forget(c);
	bind_forget(c);
	wire_leave(&c->wire);
	if (c->session)
		session_close(c->session, clean);
	door_leave(&c->c2sd->door, &c->visitor);
	negotiation_free(&c->nego);
	waiting_clear(&c->waiting);
	list_remove(&c->away);
	shaped_forget(&c->shaped);
	list_remove(&c->link);
	list_add(&c->c2sd->closing, &c->link);
	client_set_state(c, CLIENT_CLOSING);
}

void
client_end(struct client *c, enum stream_error error, const char *text)
{
	bool has_stream = !c->wire.handshake;

	if (c->state == CLIENT_CLOSING)
		return;
	if (error != STREAM_OK)
		client_log(c, LOG_INFO, "stream error %s%s%s", stream_error_name(error),
		    text ? ": " : "", text ? text : "");
	else
		client_log(c, LOG_DEBUG, "stream closed");
	if (has_stream)
		stream_send_end(c, error, text);
	if (c->state == CLIENT_CLOSING)
		return;
	client_leave(c, error == STREAM_OK);
	wire_flush(&c->wire, c2sd_now_ms(c->c2sd));
	/* A shut down may find the TLS session failed; then the alert is what is left to say. */
	wire_bye(&c->wire);
	conn_close(c->conn, (unsigned)c2sd_settings(c->c2sd)->linger_seconds * 1000);
}

void
client_lost(struct client *c, const char *why)
{
	if (c->state == CLIENT_CLOSING)
		return;
	client_log(c, LOG_INFO, "connection ended: %s", why);
	client_leave(c, false);
	wire_bye(&c->wire);
	conn_close(c->conn, LAST_WORD_MS);
}

void
client_is_taken(struct client *c)
{
	client_leave(c, false);
	conn_abort(c->conn);
}

static void
client_deinit(struct client *c)
{
	list_remove(&c->link);
	wire_deinit(&c->wire);
	xml_reader_free(&c->reader);
	free(c->lang);
}

/* ---- the socket's methods ---- */

static void
on_input(struct conn *conn, struct str bytes)
{
	client_input(conn_user(conn), bytes);
}

static void
on_flushed(struct conn *conn)
{
	struct client *c = conn_user(conn);

	wire_flushed(&c->wire);
	if (!c->session || wire_queued(&c->wire) > 0)
		return;
	c->session->written = c->session->k;
	report_news(c->session);
}

static void
on_closed(struct conn *conn, int error)
{
	struct client *c = conn_user(conn);
	struct c2sd *d = c->c2sd;

	if (c->state != CLIENT_CLOSING) {
		client_log(c, LOG_INFO, "connection ended by the peer%s", error ? ", broken" : "");
		client_leave(c, false);
	}
	client_deinit(c);
	d->n_clients--;
	c2sd_client_gone(d);
}

const struct conn_methods client_methods = {
    .input = on_input, .flushed = on_flushed, .closed = on_closed};
