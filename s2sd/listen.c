/* Who is let in (SECURITY.md §4.3): as many as there are descriptors and handshake workers for, while the daemons behind are
 * there; of strangers, those who have not proved yet who they are, a bounded number, from each source few, and not too fast. */
#include <unistd.h>

#include "base/log.h"
#include "stream.h"

static bool
count(struct s2sd *d, struct visitor *v)
{
	const struct s2sd_settings *s = s2sd_settings(d);
	struct door_limits limits = {.strangers = (size_t)s->preauth_max,
	    .source = {.connections = (unsigned)s->source_connections,
		.per_minute = (unsigned)s->source_per_minute}};

	return door_enter(&d->door, v, &limits, s2sd_now_ms(d));
}

static size_t
connections_max(const struct s2sd *d)
{
	size_t wanted = (size_t)s2sd_settings(d)->connections_max;
	size_t most = d->descriptors / 2; /* the other half is for what we open ourselves */

	return wanted < most ? wanted : most;
}

static bool
may_serve(const struct s2sd *d)
{
	const struct bus *b = s2sd_bus(d);

	return b && bus_is_linked(b) && bus_role_up(b, ROLE_SESSIOND) &&
	    bus_has_credit(b, ROLE_SESSIOND) && certs_ready(&d->certs);
}

static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;
	const struct s2sd *d = g->edge;

	return may_serve(d) && d->n_incoming < connections_max(d) &&
	    !handshakes_are_due(&d->handshakes);
}

static void
on_accepted(void *ctx, int fd)
{
	struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!count(g->edge, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
		return;
	}
	door_set_socket(fd, s2sd_settings(g->edge)->stall_seconds);
	stream_accept(g, fd, &v);
}

int
listen_open(struct s2sd *d, struct err *err)
{
	struct listeners l = s2sd_listeners(d->daemon);

	d->descriptors = door_descriptors();
	return gates_open(&d->gates, d->daemon, &l, err);
}

void
listen_start(struct s2sd *d)
{
	gates_start(&d->gates, d->daemon->loop, on_may_accept, on_accepted);
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
