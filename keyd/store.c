/* Keys and chains in memory. Every change counts up `generation`, and the edges are told the whole list anew; it
 * also draws a new ticket key, because a resumed session shows no certificate and its channel binding must be that of
 * the one the client saw (common/tls/tls.c relies on it). A key that no chain uses any more signs for 30 s more, as
 * handshakes that began with its certificate may be under way. */

#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

void
store_init(struct store *s)
{
	*s = (struct store){.generation = 1};
	list_init(&s->keys);
	list_init(&s->chains);
	id_random_bytes(s->ticket, sizeof s->ticket);
}

static void
free_key(struct key *k)
{
	list_remove(&k->link);
	gnutls_privkey_deinit(k->key);
	free(k);
}

static void
free_chain(struct chain *c)
{
	list_remove(&c->link);
	buf_deinit(&c->pem);
	free(c->domain);
	free(c);
}

void
store_deinit(struct store *s)
{
	if (s->generation == 0)
		return;
	LIST_FOREACH_SAFE(&s->chains, it, next)
		free_chain(CONTAINER_OF(it, struct chain, link));
	LIST_FOREACH_SAFE(&s->keys, it, next)
		free_key(CONTAINER_OF(it, struct key, link));
	secret_wipe(s->ticket, sizeof s->ticket);
	s->generation = 0;
}

const struct key *
store_key(const struct store *s, uint32_t id)
{
	LIST_FOREACH(&s->keys, it) {
		const struct key *k = CONTAINER_OF(it, struct key, link);
		if (k->id == id)
			return k;
	}
	return NULL;
}

static struct key *
find_key_by_hash(const struct store *s, const uint8_t hash[PAIR_KEY_HASH])
{
	LIST_FOREACH(&s->keys, it) {
		struct key *k = CONTAINER_OF(it, struct key, link);
		if (memcmp(k->hash, hash, PAIR_KEY_HASH) == 0)
			return k;
	}
	return NULL;
}

/* The first bytes of the public key's hash; the next free number in the unlikely case that it is taken. */
static uint32_t
choose_id(const struct store *s, const uint8_t hash[PAIR_KEY_HASH])
{
	uint32_t id;

	memcpy(&id, hash, sizeof id);
	while (store_key(s, id) != NULL)
		id++;
	return id;
}

/* The store's key for the pair, whose own is used or freed. */
static struct key *
take_key(struct store *s, struct pair *pair)
{
	struct key *k = find_key_by_hash(s, pair->key_hash);

	if (k == NULL) {
		k = NEW(struct key);
		k->id = choose_id(s, pair->key_hash);
		memcpy(k->hash, pair->key_hash, sizeof k->hash);
		k->key = pair->key;
		k->pk = pair->pk;
		list_add(&s->keys, &k->link);
	} else {
		gnutls_privkey_deinit(pair->key);
	}
	pair->key = NULL;
	k->users++;
	return k;
}

static void
leave_key(struct key *k, uint64_t now_ms)
{
	if (--k->users == 0)
		k->retired_ms = now_ms;
}

const struct chain *
store_find(const struct store *s, struct str domain)
{
	LIST_FOREACH(&s->chains, it) {
		const struct chain *c = CONTAINER_OF(it, struct chain, link);
		if (str_is(domain, c->domain))
			return c;
	}
	return NULL;
}

/* An edge shows for a name its own certificate or that of the nearest domain above it. A key that nobody uses any more stays
 * with those who had it. */
static void
share(struct store *s)
{
	LIST_FOREACH(&s->chains, it)
		CONTAINER_OF(it, struct chain, link)->for_components = false;
	for (size_t i = 0; i < s->n_components; i++)
		for (struct str name = str_z(s->components[i]), label; !str_empty(name);
		     str_split(name, '.', &label, &name)) {
			struct chain *c = (struct chain *)store_find(s, name);

			if (c != NULL)
				c->for_components = true;
		}
	LIST_FOREACH(&s->keys, it) {
		struct key *k = CONTAINER_OF(it, struct key, link);

		k->for_components = k->users == 0 && k->for_components;
	}
	LIST_FOREACH(&s->chains, it) {
		struct chain *c = CONTAINER_OF(it, struct chain, link);

		c->key->for_components |= c->for_components;
	}
}

static void
changed(struct store *s)
{
	share(s);
	s->generation++;
	id_random_bytes(s->ticket, sizeof s->ticket);
}

void
store_put(struct store *s, struct str domain, struct pair *pair, uint64_t now_ms)
{
	struct chain *c = (struct chain *)store_find(s, domain);
	struct key *old = c != NULL ? c->key : NULL;

	if (c == NULL) {
		c = NEW(struct chain);
		c->domain = str_dup(domain);
		list_add(&s->chains, &c->link);
	}
	pair_describe(pair, c->kind);
	c->key = take_key(s, pair);
	if (old != NULL)
		leave_key(old, now_ms);
	buf_deinit(&c->pem);
	c->pem = pair->chain_pem;
	pair->chain_pem = (struct buf){0};
	c->expires = pair->expires;
	c->self_signed = pair->self_signed;
	changed(s);
}

bool
store_remove(struct store *s, struct str domain, uint64_t now_ms)
{
	struct chain *c = (struct chain *)store_find(s, domain);

	if (c == NULL)
		return false;
	leave_key(c->key, now_ms);
	free_chain(c);
	changed(s);
	return true;
}

void
store_set_components(struct store *s, const char *const *names, size_t n)
{
	s->components = names;
	s->n_components = n;
	changed(s);
}

void
store_rotate_ticket(struct store *s)
{
	changed(s);
}

void
store_purge(struct store *s, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&s->keys, it, next) {
		struct key *k = CONTAINER_OF(it, struct key, link);
		if (k->users == 0 && now_ms - k->retired_ms >= STORE_RETIRE_MS)
			free_key(k);
	}
}
