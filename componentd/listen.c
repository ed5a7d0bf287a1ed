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
	const struct componentd *c = g->edge;
	const struct bus *b = componentd_bus(c);

	if (!b || !bus_is_linked(b) || c->n_streams >= connections_max(c))
		return false;
	return g->tls == LISTENER_CLEAR ||
	    (certs_ready(&c->certs) && !handshakes_are_due(&c->handshakes));
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
	if (!gate_allows(g, &v.source)) {
		log_warn("%s: turned away: the listener does not allow its network", v.address);
		close(fd);
	} else if (!enter(g->edge, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
	} else {
		door_set_socket(fd, componentd_settings(g->edge)->stall_seconds);
		stream_new(g, fd, &v);
	}
}

/* ---- life ---- */

int
listen_open(struct componentd *c, struct err *err)
{
	struct listeners l = componentd_listeners(c->daemon);

	c->descriptors = door_descriptors();
	return gates_open(&c->gates, c->daemon, &l, err);
}

bool
listen_has_tls(const struct componentd *c)
{
	for (unsigned i = 0; i < c->gates.n; i++)
		if (c->gates.v[i].tls == LISTENER_DIRECT)
			return true;
	return false;
}

void
listen_start(struct componentd *c)
{
	gates_start(&c->gates, c->daemon->loop, on_may_accept, on_accepted);
}

void
listen_resume(struct componentd *c)
{
	gates_resume(&c->gates);
}

void
listen_stop(struct componentd *c)
{
	gates_stop(&c->gates);
}
