/* Who is let in (SECURITY.md §4.3): as many as there are descriptors and handshake workers for, while the daemons behind are
 * there; of strangers, those without a session yet, a bounded number, from each source few, and not too fast. */
#include <unistd.h>

#include "base/log.h"
#include "client.h"
#include "links.h"

/* ---- counting strangers ---- */

bool
listen_count(struct c2sd *c, struct visitor *v)
{
	const struct c2sd_settings *s = c2sd_settings(c);
	struct door_limits limits = {.strangers = (size_t)s->preauth_max,
	    .source = {.connections = (unsigned)s->source_connections,
		.per_minute = (unsigned)s->source_per_minute}};

	return door_enter(&c->door, v, &limits, c2sd_now_ms(c));
}

/* ---- accepting ---- */

static size_t
connections_max(const struct c2sd *c)
{
	size_t wanted = (size_t)c2sd_settings(c)->connections_max;

	return wanted < c->descriptors ? wanted : c->descriptors;
}

static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;
	const struct c2sd *c = g->edge;

	return links_may_serve(c) && c->n_clients < connections_max(c) &&
	    !handshakes_are_due(&c->handshakes);
}

static void
on_accepted(void *ctx, int fd)
{
	struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!listen_count(g->edge, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
		return;
	}
	door_set_socket(fd, c2sd_settings(g->edge)->stall_seconds);
	client_new(g, fd, &v);
}

/* ---- life ---- */

int
listen_open(struct c2sd *c, struct err *err)
{
	struct listeners l = c2sd_listeners(c->daemon);

	c->descriptors = door_descriptors();
	return gates_open(&c->gates, c->daemon, &l, err);
}

void
listen_start(struct c2sd *c)
{
	gates_start(&c->gates, c->daemon->loop, on_may_accept, on_accepted);
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
