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

static void
generation_grow(struct generation *g)
{
	struct generation bigger = {.cap = g->cap ? g->cap * 2 : CAP_MIN, .n = g->n};

	bigger.slots = mem_new_array(bigger.cap, sizeof(struct slot));
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

void
dedupe_add(struct dedupe *d, const struct opid *op, uint64_t id)
{
	uint64_t fp = fingerprint(d, op);
	struct slot *s;

	if (d->young.n >= DEDUPE_GENERATION) {
		free(d->old.slots);
		d->old = d->young;
		d->young = (struct generation){.n = 0};
	}
	if (d->young.n * 2 >= d->young.cap)
		generation_grow(&d->young);
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
