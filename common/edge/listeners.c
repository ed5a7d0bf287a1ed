/* See listeners.h. */
#include "edge/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/handover.h"

/* ---- settings ---- */

struct listeners
listeners_in_force(const struct daemon *d, const struct setting_sections *sections,
    const struct listener_settings *usual, size_t n_usual)
{
	const struct listener_settings *from = sections->n ? sections->v : usual;
	size_t n = sections->n ? sections->n : n_usual;
	struct listeners l = {.n = 0};

	for (; l.n < n && l.n < LISTENERS_MAX; l.n++) {
		l.v[l.n] = from[l.n];
		l.v[l.n].port += d->suite.port_offset;
	}
	return l;
}

void
listeners_print(const struct listeners *l,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx)
{
	for (unsigned i = 0; i < l->n; i++)
		add(ctx, l->v[i].title, l->v[i].address, (uint16_t)l->v[i].port);
}

static int
listener_check(const struct daemon *d, const struct listener_settings *l, struct err *err)
{
	struct networks allow;

	if (networks_set(&allow, l->allow.v, l->allow.n, err) != 0)
		return err_prefix(err, "listener \"%s\": allow", l->title);
	if (l->port + d->suite.port_offset > 65535)
		return err_set(err,
		    "listener \"%s\": port %lld with the port_offset %d is over 65535", l->title,
		    (long long)l->port, d->suite.port_offset);
	return 0;
}

int
listeners_check(const struct daemon *d, const struct setting_sections *sections, struct err *err)
{
	const struct listener_settings *l = sections->v;

	if (sections->n > LISTENERS_MAX)
		return err_set(err, "listener: more than %d", LISTENERS_MAX);
	for (size_t i = 0; i < sections->n; i++)
		if (listener_check(d, &l[i], err) != 0)
			return -1;
	return 0;
}

/* ---- sockets ---- */

int
gates_open(struct gates *g, struct daemon *d, const struct listeners *l, struct err *err)
{
	for (g->n = 0; g->n < l->n; g->n++) {
		const struct listener_settings *s = &l->v[g->n];
		struct gate *gate = &g->v[g->n];

		*gate = (struct gate){.edge = d->state,
		    .tls = s->tls,
		    .certificates = s->certificates,
		    .servers = s->servers,
		    .all = g};
		gate->fd = service_listen_tcp(d, s->title, s->address, (uint16_t)s->port, err);
		if (gate->fd < 0 || networks_set(&gate->allow, s->allow.v, s->allow.n, err) != 0)
			return -1;
	}
	return 0;
}

int
gates_open_handover(struct gates *g, struct daemon *d, struct err *err)
{
	struct gate *gate = &g->v[g->n];
	struct handover_name name = handover_name(d->instance);
	int fd = service_listen_unix(d, ROLE_C2SD, name.file, SOCK_DGRAM, err);

	if (fd < 0)
		return -1;
	*gate =
	    (struct gate){.edge = d->state, .all = g, .fd = fd, .bytes = mem_new(HANDOVER_BYTES)};
	g->n++;
	return 0;
}

static int
on_take(void *ctx)
{
	struct gate *g = ctx;
	size_t n = 0;
	int fd = handover_receive(g->fd, g->bytes, &n);

	g->read = str_of((const char *)g->bytes, n);
	if (fd < 0 && errno == EBADMSG) {
		log_warn("c2sd has handed over what is no connection, or too much: closed");
		errno = EBADMSG;
	}
	return fd;
}

static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;

	return g->all->events->may_accept(g);
}

static bool
lets_in(const struct gate *g, struct visitor *v)
{
	if (g->allow.n > 0 && !networks_have(&g->allow, &v->source)) {
		log_warn("%s: turned away: the listener does not allow its network", v->address);
		return false;
	}
	if (door_enter(g->all->door, v, loop_now_ms(g->all->loop)))
		return true;
	log_debug("%s: turned away by the limits of connections", v->address);
	return false;
}

static void
on_accepted(void *ctx, int fd)
{
	const struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!lets_in(g, &v)) {
		close(fd);
		return;
	}
	conn_set_nodelay(fd);
	g->all->events->visitor(g, fd, &v);
}

void
gates_start(struct gates *g, struct loop *loop, struct door *door, const struct gate_events *events)
{
	g->loop = loop;
	g->door = door;
	g->events = events;
	for (unsigned i = 0; i < g->n; i++) {
		struct gate *gate = &g->v[i];

		gate->listener = listener_new(loop, gate->fd, on_may_accept, on_accepted, gate);
		if (gate->bytes)
			listener_set_take(gate->listener, on_take);
	}
}

void
gates_resume(struct gates *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].listener)
			listener_resume(g->v[i].listener);
}

void
gates_stop(struct gates *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		listener_free(&g->v[i].listener);
		free(g->v[i].bytes);
		g->v[i].bytes = NULL;
	}
}
