/* s2sd from start to stop: what is opened with privilege, which threads there are, what a turn ends with. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "base/log.h"
#include "base/mem.h"
#include "ending.h"
#include "pair.h"

/* ---- what others ask ---- */

static bool
is_in(const char *const *names, size_t n, struct str domain)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(domain, names[i]))
			return true;
	return false;
}

bool
s2sd_is_local(const struct s2sd *d, struct str domain)
{
	const struct suite *s = &d->daemon->suite;

	return is_in(s->domains, s->n_domains, domain) ||
	    is_in(s->components, s->n_components, domain);
}

struct str
s2sd_secret(const struct s2sd *d, struct str local)
{
	struct str secret = policy_secret(s2sd_settings(d), local);

	return str_empty(secret) ? str_z(d->secret) : secret;
}

/* ---- with privilege ---- */

static struct s2sd *
s2sd_new(struct daemon *daemon)
{
	struct s2sd *d = NEW(struct s2sd);
	uint8_t secret[32];

	daemon->state = d;
	d->daemon = daemon;
	id_init();
	id_random_bytes(secret, sizeof(secret));
	sodium_bin2hex(d->secret, sizeof(d->secret), secret, sizeof(secret));
	secret_wipe(secret, sizeof(secret));
	door_init(&d->door);
	d->door.descriptors /= 2; /* the other half is for what we open ourselves */
	door_set(&d->door, &s2sd_settings(d)->door);
	handshakes_init(&d->handshakes);
	wires_init(&d->wires, links_have_credit, d);
	list_init(&d->preauth);
	wheel_init(&d->deadlines, TICK_MS, 0); /* there is no clock yet */
	list_init(&d->open);
	list_init(&d->closing);
	list_init(&d->attempts);
	shaper_init(&d->shaper, stream_resume_shaped);
	list_init(&d->fresh);
	return d;
}

/* The settings have checked their form; a host that is none is found out here. */
static void
set_routes(struct s2sd *d)
{
	const struct setting_strings *routes = &s2sd_settings(d)->routes;
	struct jid_buf buf;
	struct err err;

	dialer_route_clear(d->dialer);
	for (size_t i = 0; i < routes->n; i++) {
		struct str name, domain, target;

		str_split(str_z(routes->v[i]), ' ', &name, &target);
		if (jid_prepare_domain(&domain, &buf, name) &&
		    dialer_route_set(d->dialer, domain, target, &err) != 0)
			log_error("routes: \"%s\": %s", routes->v[i], err.text);
	}
}

static int
open_dialer(struct s2sd *d, struct err *err)
{
	struct listeners l = s2sd_listeners(d->daemon);
	struct dial_listener own[LISTENERS_MAX];
	struct dialer_settings s = {.resolver = s2sd_settings(d)->resolver,
	    .trust_anchor = s2sd_settings(d)->trust_anchor,
	    .validate = strcmp(s2sd_settings(d)->trust_anchor, "none") != 0,
	    .timeout_ms = (unsigned)s2sd_settings(d)->setup_ms,
	    .failure_ms = 1000,
	    .listeners = own,
	    .n_listeners = l.n};

	for (unsigned i = 0; i < l.n; i++)
		own[i] = (struct dial_listener){l.v[i].address, (uint16_t)l.v[i].port};
	d->dialer = dialer_new(&s, err);
	if (!d->dialer)
		return -1;
	set_routes(d);
	return 0;
}

/* In force for new streams; those that are there, and are not trusted by it, are ended by the next ticks. */
static void
set_trust(struct s2sd *d, struct trust *t)
{
	log_info("%u certificates of authorities", trust_count(t));
	tls_context_verify_peers(d->tls, t);
	trust_unref(&t);
}

static int
open_trust(struct s2sd *d, struct err *err)
{
	const struct s2sd_settings *s = s2sd_settings(d);
	struct trust *t = trust_new(s->ca_file, s->crl_file, err);

	if (!t)
		return -1;
	if (!*s->ca_file)
		d->system = trust_ref(t);
	set_trust(d, t);
	return 0;
}

/* ca_file and crl_file. */
int
s2sd_take_files(struct daemon *daemon, const struct str *texts, struct err *err)
{
	struct s2sd *d = daemon->state;
	struct trust *t;

	if (str_empty(texts[0]) && !d->system)
		return err_set(
		    err, "ca_file: the system's CAs are read at the start only; restart s2sd");
	t = trust_renew(d->system, texts[0], texts[1], err);
	if (!t)
		return -1;
	set_trust(d, t);
	return 0;
}

int
s2sd_open(struct daemon *daemon, struct err *err)
{
	struct s2sd *d = s2sd_new(daemon);

	if (listen_open(d, err) != 0 || open_dialer(d, err) != 0 || tls_global_init(err) != 0)
		return -1;
	d->tls = tls_context_new("xmpp-server");
	if (open_trust(d, err) != 0)
		return -1;
	certs_init(&d->certs, d->tls);
	return 0;
}

/* ---- threads ---- */

int
s2sd_threads(struct daemon *daemon, struct err *err)
{
	struct s2sd *d = daemon->state;

	handshakes_threads(&d->handshakes, daemon->loop);
	return dialer_threads(d->dialer, daemon->loop, err);
}

/* ---- before the stop ---- */

static bool
is_finishing(const struct s2sd *d)
{
	LIST_FOREACH(&d->open, it) {
		if (CONTAINER_OF(it, struct stream, link)->state == S2S_FINISHING)
			return true;
	}
	return false;
}

static bool
brings_stanzas(const struct stream *s, const void *ctx)
{
	(void)ctx;
	return !s->is_out || s->is_bidi;
}

static void
free_attempts(struct s2sd *d)
{
	struct pair *p, *next;

	HASH_ITER(hh, d->pairs, p, next)
		attempt_free(&p->attempt);
}

static void
drain_step(struct s2sd *d)
{
	if (d->run == S2SD_DRAINING && !is_finishing(d)) {
		d->run = S2SD_CLOSING;
		free_attempts(d);
		stream_finish_all(&d->open, STREAM_SYSTEM_SHUTDOWN, NULL, NULL);
	}
	if (d->run == S2SD_CLOSING && list_empty(&d->open))
		service_quit(d->daemon);
}

/* What comes for others now, and what they have not acknowledged at the end, comes to the next process: its custody is not let go.
 * What others have sent is answered first, or it would not be in custody, and come again. */
bool
s2sd_drain(struct daemon *daemon)
{
	struct s2sd *d = daemon->state;

	d->run = S2SD_DRAINING;
	listen_stop(d);
	stream_finish_all(&d->preauth, STREAM_SYSTEM_SHUTDOWN, NULL, NULL);
	stream_finish_all(&d->open, STREAM_SYSTEM_SHUTDOWN, brings_stanzas, NULL);
	drain_step(d);
	return d->run != S2SD_CLOSING || !list_empty(&d->open);
}

/* ---- start, reload ---- */

static void
on_turn(void *ctx)
{
	struct s2sd *d = ctx;

	wires_turn(&d->wires, s2sd_now_ms(d));
	while (!list_empty(&d->fresh))
		pair_mark(CONTAINER_OF(d->fresh.next, struct stream, fresh));
	if (d->run == S2SD_DRAINING || d->run == S2SD_CLOSING)
		drain_step(d);
}

int
s2sd_start(struct daemon *daemon, struct err *err)
{
	struct s2sd *d = daemon->state;

	(void)err;
	listen_start(d);
	d->hook = loop_hook_new(daemon->loop, on_turn, d);
	d->tick = loop_timer_new(daemon->loop, s2sd_tick, d);
	shaper_start(&d->shaper, daemon->loop);
	loop_timer_start(d->tick, TICK_MS, TICK_MS);
	certs_start(&d->certs, daemon->loop, &d->gates);
	return 0;
}

static bool
may_stay(const struct stream *s)
{
	const struct s2sd_settings *set = s2sd_settings(s->s2sd);
	struct str local = str_z(s->local), remote = str_z(s->remote);

	if (!s->local || !s->remote)
		return true;
	if (!s2sd_is_local(s->s2sd, local))
		return false;
	if (s->is_out)
		return policy_sends_from(set, local) && policy_sends_to(set, remote);
	return policy_serves(set, local) && policy_admits(set, remote);
}

static void
refuse_pairs(struct s2sd *d)
{
	const struct s2sd_settings *set = s2sd_settings(d);
	struct pair *p, *next;

	HASH_ITER(hh, d->pairs, p, next) {
		if (policy_sends_from(set, str_z(p->local)) && policy_sends_to(set, str_z(p->remote)))
			continue;
		attempt_free(&p->attempt);
		pair_fail(p, SE_NOT_ALLOWED, "federation with this domain is not allowed");
		pair_reap(p);
	}
}

/* Streams that new settings forbid end; what they say of TLS holds for the next ones. */
void
s2sd_reloaded(struct daemon *daemon, const void *old)
{
	struct s2sd *d = daemon->state;

	(void)old;
	door_set(&d->door, &s2sd_settings(d)->door);
	set_routes(d);
	LIST_FOREACH_SAFE(&d->open, it, nx) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		if (may_stay(s) || s->attempt || s->verification)
			continue;
		stream_end(s, STREAM_POLICY_VIOLATION, "the settings have changed");
	}
	refuse_pairs(d);
}

/* ---- stop ---- */

static void
end_streams(struct list *streams)
{
	while (!list_empty(streams))
		stream_end(
		    CONTAINER_OF(streams->next, struct stream, link), STREAM_SYSTEM_SHUTDOWN, NULL);
}

static void
free_pairs(struct s2sd *d)
{
	struct pair *p, *next;

	HASH_ITER(hh, d->pairs, p, next)
		pair_free(p);
}

static void
s2sd_free(struct s2sd *d)
{
	wires_deinit(&d->wires);
	tls_context_free(&d->tls);
	trust_unref(&d->system);
	door_deinit(&d->door);
	secret_wipe(d->secret, sizeof(d->secret));
	d->daemon->state = NULL;
	free(d);
}

void
s2sd_stream_gone(struct s2sd *d)
{
	if (d->run == S2SD_STOPPED && d->n_streams == 0)
		s2sd_free(d);
	else
		listen_resume(d);
}

/* The bus has gone already, and keeps with the senders what was not written. Peers are told; their sockets, and then this daemon's
 * own memory, go with the loop. */
void
s2sd_stop(struct daemon *daemon)
{
	struct s2sd *d = daemon->state;

	if (!d)
		return;
	d->run = S2SD_STOPPED;
	listen_stop(d);
	end_streams(&d->preauth);
	end_streams(&d->open);
	free_pairs(d);
	dialer_free(&d->dialer);
	handshakes_deinit(&d->handshakes);
	certs_deinit(&d->certs);
	loop_timer_free(&d->tick);
	shaper_stop(&d->shaper);
	loop_hook_free(&d->hook);
	if (d->n_streams == 0)
		s2sd_free(d);
}
