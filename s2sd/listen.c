/* Who is let in (SECURITY.md §4.3): as many as there are descriptors and handshake workers for, while the daemons behind are
 * there; of strangers, those who have not proved yet who they are, a bounded number, from each source few, and not too fast. */
#include "stream.h"

static bool
may_serve(const struct s2sd *d)
{
	const struct bus *b = s2sd_bus(d);

	return b && bus_is_linked(b) && bus_role_up(b, ROLE_SESSIOND) && links_have_credit(d) &&
	    certs_ready(&d->certs);
}

static bool
may_accept(const struct gate *g)
{
	const struct s2sd *d = g->edge;

	return may_serve(d) && !door_is_full(&d->door, d->n_incoming) &&
	    !handshakes_are_due(&d->handshakes);
}

static const struct gate_events events = {.may_accept = may_accept, .visitor = stream_accept};

int
listen_open(struct s2sd *d, struct err *err)
{
	struct listeners l = s2sd_listeners(d->daemon);

	if (gates_open(&d->gates, d->daemon, &l, err) != 0)
		return -1;
	return s2sd_settings(d)->shared_listeners ? gates_open_handover(&d->gates, d->daemon, err)
						  : 0;
}

void
listen_start(struct s2sd *d)
{
	gates_start(&d->gates, d->daemon->loop, &d->door, &events);
}

void
listen_resume(struct s2sd *d)
{
	gates_resume(&d->gates);
}

void
listen_stop(struct s2sd *d)
{
	gates_stop(&d->gates);
}
