/* The keys and certificates that are in force, and the ticket key. */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "pair.h"
#include "tls/keywire.h"

#define STORE_RETIRE_MS 30000 /* how long a replaced key still signs, for handshakes under way */

/* Owned by the store. Several domains may share one (a certificate with several names). */
struct key {
	struct list link;
	uint32_t id; /* from the public key, so that a restarted keyd gives the same */
	uint8_t hash[PAIR_KEY_HASH];
	gnutls_privkey_t key;
	unsigned pk;
	unsigned users;      /* chains */
	bool for_components; /* a chain that uses it is, or was when it was the last one */
	uint64_t retired_ms; /* since when no chain uses it */
};

struct chain {
	struct list link;
	char *domain;
	struct key *key;
	struct buf pem;
	int64_t expires;
	bool self_signed;
	bool for_components; /* it is that of a component, or of a domain above one */
	char kind[32];
};

struct store {
	struct list keys;
	struct list chains; /* in the order of the settings; the first is the edges' default */
	uint8_t ticket[KEYWIRE_TICKET_SIZE];
	const char *const *components; /* names, owned by the suite's settings */
	size_t n_components;
	uint64_t generation; /* counts changes: what the edges have may be old */
};

void store_init(struct store *s);
void store_deinit(struct store *s);

/* The domain gets this pair, which is taken over. */
void store_put(struct store *s, struct str domain, struct pair *pair, uint64_t now_ms);
/* False when there is no such domain. */
bool store_remove(struct store *s, struct str domain, uint64_t now_ms);
const struct chain *store_find(const struct store *s, struct str domain);
/* NULL when there is none. */
const struct key *store_key(const struct store *s, uint32_t id);
/* Whose certificates componentd may have: those of these names and of the domains above them. The names stay borrowed until the
 * next call. */
void store_set_components(struct store *s, const char *const *names, size_t n);
void store_rotate_ticket(struct store *s);
/* Forgets keys that were retired STORE_RETIRE_MS ago. */
void store_purge(struct store *s, uint64_t now_ms);
