/* What time does to clients, four times a second: strangers over their deadline, sessions that are silent, sockets that take nothing. */
#include "alive.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "handover.h"
#include "negotiate.h"
#include "session.h"
#include "sm.h"
#include "tls/verify.h"

/* ---- until there is a session ---- */

static void
on_deadline(struct wheel_node *due, void *ctx)
{
	struct client *c = CONTAINER_OF(due, struct negotiation, due)->client;

	(void)ctx;
	if (c->state == CLIENT_SERVER)
		handover_give_up(c);
	else if (c->state == CLIENT_SASL_WAIT && c->nego->verdict)
		sasl_tell(c);
	else if (c->wire.handshake)
		client_lost(c, "no TLS within the time allowed");
	else
		client_end(c, STREAM_CONNECTION_TIMEOUT, "no session within the time allowed");
}

/* ---- sessions ---- */

static uint64_t
look_again_ms(const struct c2sd *d)
{
	return (uint64_t)c2sd_settings(d)->idle_seconds * 1000 / 8;
}

static void
look_at(struct client *c, uint64_t now_ms)
{
	const struct c2sd_settings *s = c2sd_settings(c->c2sd);
	uint64_t silent_ms =
	    c->wire.paused ? 0 : now_ms - c->heard_ms; /* who is not read is not silent */

	if (silent_ms >= (uint64_t)s->dead_seconds * 1000)
		client_end(c, STREAM_CONNECTION_TIMEOUT, "nothing was heard for too long");
	else if (silent_ms < (uint64_t)s->idle_seconds * 1000)
		c->is_pinged = false;
	else if (!c->is_pinged)
		alive_ask(c);
}

/* The list is in the order of the next looks, since each client is looked at after the same time again. */
static void
tick_bound(struct c2sd *d, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&d->bound, it, nx) {
		struct client *c = CONTAINER_OF(it, struct client, link);

		if (now_ms < c->look_ms)
			return;
		c->look_ms = now_ms + look_again_ms(d);
		list_remove(it);
		list_add(&d->bound, it);
		look_at(c, now_ms);
	}
}

/* ---- other servers ---- */

#define STUCK_MS 2000

/* Stanzas are acknowledged in their order, so one for a server that is not there holds up all behind it, which others have taken. Who waits
 * and sees nothing taken is not waiting for a slow server. */
static void
tick_away(struct c2sd *d, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&d->away, it, nx) {
		struct client *c = CONTAINER_OF(it, struct client, away);

		if (now_ms - c->away_ms < STUCK_MS)
			continue;
		session_forget_away(c->session);
		client_ease(c);
	}
}

/* ---- certificates ---- */

/* RFC 6120 §13.7.2.3 */
static void
on_lapsed(void *client, const char *why)
{
	struct client *c = client;

	client_log(c, LOG_INFO, "its certificate is not taken any more: %s", why);
	client_end(c, STREAM_RESET, "your certificate has expired, or was revoked");
}

void
c2sd_tick(void *c2sd)
{
	struct c2sd *d = c2sd;
	uint64_t now_ms = c2sd_now_ms(d);

	wheel_turn(&d->deadlines, now_ms, on_deadline, NULL);
	tick_bound(d, now_ms);
	tick_away(d, now_ms);
	tls_context_look_at_peers(d->tls, clock_wall_us() / 1000000, on_lapsed);
	handover_tick(d);
	wires_check_stalled(
	    &d->wires, now_ms, (uint64_t)c2sd_settings(d)->door.stall_seconds * 1000);
	sm_tick(d, now_ms);
	door_sweep(&d->door, now_ms);
	handshakes_submit_due(&d->handshakes);
	listen_resume(d);
}
