/* Who is let in (SECURITY.md §4.3): as many as there are descriptors and handshake workers for, while the daemons behind are
 * there; of strangers, those without a session yet, a bounded number, from each source few, and not too fast. */
#include "client.h"
#include "links.h"

static bool
may_accept(const struct gate *g)
{
	const struct c2sd *c = g->edge;

	return links_may_serve(c) && !door_is_full(&c->door, c->n_clients) &&
	    !handshakes_are_due(&c->handshakes);
}

static const struct gate_events events = {.may_accept = may_accept, .visitor = client_new};

int
listen_open(struct c2sd *c, struct err *err)
{
	struct listeners l = c2sd_listeners(c->daemon);

	return gates_open(&c->gates, c->daemon, &l, err);
}

void
listen_start(struct c2sd *c)
{
	gates_start(&c->gates, c->daemon->loop, &c->door, &events);
}

void
listen_resume(struct c2sd *c)
{
	gates_resume(&c->gates);
}

void
listen_stop(struct c2sd *c)
{
	gates_stop(&c->gates);
}
