/* What a client sends: bytes from the socket through TLS to the XML reader, whose elements negotiate.c takes. Reading stops while
 * an answer is awaited, while sessiond's window is full, and when the client was too fast; what has come already
 * waits in the wire, or as elements in `waiting`. */
#include "base/log.h"
#include "client.h"
#include "edge/header.h"
#include "handover.h"
#include "negotiate.h"
#include "tls/verify.h"

/* ---- plain text ---- */

/* What stands behind <starttls/> came in clear and must not be taken for what comes under TLS (INV-9). */
static void
client_stopped(struct client *c, struct str behind)
{
	if (c->state == CLIENT_SERVER)
		handover_begin(c);
	if (c->state != CLIENT_HANDSHAKE)
		return;
	if (!str_empty(str_trim(behind)))
		client_end(c, STREAM_POLICY_VIOLATION, "data behind starttls");
	else
		handshake_begin(c);
}

/* While a client negotiates, its next element comes in milliseconds, or its deadline does: the reader gives nothing back until it has a
 * session (client_has_session). */
static void
client_feed(struct client *c, struct str bytes)
{
	size_t used = bytes.n;
	enum xml_error e;

	if (c->state == CLIENT_UNKNOWN && !handover_keep(c, bytes))
		return;
	e = xml_reader_feed(c->reader, bytes, &used);
	if (c->state == CLIENT_CLOSING)
		return;
	if (e == XML_STOPPED)
		client_stopped(c, str_from(bytes, used));
	else if (e != XML_OK)
		client_end(c, header_error_of_xml(e), header_text_of_xml(e));
	else if (c->state == CLIENT_SESSION)
		xml_reader_idle(c->reader);
}

/* ---- the wire ---- */

static void
on_input(void *ctx, struct str plain)
{
	client_feed(ctx, plain);
}

static bool
on_may_read(void *ctx)
{
	struct client *c = ctx;

	if (c->state == CLIENT_SESSION)
		wire_pause_without_credit(&c->wire);
	return c->state != CLIENT_CLOSING && c->wire.paused == 0;
}

static void
on_opened(void *ctx)
{
	struct client *c = ctx;

	client_log(c, LOG_DEBUG, "%s", tls_describe(c->wire.tls));
	tls_watch_peer(c->wire.tls, c);
	client_set_state(c, CLIENT_HEADER);
	stream_restart(c);
}

static void
on_lost(void *ctx, const char *why)
{
	client_lost(ctx, why);
}

const struct wire_events client_wire = {
    .input = on_input, .may_read = on_may_read, .opened = on_opened, .lost = on_lost};

/* ---- pauses ---- */

void
client_answered(struct client *c)
{
	if (!(c->wire.paused & PAUSE_ANSWER) || c->state == CLIENT_CLOSING)
		return;
	c->wire.paused &= ~(unsigned)PAUSE_ANSWER;
	if (!c->wire.is_feeding)
		negotiate_waiting(c);
	wire_read_on(&c->wire);
}

void
client_wait_for_others(struct client *c)
{
	if (c->wire.paused & PAUSE_AWAY)
		return;
	wire_pause(&c->wire, PAUSE_AWAY);
	c->away_ms = c2sd_now_ms(c->c2sd);
	list_add(&c->c2sd->away, &c->away);
}

void
client_ease(struct client *c)
{
	list_remove(&c->away);
	list_add(&c->c2sd->eased, &c->away);
}

static void
client_pause_if_fast(struct client *c, size_t bytes)
{
	struct c2sd *d = c->c2sd;

	if (c->visitor.is_exempt || c->is_admin || (c->wire.paused & PAUSE_SHAPE) ||
	    c->state == CLIENT_CLOSING)
		return;
	if (shaper_take(&d->shaper, &c->shaped, &c2sd_settings(d)->rate, bytes))
		wire_pause(&c->wire, PAUSE_SHAPE);
}

void
client_resume_shaped(struct shaped *shaped)
{
	wire_resume(&CONTAINER_OF(shaped, struct client, shaped)->wire, PAUSE_SHAPE);
}

/* ---- bytes from the socket ---- */

void
client_input(struct client *c, struct str bytes)
{
	if (c->state == CLIENT_CLOSING)
		return;
	c->heard_ms = c2sd_now_ms(c->c2sd);
	if (c->state == CLIENT_SESSION)
		wire_pause_without_credit(&c->wire);
	wire_feed(&c->wire, bytes);
	if (c->state != CLIENT_SESSION)
		return;
	wire_pause_without_credit(&c->wire);
	client_pause_if_fast(c, bytes.n);
}
