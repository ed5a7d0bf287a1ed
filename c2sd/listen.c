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
	const struct c2sd *c = g->c2sd;

	return links_may_serve(c) && c->n_clients < connections_max(c) &&
	    !handshakes_are_due(&c->handshakes);
}

static void
on_accepted(void *ctx, int fd)
{
	struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!listen_count(g->c2sd, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
		return;
	}
	door_set_socket(fd, c2sd_settings(g->c2sd)->stall_seconds);
	client_new(g, fd, &v);
}

/* ---- life ---- */

int
listen_open(struct c2sd *c, struct err *err)
{
	struct listeners l = c2sd_listeners(c->daemon);

	c->descriptors = door_descriptors();
	for (unsigned i = 0; i < l.n; i++) {
		struct gate *g = &c->gates[i];

		*g = (struct gate){.c2sd = c, .tls = (enum listener_tls)l.v[i].tls};
		g->fd = service_listen_tcp(
		    c->daemon, l.v[i].title, l.v[i].address, (uint16_t)l.v[i].port, err);
		if (g->fd < 0)
			return -1;
		c->n_gates++;
	}
	return 0;
}

void
listen_start(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++) {
		struct gate *g = &c->gates[i];

		g->listener = listener_new(c->daemon->loop, g->fd, on_may_accept, on_accepted, g);
	}
}

void
listen_resume(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].listener)
			listener_resume(c->gates[i].listener);
}

void
listen_stop(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		listener_free(&c->gates[i].listener);
}
