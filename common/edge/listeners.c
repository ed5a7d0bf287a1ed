/* See listeners.h. */
#include "edge/listeners.h"

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

int
listeners_check(const struct daemon *d, const struct setting_sections *sections, struct err *err)
{
	const struct listener_settings *l = sections->v;

	if (sections->n > LISTENERS_MAX)
		return err_set(err, "listener: more than %d", LISTENERS_MAX);
	for (size_t i = 0; i < sections->n; i++)
		if (l[i].port + d->suite.port_offset > 65535)
			return err_set(err,
			    "listener \"%s\": port %lld with the port_offset %d is over 65535",
			    l[i].title, (long long)l[i].port, d->suite.port_offset);
	return 0;
}

static void
gate_init(struct gate *g, void *edge, const struct listener_settings *l)
{
	*g = (struct gate){.edge = edge, .fd = -1, .tls = l->tls};
	for (size_t i = 0; i < l->allow.n && g->n_allow < ALLOW_MAX; i++)
		if (network_parse(str_z(l->allow.v[i]), &g->allow[g->n_allow]))
			g->n_allow++;
}

int
gates_open(struct gates *g, struct daemon *d, const struct listeners *l, struct err *err)
{
	for (g->n = 0; g->n < l->n; g->n++) {
		const struct listener_settings *s = &l->v[g->n];

		gate_init(&g->v[g->n], d->state, s);
		g->v[g->n].fd = service_listen_tcp(d, s->title, s->address, (uint16_t)s->port, err);
		if (g->v[g->n].fd < 0)
			return -1;
	}
	return 0;
}

void
gates_start(struct gates *g, struct loop *loop, bool (*may_accept)(void *gate),
    void (*accepted)(void *gate, int fd))
{
	for (unsigned i = 0; i < g->n; i++)
		g->v[i].listener = listener_new(loop, g->v[i].fd, may_accept, accepted, &g->v[i]);
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
	for (unsigned i = 0; i < g->n; i++)
		listener_free(&g->v[i].listener);
}

bool
gate_allows(const struct gate *g, const struct source *s)
{
	for (size_t i = 0; i < g->n_allow; i++)
		if (network_has(&g->allow[i], s))
			return true;
	return g->n_allow == 0;
}
