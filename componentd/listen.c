/* Who is let in: from the networks that a listener allows, a bounded number of strangers, from each source few and not too fast
 * (SECURITY.md §4.3). */
#include "stream.h"

/* Without the router they wait in the kernel: what they said would have to wait here. */
static bool
may_accept(const struct gate *g)
{
	const struct componentd *c = g->edge;
	const struct bus *b = componentd_bus(c);

	if (!b || !bus_is_linked(b) || door_is_full(&c->door, c->n_streams))
		return false;
	return g->tls == LISTENER_CLEAR ||
	    (certs_ready(&c->certs) && !handshakes_are_due(&c->handshakes));
}

static const struct gate_events events = {.may_accept = may_accept, .visitor = stream_new};

int
listen_open(struct componentd *c, struct err *err)
{
	struct listeners l = componentd_listeners(c->daemon);

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
	gates_start(&c->gates, c->daemon->loop, &c->door, &events);
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
