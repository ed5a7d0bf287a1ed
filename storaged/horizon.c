/* See horizon.h. */
#include "horizon.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/jid.h"
#include "base/map.h"
#include "base/mem.h"

struct owner_horizon {
	uint64_t owner, id;
	UT_hash_handle hh;
};

struct domain_horizon {
	char *name; /* owned */
	uint64_t id;
	UT_hash_handle hh;
};

struct horizons {
	pthread_mutex_t lock;
	uint64_t all;
	struct owner_horizon
	    *owners; /* as many as the table `owner` has: accounts that were removed or purged */
	struct domain_horizon *
	    domains; /* as many as the table `domain` has: what the settings and the operator named */
};

struct horizons *
horizons_new(void)
{
	struct horizons *h = NEW(struct horizons);

	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void
horizons_free(struct horizons **hp)
{
	struct horizons *h = *hp;
	struct owner_horizon *o, *next_o;
	struct domain_horizon *d, *next_d;

	if (!h)
		return;
	HASH_ITER(hh, h->owners, o, next_o) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): uthash keeps no freed element */
		HASH_DEL(h->owners, o);
		free(o);
	}
	HASH_ITER(hh, h->domains, d, next_d) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
		HASH_DEL(h->domains, d);
		free(d->name);
		free(d);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
	*hp = NULL;
}

/* ---- raising ---- */

static void
raise_to(uint64_t *place, uint64_t id)
{
	if (*place < id)
		*place = id;
}

void
horizon_raise_all(struct horizons *h, uint64_t id)
{
	pthread_mutex_lock(&h->lock);
	raise_to(&h->all, id);
	pthread_mutex_unlock(&h->lock);
}

static struct domain_horizon *
find_domain(struct horizons *h, struct str name)
{
	struct domain_horizon *d = NULL;

	if (h->domains && name.n > 0)
		HASH_FIND(hh, h->domains, name.p, name.n, d);
	return d;
}

void
horizon_raise_domain(struct horizons *h, struct str domain, uint64_t id)
{
	struct domain_horizon *d;

	pthread_mutex_lock(&h->lock);
	d = find_domain(h, domain);
	if (!d) {
		d = NEW(struct domain_horizon);
		d->name = str_dup(domain);
		HASH_ADD_KEYPTR(hh, h->domains, d->name, domain.n, d);
	}
	raise_to(&d->id, id);
	pthread_mutex_unlock(&h->lock);
}

void
horizon_raise_owner(struct horizons *h, uint64_t owner, uint64_t id)
{
	struct owner_horizon *o;

	pthread_mutex_lock(&h->lock);
	HASH_FIND(hh, h->owners, &owner, sizeof(owner), o);
	if (!o) {
		o = NEW(struct owner_horizon);
		o->owner = owner;
		HASH_ADD(hh, h->owners, owner, sizeof(o->owner), o);
	}
	raise_to(&o->id, id);
	pthread_mutex_unlock(&h->lock);
}

/* ---- looking ---- */

uint64_t
horizon_of_all(struct horizons *h)
{
	uint64_t id;

	pthread_mutex_lock(&h->lock);
	id = h->all;
	pthread_mutex_unlock(&h->lock);
	return id;
}

uint64_t
horizon_of(struct horizons *h, uint64_t owner, struct str bare)
{
	const struct domain_horizon *d;
	struct owner_horizon *o;
	uint64_t id;

	pthread_mutex_lock(&h->lock);
	id = h->all;
	HASH_FIND(hh, h->owners, &owner, sizeof(owner), o);
	if (o)
		raise_to(&id, o->id);
	d = find_domain(h, jid_split(bare).domain);
	if (d)
		raise_to(&id, d->id);
	pthread_mutex_unlock(&h->lock);
	return id;
}
