/* See horizon.h. */
#include "horizon.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct horizon {
	uint64_t owner, id;
	UT_hash_handle hh;
};

struct horizons {
	pthread_mutex_t lock;
	uint64_t all;
	struct horizon *owners; /* removed accounts: as many as the table `owner` has */
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
	struct horizon *o, *next;

	if (!h)
		return;
	HASH_ITER(hh, h->owners, o, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): uthash keeps no freed element */
		HASH_DEL(h->owners, o);
		free(o);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
	*hp = NULL;
}

static uint64_t *
place_of(struct horizons *h, uint64_t owner)
{
	struct horizon *o;

	if (owner == 0)
		return &h->all;
	HASH_FIND(hh, h->owners, &owner, sizeof(owner), o);
	if (!o) {
		o = NEW(struct horizon);
		o->owner = owner;
		HASH_ADD(hh, h->owners, owner, sizeof(o->owner), o);
	}
	return &o->id;
}

void
horizon_raise(struct horizons *h, uint64_t owner, uint64_t id)
{
	uint64_t *place;

	pthread_mutex_lock(&h->lock);
	place = place_of(h, owner);
	if (*place < id)
		*place = id;
	pthread_mutex_unlock(&h->lock);
}

uint64_t
horizon_of(struct horizons *h, uint64_t owner)
{
	struct horizon *o;
	uint64_t id;

	pthread_mutex_lock(&h->lock);
	HASH_FIND(hh, h->owners, &owner, sizeof(owner), o);
	id = o && o->id > h->all ? o->id : h->all;
	pthread_mutex_unlock(&h->lock);
	return id;
}

uint64_t
horizon_next_owner(struct horizons *h, uint64_t owner)
{
	struct horizon *o, *next;
	uint64_t least = 0;

	pthread_mutex_lock(&h->lock);
	HASH_ITER(hh, h->owners, o, next) {
		if (o->owner > owner && (least == 0 || o->owner < least))
			least = o->owner;
	}
	pthread_mutex_unlock(&h->lock);
	return least;
}
