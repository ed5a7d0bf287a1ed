/* The life of a stream from the socket to its end. The diagram is in stream.h. */
#include "stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "base/mem.h"
#include "names.h"
#include "pair.h"
#include "proof.h"
#include "verification.h"
#include "negotiate.h"

#define SHARE_BYTES \
	(64 * 1024)       /* of a turn: a peer speaks for many, and others have their turn too */
#define LAST_WORD_MS 1000 /* for an alert of TLS, before the socket is closed */

static const struct wire_events wire_events;
static const struct conn_methods conn_methods;
static void on_input(struct conn *conn, struct str bytes);

void
stream_log(const struct stream *s, enum log_level level, const char *fmt, ...)
{
	char who[LOG_WHO_MAX];
	va_list ap;

	if (level < log_get_level())
		return;
	snprintf(who, sizeof(who), "%s %s %s (%s)", s->local ? s->local : "-",
	    s->is_out ? "to" : "from", s->remote ? s->remote : "-", s->visitor.address);
	va_start(ap, fmt);
	log_about(level, s->number, who, fmt, ap);
	va_end(ap);
}

enum policy
stream_policy(const struct stream *s)
{
	return policy_of(s2sd_settings(s->s2sd), str_z(s->local), str_z(s->remote));
}

/* ---- beginning ---- */

static struct xml_limits
limits_of(const struct s2sd *d, bool is_known)
{
	const struct s2sd_settings *s = s2sd_settings(d);

	return limits_for_reader(is_known ? &s->stanza : &s->stranger);
}

static struct stream *
stream_new(struct s2sd *d, int fd)
{
	struct conn *conn = conn_new(d->daemon->loop, fd, &conn_methods, sizeof(struct stream));
	struct stream *s = conn_user(conn);
	struct xml_limits limits = limits_of(d, false);

	s->s2sd = d;
	s->number = ++d->last_number;
	s->origin = id_random();
	s->heard_ms = s->used_ms = s->taken_ms = s2sd_now_ms(d);
	list_init(&s->link);
	shaped_init(&s->shaped);
	list_init(&s->fresh);
	wheel_node_init(&s->due);
	list_init(&s->proofs);
	list_init(&s->sent);
	sm_init(&s->sm);
	s->reader = xml_reader_new(&stream_events, s, S(NS_SERVER), &limits);
	conn_set_share(conn, SHARE_BYTES);
	wire_init(&s->wire, &d->wires, conn, &wire_events, s);
	d->n_streams++;
	return s;
}

void
stream_accept(const struct gate *g, int fd, const struct visitor *v)
{
	struct s2sd *d = g->edge;
	struct stream *s = stream_new(d, fd);

	door_limit_silence(&d->door, fd);
	conn_set_patient(s->wire.conn, true);
	s->visitor = *v;
	s->is_direct = g->tls == LISTENER_DIRECT;
	wheel_put(&d->deadlines, &s->due,
	    s2sd_now_ms(d) + (uint64_t)s2sd_settings(d)->preauth_seconds * 1000);
	d->n_incoming++;
	list_add(&d->preauth, &s->link);
	stream_set_state(s, S2S_HEADER);
	stream_log(s, LOG_DEBUG, "connected");
	if (s->is_direct)
		starttls_handshake(s);
	if (!str_empty(g->read))
		on_input(s->wire.conn, g->read);
}

struct stream *
stream_connect(struct attempt *a, int fd)
{
	struct stream *s = stream_new(a->s2sd, fd);

	s->is_out = true;
	s->is_direct = a->target.is_direct_tls;
	s->attempt = a;
	s->local = str_dup(str_z(a->local));
	s->remote = str_dup(str_z(a->remote));
	str_copy(s->visitor.address, sizeof(s->visitor.address), str_z(a->target.address));
	list_add(&a->s2sd->open, &s->link);
	stream_set_state(s, S2S_HEADER);
	if (s->is_direct)
		starttls_handshake(s);
	else
		stream_send_header(s);
	return s;
}

void
stream_set_state(struct stream *s, enum stream_state state)
{
	s->state = state;
}

void
stream_is_known(struct stream *s)
{
	struct xml_limits limits = limits_of(s->s2sd, true);

	if (s->is_known)
		return;
	s->is_known = true;
	xml_reader_set_limits(s->reader, &limits);
	s->deadline_ms = 0;
	wheel_remove(&s->due);
	door_leave(&s->s2sd->door, &s->visitor);
	conn_set_patient(s->wire.conn, false);
	list_remove(&s->link);
	list_add(&s->s2sd->open, &s->link);
}

void
stream_write(struct stream *s, struct str bytes)
{
	buf_add_str(wire_out(&s->wire), bytes);
	stream_touch(s);
}

void
stream_touch(struct stream *s)
{
	wire_touch(&s->wire);
	if (wire_queued(&s->wire) > (size_t)s2sd_settings(s->s2sd)->out_bytes)
		stream_lost(s, "it does not read what it is sent");
}

/* ---- end ---- */

/* Everybody forgets the stream. Its output is still written. */
static void
stream_leave(struct stream *s, const char *why)
{
	struct s2sd *d = s->s2sd;
	struct attempt *a = s->attempt;

	why = s->reason[0] ? s->reason : why;
	stream_set_state(s, S2S_CLOSING);
	wheel_remove(&s->due);
	door_leave(&d->door, &s->visitor);
	LIST_FOREACH_SAFE(&s->proofs, it, nx)
		proof_free(CONTAINER_OF(it, struct proof, link));
	shaped_forget(&s->shaped);
	list_remove(&s->fresh);
	list_remove(&s->link);
	list_add(&d->closing, &s->link);
	wire_leave(&s->wire);
	sm_deinit(s);
	s->attempt = NULL;
	if (a)
		attempt_lost(a,
		    s->is_nobody_there ? SE_REMOTE_SERVER_NOT_FOUND : SE_REMOTE_SERVER_TIMEOUT,
		    s->is_restarting, why);
	if (s->verification)
		verification_lost(s->verification, why);
	pair_unlink(s, why);
}

void
stream_end(struct stream *s, enum stream_error error, const char *text)
{
	char why[300];

	if (s->state == S2S_CLOSING)
		return;
	snprintf(why, sizeof(why), "stream error %s%s%s", stream_error_name(error),
	    text ? ": " : "", text ? text : "");
	stream_log(s, error == STREAM_OK ? LOG_DEBUG : LOG_INFO, "%s",
	    error == STREAM_OK ? "stream closed" : why);
	if (!s->wire.handshake && s->state != S2S_HALF_CLOSED)
		stream_send_end(s, error, text);
	if (s->state == S2S_CLOSING)
		return;
	stream_leave(s, error == STREAM_OK ? "the stream was closed" : why);
	wire_flush(&s->wire, s2sd_now_ms(s->s2sd));
	wire_bye(&s->wire);
	conn_close(s->wire.conn, (unsigned)s2sd_settings(s->s2sd)->linger_seconds * 1000);
}

void
stream_lost(struct stream *s, const char *why)
{
	if (s->state == S2S_CLOSING)
		return;
	stream_log(s, LOG_INFO, "connection ended: %s", why);
	stream_leave(s, why);
	wire_bye(&s->wire);
	conn_close(s->wire.conn, LAST_WORD_MS);
}

/* ---- what comes: the wire's events ---- */

/* What stands behind <starttls/> or <proceed/> came in clear and must not be taken for what comes under TLS; nothing may stand behind
 * the element that ends a stream either (INV-9). */
static void
stopped(struct stream *s, struct str behind)
{
	if (!str_empty(str_trim(behind)))
		stream_end(s, STREAM_POLICY_VIOLATION, "data behind the end of a stream");
	else if (s->state == S2S_STARTTLS)
		starttls_handshake(s);
	else if (s->state == S2S_HEADER)
		stream_begin_again(s);
}

static void
on_plain(void *ctx, struct str bytes)
{
	struct stream *s = ctx;
	size_t used = bytes.n;
	enum xml_error e;

	if (s->state == S2S_CLOSING || s->is_over_there)
		return;
	e = xml_reader_feed(s->reader, bytes, &used);
	if (s->state == S2S_CLOSING)
		return;
	if (e == XML_STOPPED)
		stopped(s, str_from(bytes, used));
	else if (e != XML_OK)
		stream_end(s, header_error_of_xml(e), header_text_of_xml(e));
	else
		xml_reader_idle(s->reader);
}

static bool
on_may_read(void *ctx)
{
	struct stream *s = ctx;

	if (s->state != S2S_CLOSING && s->is_known)
		wire_pause_without_credit(&s->wire);
	return s->state != S2S_CLOSING && s->wire.paused == 0;
}

static void
on_opened(void *ctx)
{
	struct stream *s = ctx;

	stream_log(s, LOG_DEBUG, "%s", tls_describe(s->wire.tls));
	tls_watch_peer(s->wire.tls, s);
	stream_begin_again(s);
}

static void
on_lost(void *ctx, const char *why)
{
	stream_lost(ctx, why);
}

static const struct wire_events wire_events = {
    .input = on_plain, .may_read = on_may_read, .opened = on_opened, .lost = on_lost};

/* ---- the socket's methods ---- */

static void
pause_if_fast(struct stream *s, size_t bytes)
{
	const struct shape_rate *rate = &s2sd_settings(s->s2sd)->rate;

	if (s->is_out || s->visitor.is_exempt || (s->wire.paused & PAUSE_SHAPE))
		return;
	if (shaper_take(&s->s2sd->shaper, &s->shaped, rate, bytes))
		wire_pause(&s->wire, PAUSE_SHAPE);
}

void
stream_resume_shaped(struct shaped *shaped)
{
	wire_resume(&CONTAINER_OF(shaped, struct stream, shaped)->wire, PAUSE_SHAPE);
}

static void
on_input(struct conn *conn, struct str bytes)
{
	struct stream *s = conn_user(conn);

	s->heard_ms = s2sd_now_ms(s->s2sd);
	if (s->state != S2S_CLOSING && s->is_known)
		wire_pause_without_credit(&s->wire);
	wire_feed(&s->wire, bytes);
	if (s->state == S2S_CLOSING || !s->is_known)
		return;
	wire_pause_without_credit(&s->wire);
	pause_if_fast(s, bytes.n);
}

static void
on_flushed(struct conn *conn)
{
	struct stream *s = conn_user(conn);

	wire_flushed(&s->wire);
	if (s->state != S2S_CLOSING)
		pair_written(s);
}

static void
on_closed(struct conn *conn, int error)
{
	struct stream *s = conn_user(conn);
	struct s2sd *d = s->s2sd;
	const char *why = error ? strerror(-error) : "closed by the other side";

	if (s->state != S2S_CLOSING) {
		stream_log(s, LOG_INFO, "connection ended: %s", why);
		s->is_restarting = true; /* for all we know */
		stream_leave(s, why);
	}
	list_remove(&s->link);
	xml_reader_free(&s->reader);
	wire_deinit(&s->wire);
	free(s->local);
	free(s->remote);
	free(s->id);
	free(s->lang);
	d->n_streams--;
	d->n_incoming -= !s->is_out;
	s2sd_stream_gone(d);
}

static const struct conn_methods conn_methods = {
    .input = on_input, .flushed = on_flushed, .closed = on_closed};
