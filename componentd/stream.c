/* The life of a component's connection from the accepted socket to its end, and its bytes on their way to the XML reader. The
 * diagram is in stream.h. */
#include "stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "edge/header.h"

#define LAST_WORD_MS 1000 /* for an alert of TLS, before the socket is closed */

void
stream_log(const struct stream *s, enum log_level level, const char *fmt, ...)
{
	char who[LOG_WHO_MAX];
	va_list ap;

	if (level < log_get_level())
		return;
	snprintf(who, sizeof(who), "%s %s", s->visitor.address, s->name ? s->name : "-");
	va_start(ap, fmt);
	log_about(level, s->number, who, fmt, ap);
	va_end(ap);
}

/* ---- in ---- */

static struct xml_limits
limits_of(const struct stream *s)
{
	const struct componentd_settings *set = componentd_settings(s->componentd);
	struct xml_limits l = limits_for_reader(&set->stanza);

	if (s->stage != STAGE_OPEN) {
		l.bytes = (size_t)set->preauth_bytes;
		l.elements = 8;
		l.depth = 4;
	}
	return l;
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	return proof_header(ctx, root);
}

static void stream_opened(struct stream *s);

static bool
on_element(void *ctx, const struct xml_element *e)
{
	struct stream *s = ctx;

	if (s->stage == STAGE_CLOSING)
		return false;
	if (str_is(e->name, "error") && str_is(e->ns, NS_STREAMS)) {
		stream_log(
		    s, LOG_INFO, "the component's stream error: %.*s", STR_ARG(e->child_name));
		stream_end(s, STREAM_OK, NULL);
		return false;
	}
	if (s->stage == STAGE_OPEN || s->stage == STAGE_LEAVING)
		return stanza_take(s, e);
	if (!proof_handshake(s, e))
		return false;
	stream_opened(s);
	return s->stage != STAGE_CLOSING;
}

static bool
on_close(void *ctx)
{
	stream_end(ctx, STREAM_OK, NULL);
	return false;
}

static const struct xml_events events = {.open = on_open, .element = on_element, .close = on_close};

static void
on_input(void *ctx, struct str bytes)
{
	struct stream *s = ctx;
	enum xml_error e;

	if (s->stage == STAGE_CLOSING)
		return;
	e = xml_reader_feed(s->reader, bytes, NULL);
	if (s->stage == STAGE_CLOSING)
		return;
	if (e != XML_OK)
		stream_end(s, header_error_of_xml(e), header_text_of_xml(e));
	else
		xml_reader_idle(s->reader);
}

static bool
on_may_read(void *ctx)
{
	struct stream *s = ctx;

	if (s->stage == STAGE_OPEN)
		wire_pause_without_credit(&s->wire);
	return s->stage != STAGE_CLOSING && s->wire.paused == 0;
}

static void
on_opened(void *ctx)
{
	struct stream *s = ctx;

	stream_log(s, LOG_DEBUG, "%s", tls_describe(s->wire.tls));
	s->stage = STAGE_HEADER;
}

static void
on_lost(void *ctx, const char *why)
{
	stream_lost(ctx, why);
}

static const struct wire_events wire_events = {
    .input = on_input, .may_read = on_may_read, .opened = on_opened, .lost = on_lost};

/* ---- beginning ---- */

static const struct conn_methods methods;

void
stream_new(const struct gate *g, int fd, const struct visitor *v)
{
	struct componentd *d = g->edge;
	const struct componentd_settings *settings = componentd_settings(d);
	struct conn *conn = conn_new(d->daemon->loop, fd, &methods, sizeof(struct stream));
	struct stream *s = conn_user(conn);
	struct xml_limits limits;

	s->componentd = d;
	s->conn = conn;
	s->number = ++d->last_number;
	s->visitor = *v;
	door_limit_silence(&d->door, fd);
	conn_set_patient(conn, true);
	s->listener_tls = g->tls;
	s->id = id_random();
	s->deadline_ms = componentd_now_ms(d) + (uint64_t)settings->handshake_seconds * 1000;
	list_init(&s->link);
	list_init(&s->fresh);
	list_init(&s->unwritten);
	wire_init(&s->wire, &d->wires, conn, &wire_events, s);
	s->wire.is_secret = true;
	s->stage = g->tls == LISTENER_DIRECT ? STAGE_HANDSHAKE : STAGE_HEADER;
	limits = limits_of(s);
	s->reader = xml_reader_new(&events, s, S(NS_COMPONENT), &limits);
	list_add(&d->strangers, &s->link);
	d->n_streams++;
	stream_log(s, LOG_DEBUG, "connected");
	if (g->tls == LISTENER_DIRECT)
		wire_secure(&s->wire, &d->handshakes, tls_new(d->tls, S("")), false);
}

/* It has proved who it is. What waited for it comes right behind our answer. */
static void
stream_opened(struct stream *s)
{
	struct xml_limits limits;
	struct component *c = component_find(s->componentd, str_z(s->name));

	if (!c) {
		stream_end(s, STREAM_HOST_GONE, NULL);
		return;
	}
	if (!component_enter(c, s)) {
		stream_end(s, STREAM_CONFLICT, "the component is connected already");
		return;
	}
	s->component = c;
	s->stage = STAGE_OPEN;
	s->since_us = clock_wall_us();
	s->wire.is_secret = false;
	conn_set_patient(s->conn, false);
	door_leave(&s->componentd->door, &s->visitor);
	limits = limits_of(s);
	xml_reader_set_limits(s->reader, &limits);
	xml_reader_share(s->reader, s->componentd->readers);
	wire_write(&s->wire, S("<handshake/>"));
	s->said_ms = componentd_now_ms(s->componentd);
	stream_log(s, LOG_INFO, "the component is there%s", s->wire.tls ? ", by TLS" : "");
	component_pump(c);
	links_tell_up(s->componentd, str_z(s->name), &s->id);
}

/* ---- end ---- */

/* Everybody forgets the stream. What the kernel has not taken of its stanzas is for another one to write: this one may not do it too. */
static void
stream_leave(struct stream *s)
{
	struct componentd *d = s->componentd;
	struct component *c = s->component;

	s->stage = STAGE_CLOSING;
	wire_leave(&s->wire);
	door_leave(&d->door, &s->visitor);
	list_remove(&s->fresh);
	if (c) {
		stream_settle(s);
		if (!list_empty(&s->unwritten))
			conn_abort(s->conn);
		s->component = NULL;
		component_leave(c, s);
	}
	list_remove(&s->link);
	list_add(&d->closing, &s->link);
}

/* The last that we say; false: the connection has broken meanwhile. */
static bool
say_the_end(struct stream *s, enum stream_error error, const char *text)
{
	struct buf *out = wire_out(&s->wire);

	if (error != STREAM_OK)
		stream_log(s, LOG_INFO, "stream error %s%s%s", stream_error_name(error),
		    text ? ": " : "", text ? text : "");
	else
		stream_log(s, LOG_INFO, "stream closed");
	if (s->stage != STAGE_HANDSHAKE) {
		if (!s->has_header)
			proof_send_header(s);
		if (error != STREAM_OK)
			header_write_error(out, error, text, LANG_EN);
		buf_add_z(out, "</stream:stream>");
	}
	wire_flush(&s->wire, componentd_now_ms(s->componentd));
	if (s->stage == STAGE_CLOSING)
		return false;
	stream_mark(s);
	return true;
}

void
stream_end(struct stream *s, enum stream_error error, const char *text)
{
	if (s->stage == STAGE_CLOSING || (s->stage != STAGE_LEAVING && !say_the_end(s, error, text)))
		return;
	wire_bye(&s->wire);
	conn_close(s->conn, (unsigned)componentd_settings(s->componentd)->linger_seconds * 1000);
	stream_leave(s);
}

void
stream_farewell(struct stream *s)
{
	int64_t linger_seconds = componentd_settings(s->componentd)->linger_seconds;

	if (!say_the_end(s, STREAM_SYSTEM_SHUTDOWN, NULL))
		return;
	s->stage = STAGE_LEAVING;
	s->deadline_ms = componentd_now_ms(s->componentd) + (uint64_t)linger_seconds * 1000;
}

void
stream_lost(struct stream *s, const char *why)
{
	if (s->stage == STAGE_CLOSING)
		return;
	stream_log(s, LOG_INFO, "connection ended: %s", why);
	wire_bye(&s->wire);
	conn_close(s->conn, LAST_WORD_MS);
	stream_leave(s);
}

/* ---- the socket's methods ---- */

static void
on_bytes(struct conn *conn, struct str bytes)
{
	struct stream *s = conn_user(conn);

	if (s->stage == STAGE_CLOSING)
		return;
	if (s->stage == STAGE_OPEN)
		wire_pause_without_credit(&s->wire);
	wire_feed(&s->wire, bytes);
	if (s->component)
		wire_pause_without_credit(&s->wire);
}

static void
on_flushed(struct conn *conn)
{
	struct stream *s = conn_user(conn);

	wire_flushed(&s->wire);
	if (s->component)
		stream_settle(s);
}

static void
on_closed(struct conn *conn, int error)
{
	struct stream *s = conn_user(conn);
	struct componentd *d = s->componentd;

	if (s->stage != STAGE_CLOSING) {
		stream_log(
		    s, LOG_INFO, "connection ended by the component%s", error ? ", broken" : "");
		stream_leave(s);
	}
	list_remove(&s->link);
	wire_deinit(&s->wire);
	xml_reader_free(&s->reader);
	free(s->name);
	d->n_streams--;
	componentd_stream_gone(d);
}

static const struct conn_methods methods = {
    .input = on_bytes, .flushed = on_flushed, .closed = on_closed};
