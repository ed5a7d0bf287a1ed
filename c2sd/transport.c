/* Bytes between the socket, TLS and XML. A handshake belongs to a worker while is_job_running, else everything is the loop's. */
#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "queue.h"
#include "session.h"

#define READ_MAX (64 * 1024) /* decrypted at once */

/* ---- in ---- */

static enum stream_error
error_of_xml(enum xml_error e)
{
	switch (e) {
	case XML_OK:
	case XML_STOPPED:
		return STREAM_OK;
	case XML_NOT_WELL_FORMED:
		return STREAM_NOT_WELL_FORMED;
	case XML_RESTRICTED:
		return STREAM_RESTRICTED_XML;
	case XML_UNSUPPORTED_ENCODING:
		return STREAM_UNSUPPORTED_ENCODING;
	case XML_BAD_PREFIX:
		return STREAM_BAD_NAMESPACE_PREFIX;
	case XML_TOO_BIG:
	case XML_TOO_COMPLEX:
		return STREAM_POLICY_VIOLATION;
	}
	return STREAM_INTERNAL_SERVER_ERROR;
}

void
client_feed(struct client *c, struct str bytes)
{
	size_t used = bytes.n;
	enum xml_error e = xml_reader_feed(c->reader, bytes, &used);

	if (c->state == CLIENT_CLOSING)
		return;
	if (e == XML_STOPPED && c->state == CLIENT_HANDSHAKE) {
		/* What stands behind <starttls/> came in clear and must not be taken for what comes under TLS (INV-9). */
		if (!str_empty(str_trim(str_from(bytes, used))))
			client_end(c, STREAM_POLICY_VIOLATION, "data behind starttls");
		return;
	}
	if (e != XML_OK) {
		client_end(c, error_of_xml(e), e == XML_TOO_BIG ? "stanza-too-big" : NULL);
		return;
	}
	xml_reader_idle(c->reader);
}

/* Goes on decrypting while there is something and the client may still be read. */
static void
client_decrypt(struct client *c)
{
	struct buf plain = {.data = NULL};
	struct err err = {.text = ""};
	enum tls_state state = TLS_OPEN;

	while (c->state != CLIENT_CLOSING && state == TLS_OPEN &&
	    (buf_len(&c->cipher) || tls_pending(c->tls))) {
		size_t before = buf_len(&c->cipher);

		state = tls_read(c->tls, &c->cipher, &plain, READ_MAX, &err);
		if (buf_len(&plain) == 0 && buf_len(&c->cipher) == before)
			break;
		if (buf_len(&plain))
			client_feed(c, buf_str(&plain));
		buf_clear(&plain);
	}
	buf_deinit_secret(&plain);
	buf_trim(&c->cipher);
	if (state == TLS_FAILED)
		client_log(c, LOG_INFO, "TLS: %s", err.text);
	if (state == TLS_CLOSED || state == TLS_FAILED)
		client_end(c, STREAM_CONNECTION_TIMEOUT, "TLS ended before the stream");
}

static void handshake_submit(struct client *c);

void
client_input(struct client *c, struct str bytes)
{
	switch (c->state) {
	case CLIENT_CLOSING:
		return;
	case CLIENT_HANDSHAKE:
		buf_add_str(&c->job_in, bytes);
		handshake_submit(c);
		return;
	case CLIENT_HEADER:
	case CLIENT_FEATURES:
	case CLIENT_SASL_WAIT:
	case CLIENT_SASL:
	case CLIENT_BIND:
	case CLIENT_BIND_WAIT:
	case CLIENT_SESSION:
	case CLIENT_STATE_COUNT:
		break;
	}
	if (!c->tls) {
		client_feed(c, bytes);
		return;
	}
	buf_add_str(&c->cipher, bytes);
	client_decrypt(c);
}

/* Whether more may be read now: not while an answer is awaited, not without credit. */
static bool
client_may_read(const struct client *c)
{
	return c->state != CLIENT_SASL_WAIT && c->state != CLIENT_BIND_WAIT && !c->is_job_running &&
	    bus_has_credit(c->c2sd->daemon->bus, ROLE_SESSIOND);
}

static void
client_pause_if_due(struct client *c)
{
	if (c->state == CLIENT_CLOSING || !c->conn || client_may_read(c))
		return;
	conn_pause(c->conn);
	if (c->state == CLIENT_SESSION && list_empty(&c->paused))
		list_add(&c->c2sd->paused, &c->paused);
}

/* A fast sender's socket is left alone until its bucket has room; the tick looks at it. */
static void
client_shape(struct client *c, size_t bytes)
{
	unsigned pause_ms = c->state == CLIENT_SESSION ? shape_take(c, bytes, clock_mono_us()) : 0;

	if (!pause_ms || !c->conn)
		return;
	conn_pause(c->conn);
	if (list_empty(&c->paused))
		list_add(&c->c2sd->paused, &c->paused);
}

static void
on_input(struct conn *conn, struct str bytes)
{
	struct client *c = *(struct client **)conn_user(conn);

	client_input(c, bytes);
	client_shape(c, bytes.n);
	client_pause_if_due(c);
}

void
client_go_on(struct client *c)
{
	struct xml_element *e;

	while (c->state != CLIENT_CLOSING && c->state != CLIENT_SASL_WAIT &&
	    c->state != CLIENT_BIND_WAIT && (e = queue_take(&c->waiting))) {
		client_element(c, e);
		queue_free_element(e);
	}
	if (c->state == CLIENT_CLOSING || !c->conn || !client_may_read(c))
		return;
	if (c->tls && buf_len(&c->cipher))
		client_decrypt(c);
	if (c->state != CLIENT_CLOSING && c->conn && client_may_read(c))
		conn_resume(c->conn);
}

/* ---- out ---- */

void
client_flush(struct client *c)
{
	struct err err = {.text = ""};

	list_remove(&c->dirty);
	if (!c->conn || c->is_job_running || buf_len(&c->plain) == 0)
		return;
	if (!c->tls) {
		conn_write(c->conn, buf_str(&c->plain));
	} else if (tls_write(c->tls, buf_str(&c->plain), conn_out(c->conn), &err) == TLS_FAILED) {
		client_log(c, LOG_INFO, "TLS: %s", err.text);
		buf_clear(&c->plain);
		client_end(c, STREAM_CONNECTION_TIMEOUT, NULL);
		return;
	}
	buf_clear(&c->plain);
	buf_trim(&c->plain);
	conn_kick(c->conn);
}

static void
on_flushed(struct conn *conn)
{
	struct client *c = *(struct client **)conn_user(conn);

	if (c->session)
		session_report_written(c);
}

static void
on_closed(struct conn *conn, int error)
{
	struct client *c = *(struct client **)conn_user(conn);

	c->conn = NULL;
	if (c->state != CLIENT_CLOSING) {
		client_log(c, LOG_DEBUG, "connection gone (%d)", error);
		client_end(c, STREAM_CONNECTION_TIMEOUT, "the connection is gone");
	}
	client_reap(c);
}

const struct conn_methods client_methods = {
    .input = on_input, .flushed = on_flushed, .closed = on_closed};

/* ---- handshake ---- */

static void
handshake_run(struct tls_job *job)
{
	struct client *c = CONTAINER_OF(job, struct client, job);

	c->job_state = tls_handshake(c->tls, &c->job_in, &c->job_out, &c->job_err);
}

/* What came behind the handshake is the first of the stream. */
static void
handshake_finished(struct client *c)
{
	client_log(c, LOG_DEBUG, "%s", tls_describe(c->tls));
	xml_reader_reset(c->reader);
	c->has_header = false;
	c->deadline_ms = c->preauth_deadline_ms;
	client_set_state(c, CLIENT_HEADER);
	buf_add_str(&c->cipher, buf_str(&c->job_in));
	buf_deinit(&c->job_in);
	buf_deinit(&c->job_out);
	client_decrypt(c);
}

static void
handshake_done(struct tls_job *job)
{
	struct client *c = CONTAINER_OF(job, struct client, job);

	c->is_job_running = false;
	if (c->conn && buf_len(&c->job_out)) {
		conn_write(c->conn, buf_str(&c->job_out));
		buf_clear(&c->job_out);
	}
	if (!c->conn || c->state == CLIENT_CLOSING) {
		client_reap(c);
		return;
	}
	if (c->job_state == TLS_OPEN) {
		handshake_finished(c);
	} else if (c->job_state != TLS_HANDSHAKE) {
		client_log(c, LOG_INFO, "TLS handshake: %s", c->job_err.text);
		client_end(c, STREAM_CONNECTION_TIMEOUT, NULL);
		return;
	}
	client_go_on(c);
}

static void
handshake_submit(struct client *c)
{
	if (c->is_job_running)
		return;
	c->job.run = handshake_run;
	c->job.done = handshake_done;
	c->is_job_running = true;
	if (tls_pool_submit(c->c2sd->pool, &c->job))
		return;
	c->is_job_running = false;
	client_end(c, STREAM_RESOURCE_CONSTRAINT, "too many handshakes");
}

void
client_start_tls(struct client *c)
{
	uint64_t now = loop_now_ms(c->c2sd->daemon->loop);
	uint64_t limit = now + (uint64_t)c2sd_settings(c->c2sd)->tls_seconds * 1000;

	if (limit < c->deadline_ms)
		c->deadline_ms = limit;
	client_flush(c);
	c->tls = tls_new(c->c2sd->tls, c->domain ? str_z(c->domain) : S(""));
	client_set_state(c, CLIENT_HANDSHAKE);
}
