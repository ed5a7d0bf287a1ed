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
