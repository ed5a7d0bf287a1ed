/* See tail.h. */
#include "tail.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct tail {
	pthread_mutex_t lock;
	struct run *young, *frozen, *retired;
	uint64_t last; /* highest id of all that was added */
};

static struct run *
run_new(uint64_t from)
{
	struct run *r = NEW(struct run);

	r->from = r->end = from;
	r->began_ms = clock_mono_ms();
	return r;
}

static void
run_free(struct run **rp)
{
	struct run *r = *rp;
	struct tail_owner *o, *next;

	if (!r)
		return;
	HASH_ITER(hh, r->owners, o, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): uthash keeps no freed element */
		HASH_DEL(r->owners, o);
		free(o->v);
		free(o->by_peer);
		free(o);
	}
	for (size_t i = 0; i < RUN_TAGS; i++) {
		free(r->tags[i].v);
		free(r->tags[i].sorted);
	}
	free(r->order);
	free(r);
	*rp = NULL;
}

struct tail *
tail_new(uint64_t indexed_upto)
{
	struct tail *t = NEW(struct tail);

	pthread_mutex_init(&t->lock, NULL);
	t->young = run_new(indexed_upto);
	t->last = indexed_upto;
	return t;
}

void
tail_free(struct tail **tp)
{
	struct tail *t = *tp;

	if (!t)
		return;
	run_free(&t->young);
	run_free(&t->frozen);
	run_free(&t->retired);
	pthread_mutex_destroy(&t->lock);
	free(t);
	*tp = NULL;
}

/* ---- adding ---- */

static struct tail_owner *
owner_of(const struct run *r, uint64_t owner)
{
	struct tail_owner *o;

	HASH_FIND(hh, r->owners, &owner, sizeof(owner), o);
	return o;
}

static void
add_entry(struct run *r, uint64_t owner, uint64_t peer, uint64_t id)
{
	struct tail_owner *o = owner_of(r, owner);

	if (!o) {
		o = NEW(struct tail_owner);
		o->owner = owner;
		HASH_ADD(hh, r->owners, owner, sizeof(o->owner), o);
	}
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 2;
		o->v = mem_grow(o->v, o->cap * sizeof(*o->v));
	}
	o->v[o->n++] = (struct tail_entry){.peer = peer, .id = id};
}

static void
add_tag(struct run *r, uint64_t tag, uint64_t id)
{
	struct tail_tags *b = &r->tags[tag >> 56];

	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		b->v = mem_grow(b->v, b->cap * sizeof(*b->v));
	}
	b->v[b->n++] = (struct tail_tag){.tag = tag, .id = id};
}

void
tail_add(struct tail *t, const struct archived *m)
{
	struct run *r = t->young;

	pthread_mutex_lock(&t->lock);
	if (r->n_messages++ == 0)
		r->began_ms = clock_mono_ms();
	if (m->for_src)
		add_entry(r, m->src, m->dst, m->id);
	/* What somebody sends to themself is in the archive once. */
	if (m->for_dst && !(m->for_src && m->src == m->dst))
		add_entry(r, m->dst, m->src, m->id);
	add_tag(r, m->tag, m->id);
	r->end = t->last = m->id;
	pthread_mutex_unlock(&t->lock);
}

/* ---- life of a run ---- */

const struct run *
tail_young(const struct tail *t)
{
	return t->young->n_messages ? t->young : NULL;
}

struct run *
tail_frozen(const struct tail *t)
{
	return t->frozen;
}

void
tail_freeze(struct tail *t)
{
	pthread_mutex_lock(&t->lock);
	run_free(&t->retired);
	t->frozen = t->young;
	t->young = run_new(t->last);
	pthread_mutex_unlock(&t->lock);
}

void
tail_retire(struct tail *t)
{
	pthread_mutex_lock(&t->lock);
	t->retired = t->frozen;
	t->frozen = NULL;
	pthread_mutex_unlock(&t->lock);
}

/* ---- finding ---- */

uint64_t
tail_from(struct tail *t)
{
	uint64_t from;

	pthread_mutex_lock(&t->lock);
	from = t->retired ? t->retired->from : t->frozen ? t->frozen->from : t->young->from;
	pthread_mutex_unlock(&t->lock);
	return from;
}

uint64_t
tail_oldest(struct tail *t)
{
	uint64_t oldest = UINT64_MAX;

	pthread_mutex_lock(&t->lock);
	if (t->frozen)
		oldest = t->frozen->from + 1;
	else if (t->young->n_messages)
		oldest = t->young->from + 1;
	pthread_mutex_unlock(&t->lock);
	return oldest;
}

/* Index of the first entry with an id above this. */
static size_t
first_above(const struct tail_owner *o, uint64_t id)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->v[middle].id > id)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static size_t
find_in(const struct run *run, const struct tail_range *r, uint64_t *ids_r, size_t most)
{
	const struct tail_owner *o = run ? owner_of(run, r->owner) : NULL;
	size_t begin, end, n = 0;

	if (!o)
		return 0;
	begin = first_above(o, r->low);
	end = first_above(o, r->high);
	while (begin < end && n < most) {
		const struct tail_entry *e = r->backward ? &o->v[--end] : &o->v[begin++];

		if (!r->peer || e->peer == r->peer)
			ids_r[n++] = e->id;
	}
	return n;
}

size_t
tail_find(struct tail *t, const struct tail_range *r, uint64_t *ids_r, size_t most)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	const struct run *const runs[] = {
	    r->backward ? t->young : t->retired, t->frozen, r->backward ? t->retired : t->young};
	for (size_t i = 0; i < COUNT(runs); i++)
		n += find_in(runs[i], r, ids_r + n, most - n);
	pthread_mutex_unlock(&t->lock);
	return n;
}

static size_t
find_tag_in(const struct run *run, uint64_t tag, uint64_t *ids_r, size_t most)
{
	const struct tail_tags *b = run ? &run->tags[tag >> 56] : NULL;
	size_t n = 0;

	for (size_t i = 0; b && i < b->n && n < most; i++)
		if (b->v[i].tag == tag)
			ids_r[n++] = b->v[i].id;
	return n;
}

size_t
tail_find_tag(struct tail *t, uint64_t tag, uint64_t *ids_r, size_t most)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = find_tag_in(t->young, tag, ids_r, most);
	n += find_tag_in(t->frozen, tag, ids_r + n, most - n);
	n += find_tag_in(t->retired, tag, ids_r + n, most - n);
	pthread_mutex_unlock(&t->lock);
	return n;
}
