/* See domains.h. */
#include "edge/domains.h"

#include <stdlib.h>

struct domain_known {
	UT_hash_handle hh;
	size_t n;
	char name[];
};

static struct domain_known *
find(const struct domains *d, struct str name)
{
	struct domain_known *k;

	HASH_FIND(hh, d->known, name.p, name.n, k);
	return k;
}

static void
note(struct domains *d, struct str name)
{
	struct domain_known *k;

	if (find(d, name))
		return;
	k = mem_new(sizeof(*k) + name.n);
	k->n = name.n;
	memcpy(k->name, name.p, name.n);
	HASH_ADD_KEYPTR(hh, d->known, k->name, k->n, k);
}

void
domains_note(struct domains *d, const struct suite *s)
{
	for (size_t i = 0; i < s->n_domains; i++)
		note(d, str_z(s->domains[i]));
}

enum stream_error
domains_check(const struct domains *d, const struct suite *s, struct str domain)
{
	for (size_t i = 0; i < s->n_domains; i++)
		if (str_is(domain, s->domains[i]))
			return STREAM_OK;
	return find(d, domain) ? STREAM_HOST_GONE : STREAM_HOST_UNKNOWN;
}

static void
forget(struct domains *d, struct domain_known *k)
{
	HASH_DEL(d->known, k);
	free(k);
}

void
domains_deinit(struct domains *d)
{
	while (d->known)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): forget takes it out of the map */
		forget(d, d->known);
}
