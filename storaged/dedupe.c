/* Open addressing with linear probing, at most half full: see dedupe.h. */
#include "dedupe.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct slot {
	uint64_t fingerprint; /* 0: free */
	uint64_t id;
};

struct generation {
	struct slot *slots;
	size_t cap; /* a power of two */
	size_t n;
};

struct dedupe {
	uint8_t key[crypto_shorthash_KEYBYTES]; /* strangers cannot aim at a slot */
	struct generation young, old;
};

#define CAP_MIN 1024
#define CAP_MAX (2 * DEDUPE_GENERATION)

static uint64_t
fingerprint(const struct dedupe *d, const struct opid *op)
{
	uint8_t in[ID_BYTES + sizeof(op->n) + sizeof(op->kind)];
	uint64_t h;

	memcpy(in, op->origin.b, ID_BYTES);
	memcpy(in + ID_BYTES, &op->n, sizeof(op->n));
	memcpy(in + ID_BYTES + sizeof(op->n), &op->kind, sizeof(op->kind));
	crypto_shorthash((uint8_t *)&h, in, sizeof(in), d->key);
	return h ? h : 1;
}

static struct slot *
generation_slot(const struct generation *g, uint64_t fp)
{
	size_t i = fp & (g->cap - 1);

	while (g->slots[i].fingerprint && g->slots[i].fingerprint != fp)
		i = (i + 1) & (g->cap - 1);
	return &g->slots[i];
}

static struct generation
generation_new(size_t cap)
{
	return (struct generation){.cap = cap, .slots = mem_new_array(cap, sizeof(struct slot))};
}

static void
generation_grow(struct generation *g)
{
	struct generation bigger = generation_new(g->cap ? g->cap * 2 : CAP_MIN);

	bigger.n = g->n;
	for (size_t i = 0; i < g->cap; i++)
		if (g->slots[i].fingerprint)
			*generation_slot(&bigger, g->slots[i].fingerprint) = g->slots[i];
	free(g->slots);
	*g = bigger;
}

struct dedupe *
dedupe_new(void)
{
	struct dedupe *d = NEW(struct dedupe);

	crypto_shorthash_keygen(d->key);
	return d;
}

void
dedupe_free(struct dedupe **dp)
{
	if (!*dp)
		return;
	free((*dp)->young.slots);
	free((*dp)->old.slots);
	free(*dp);
	*dp = NULL;
}

/* The second one's memory, when the first has grown to its full size: written to, so that it is really there, and what this process
 * holds does not grow any more. */
static struct generation
generation_taken(void)
{
	struct generation g = {
	    .cap = CAP_MAX, .slots = mem_grow(NULL, CAP_MAX * sizeof(struct slot))};

	memset(g.slots, 0, CAP_MAX * sizeof(struct slot));
	return g;
}

static void
generation_turn(struct dedupe *d)
{
	struct generation old = d->old;

	d->old = d->young;
	d->young = old;
	d->young.n = 0;
	memset(d->young.slots, 0, d->young.cap * sizeof(struct slot));
}

void
dedupe_add(struct dedupe *d, const struct opid *op, uint64_t id)
{
	uint64_t fp = fingerprint(d, op);
	struct slot *s;

	if (d->young.n >= DEDUPE_GENERATION)
		generation_turn(d);
	if (d->young.n * 2 >= d->young.cap)
		generation_grow(&d->young);
	if (d->young.cap == CAP_MAX && !d->old.cap)
		d->old = generation_taken();
	s = generation_slot(&d->young, fp);
	if (!s->fingerprint)
		d->young.n++;
	*s = (struct slot){.fingerprint = fp, .id = id};
}

uint64_t
dedupe_find(const struct dedupe *d, const struct opid *op)
{
	uint64_t fp = fingerprint(d, op);
	uint64_t id = d->young.cap ? generation_slot(&d->young, fp)->id : 0;

	return id || !d->old.cap ? id : generation_slot(&d->old, fp)->id;
}
