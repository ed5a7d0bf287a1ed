/* Who is let in: from the networks that a listener allows, a bounded number of strangers, from each source few and not too fast
 * (SECURITY.md §4.3). */
#include <unistd.h>

#include "base/log.h"
#include "stream.h"

/* ---- accepting ---- */

static size_t
connections_max(const struct componentd *c)
{
	size_t wanted = (size_t)componentd_settings(c)->connections_max;

	return wanted < c->descriptors ? wanted : c->descriptors;
}

/* Without the router they wait in the kernel: what they said would have to wait here. */
static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;
	const struct componentd *c = g->componentd;
	const struct bus *b = componentd_bus(c);

	if (!b || !bus_is_linked(b) || c->n_streams >= connections_max(c))
		return false;
	return g->tls == LISTENER_CLEAR ||
	    (certs_ready(&c->certs) && !handshakes_are_due(&c->handshakes));
}

static bool
is_allowed(const struct gate *g, const struct source *s)
{
	for (size_t i = 0; i < g->n_allow; i++)
		if (network_has(&g->allow[i], s))
			return true;
	return g->n_allow == 0;
}

static bool
enter(struct componentd *c, struct visitor *v)
{
	const struct componentd_settings *s = componentd_settings(c);
	struct door_limits limits = {.strangers = (size_t)s->strangers_max,
	    .source = {.connections = (unsigned)s->source_connections,
		.per_minute = (unsigned)s->source_per_minute}};

	return door_enter(&c->door, v, &limits, componentd_now_ms(c));
}

static void
on_accepted(void *ctx, int fd)
{
	struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!is_allowed(g, &v.source)) {
		log_warn("%s: turned away: the listener does not allow its network", v.address);
		close(fd);
	} else if (!enter(g->componentd, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
	} else {
		door_set_socket(fd, componentd_settings(g->componentd)->stall_seconds);
		stream_new(g, fd, &v);
	}
}

/* ---- life ---- */

static void
gate_init(struct gate *g, struct componentd *c, const struct listener_settings *l)
{
	*g = (struct gate){.componentd = c, .fd = -1, .tls = (enum listener_tls)l->tls};
	for (size_t i = 0; i < l->allow.n && g->n_allow < ALLOW_MAX; i++)
		if (network_parse(str_z(l->allow.v[i]), &g->allow[g->n_allow]))
			g->n_allow++;
}

int
listen_open(struct componentd *c, struct err *err)
{
	struct listeners l = componentd_listeners(c->daemon);

	c->descriptors = door_descriptors();
	for (unsigned i = 0; i < l.n; i++) {
		struct gate *g = &c->gates[i];

		gate_init(g, c, &l.v[i]);
		g->fd = service_listen_tcp(
		    c->daemon, l.v[i].title, l.v[i].address, (uint16_t)l.v[i].port, err);
		if (g->fd < 0)
			return -1;
		c->n_gates++;
	}
	return 0;
}

bool
listen_has_tls(const struct componentd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].tls == LISTENER_DIRECT)
			return true;
	return false;
}

void
listen_start(struct componentd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++) {
		struct gate *g = &c->gates[i];

		g->listener = listener_new(c->daemon->loop, g->fd, on_may_accept, on_accepted, g);
	}
}

void
listen_resume(struct componentd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].listener)
			listener_resume(c->gates[i].listener);
}

void
listen_stop(struct componentd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		listener_free(&c->gates[i].listener);
}
