/* One attempt to reach a domain; see dial.h.
 *
 *   STARTING ──route, address──▶ CONNECTING ──connected──▶ OPEN ──dial_next──▶ CONNECTING
 *      │                            ▲   │
 *      └──▶ DISCOVERING ──SRV───────┘   └──nothing left, deadline──▶ OVER
 *
 * dial_step is called at every tick and when something was answered or connected; nothing else tells the owner anything, and it
 * does so last, because the owner may free the dial. */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dialer.h"

#define TICK_MS 50

/* ---- why not ---- */

/* What is nearer to a connection says more. */
static unsigned
weight_of(enum dial_error e)
{
	static const unsigned weights[] = {
	    [DIAL_NOT_FOUND] = 1,
	    [DIAL_NO_SERVICE] = 1,
	    [DIAL_DNS] = 2,
	    [DIAL_OURSELVES] = 3,
	    [DIAL_REFUSED] = 4,
	    [DIAL_TIMEOUT] = 4,
	    [DIAL_UNUSABLE] = 5,
	};

	return weights[e];
}

void
dial_note(struct dial *d, enum dial_error error, const char *fmt, ...)
{
	va_list args;

	if (d->step[0] != '\0' && weight_of(error) < weight_of(d->error))
		return;
	d->error = error;
	va_start(args, fmt);
	vsnprintf(d->step, sizeof(d->step), fmt, args);
	va_end(args);
}

/* ---- hosts ---- */

static void
group_end(struct dial *d)
{
	connect_stop(d);
	for (size_t i = 0; i < d->n_group; i++)
		host_deinit(&d->group[i]);
	free(d->group);
	d->group = NULL;
	d->group_at += d->n_group;
	d->n_group = 0;
}

/* The hosts of the next priority. False: there are none. */
static bool
group_begin(struct dial *d)
{
	size_t n = 0, at = d->group_at;

	while (at + n < d->n_hosts && d->hosts[at + n].priority == d->hosts[at].priority)
		n++;
	if (n == 0)
		return false;
	d->group = mem_new_array(n, sizeof(*d->group));
	d->n_group = n;
	for (size_t i = 0; i < n; i++) {
		host_init(&d->group[i], &d->hosts[at + i]);
		host_look_up(&d->group[i], d->dialer->dns, d->dialer->loop, dial_step, d);
	}
	return true;
}

static void
connect_to(struct dial *d, const char *host, uint16_t port)
{
	struct srv *s = &d->hosts[d->n_hosts++];

	*s = (struct srv){.port = port};
	str_copy(s->target, sizeof(s->target), str_z(host));
	d->state = DIAL_CONNECTING;
}

/* The domain is an address: "192.0.2.1", "[2001:db8::1]" */
static bool
address_of(char out[46], struct str domain)
{
	struct in6_addr any;

	if (domain.n > 2 && domain.p[0] == '[')
		return str_copy(out, 46, str_of(domain.p + 1, domain.n - 2)) &&
		    inet_pton(AF_INET6, out, &any) == 1;
	return str_copy(out, 46, domain) && inet_pton(AF_INET, out, &any) == 1;
}

/* ---- the end ---- */

static void
fail(struct dial *d)
{
	struct dialer *r = d->dialer;
	struct failure f;

	if (d->step[0] == '\0')
		dial_note(d, DIAL_NOT_FOUND, "no address of %.150s can be a server's", d->domain);
	f = (struct failure){.error = d->error};
	d->state = DIAL_OVER;
	loop_timer_stop(d->tick);
	group_end(d);
	discover_deinit(&d->discover);
	if (r->settings.failure_ms > 0) {
		str_copy(f.step, sizeof(f.step), str_z(d->step));
		failure_add(r->failures, str_z(d->domain), &f,
		    loop_now_ms(r->loop) + r->settings.failure_ms);
	}
	d->events->failed(d->ctx, d->error, d->step);
}

static void
fail_late(struct dial *d)
{
	if (d->state == DIAL_DISCOVERING)
		dial_note(d, DIAL_DNS, "SRV of %.150s: the DNS does not answer", d->discover.name);
	else if (d->n_attempts == 0)
		dial_note(d, DIAL_DNS, "addresses of %.150s: the DNS does not answer",
		    d->n_group > 0 ? d->group[0].srv.target : d->domain);
	else
		dial_note(d, DIAL_TIMEOUT, "connecting to %.150s: no answer",
		    d->attempts[0].host->srv.target);
	fail(d);
}

/* ---- states ---- */

static void
on_discovered(void *ctx)
{
	struct dial *d = ctx;

	d->n_hosts = discover_hosts(&d->discover, d->hosts, randombytes_uniform, &d->error);
	d->state = DIAL_CONNECTING;
	if (d->n_hosts == 0)
		dial_note(d, d->error, "%s", d->discover.why);
	dial_step(d);
}

/* True: it has failed a moment ago. */
static bool
recall(struct dial *d)
{
	const struct failure *f =
	    failure_find(d->dialer->failures, str_z(d->domain), loop_now_ms(d->dialer->loop));

	if (!f)
		return false;
	d->state = DIAL_OVER;
	loop_timer_stop(d->tick);
	dial_note(d, f->error, "%s", f->step);
	return true;
}

static void
do_start(struct dial *d)
{
	struct str domain = str_z(d->domain);
	const struct route *r = route_find(d->dialer->routes, domain);
	char address[46];

	if (r)
		connect_to(d, r->host, r->port);
	else if (address_of(address, domain))
		connect_to(d, address, DIAL_PORT);
	else if (discover_start(&d->discover, d->dialer->dns, domain, on_discovered, d))
		d->state = DIAL_DISCOVERING;
	else {
		dial_note(d, d->discover.error, "%s", d->discover.why);
		d->state = DIAL_CONNECTING; /* to nothing */
	}
}

static void
do_connect(struct dial *d)
{
	enum connect_result result = CONNECT_EXHAUSTED;
	int fd = -1;

	while (result == CONNECT_EXHAUSTED) {
		if (d->n_group == 0 && !group_begin(d)) {
			fail(d);
			return;
		}
		result = connect_step(d, &fd);
		if (result == CONNECT_EXHAUSTED)
			group_end(d);
	}
	if (result == CONNECT_WAIT)
		return;
	d->state = DIAL_OPEN;
	connect_stop(d);
	loop_timer_stop(d->tick);
	d->events->open(d->ctx, fd, &d->target);
}

void
dial_step(void *ctx)
{
	struct dial *d = ctx;

	if (d->state == DIAL_CONNECTING)
		do_connect(d);
}

static void
on_tick(void *ctx)
{
	struct dial *d = ctx;

	if (d->state == DIAL_STARTING) {
		if (recall(d)) {
			d->events->failed(d->ctx, d->error, d->step);
			return;
		}
		do_start(d);
	}
	if (loop_now_ms(d->dialer->loop) >= d->deadline_ms) {
		fail_late(d);
		return;
	}
	connect_expire(d);
	dial_step(d);
}

/* ---- life ---- */

static void
begin(struct dial *d)
{
	d->deadline_ms = loop_now_ms(d->dialer->loop) + d->dialer->settings.timeout_ms;
	loop_timer_start(d->tick, 0, TICK_MS);
}

struct dial *
dial_new(struct dialer *dialer, struct str domain, const struct dial_events *events, void *ctx)
{
	struct dial *d = NEW(struct dial);

	d->dialer = dialer;
	d->domain = str_dup(domain);
	d->events = events;
	d->ctx = ctx;
	d->tick = loop_timer_new(dialer->loop, on_tick, d);
	dialer->n_dials++;
	begin(d);
	return d;
}

void
dial_next(struct dial *d)
{
	if (d->state != DIAL_OPEN)
		bug("dial_next: nothing was open");
	dial_note(d, DIAL_UNUSABLE, "%s (%.100s) port %u was no good, and there is no other",
	    d->target.address, d->target.host, d->target.port);
	d->state = DIAL_CONNECTING;
	begin(d);
}

void
dial_free(struct dial **dp)
{
	struct dial *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	group_end(d);
	discover_deinit(&d->discover);
	loop_timer_free(&d->tick);
	d->dialer->n_dials--;
	free(d->domain);
	free(d);
}
