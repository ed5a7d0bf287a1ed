/* Tickets in memory, found by the hash of the token: what a lookup compares is never the secret
 * itself (INV-16, 17). Owned by authd; a restart of authd voids them all, and those clients log in
 * again. */
#include "tickets.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct ticket {
	UT_hash_handle hh;
	uint8_t key[ID_BYTES]; /* hash of the token */
	char *jid;
	size_t jid_n;
	uint64_t generation;
	uint64_t expires_ms;
	struct handle handle;
};

struct tickets {
	struct ticket *map;
	size_t max;
};

static void
ticket_key(const struct id128 *ticket, uint8_t key_r[ID_BYTES])
{
	crypto_generichash(key_r, ID_BYTES, ticket->b, sizeof(ticket->b), NULL, 0);
}

static void
ticket_drop(struct tickets *t, struct ticket *one)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): uthash keeps no freed element */
	HASH_DELETE(hh, t->map, one);
	free(one->jid);
	free(one);
}

struct tickets *
tickets_new(size_t max)
{
	struct tickets *t = NEW(struct tickets);

	t->max = max;
	return t;
}

void
tickets_free(struct tickets **tp)
{
	struct tickets *t = *tp;
	struct ticket *one, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->map, one, next)
		ticket_drop(t, one);
	free(t);
	*tp = NULL;
}

bool
tickets_mint(struct tickets *t, struct str jid, uint64_t generation, const struct handle *handle,
    uint64_t expires_ms, struct id128 *ticket_r)
{
	struct ticket *one;

	if (HASH_COUNT(t->map) >= t->max)
		return false;
	one = NEW(struct ticket);
	*ticket_r = id_random();
	ticket_key(ticket_r, one->key);
	one->jid = str_dup(jid);
	one->jid_n = jid.n;
	one->generation = generation;
	one->expires_ms = expires_ms;
	one->handle = *handle;
	HASH_ADD(hh, t->map, key, sizeof(one->key), one);
	return true;
}

enum ticket_verdict
tickets_redeem(struct tickets *t, const struct id128 *ticket, const struct handle *handle,
    uint64_t now_ms, struct str *jid_r, uint64_t *generation_r)
{
	uint8_t key[ID_BYTES];
	struct ticket *one;

	ticket_key(ticket, key);
	HASH_FIND(hh, t->map, key, sizeof(key), one);
	if (!one || one->expires_ms <= now_ms)
		return TICKET_UNKNOWN;
	if (one->handle.edge_incarnation != handle->edge_incarnation ||
	    one->handle.conn != handle->conn)
		return TICKET_FOREIGN;
	*jid_r = str_of(one->jid, one->jid_n);
	*generation_r = one->generation;
	return TICKET_GOOD;
}

void
tickets_void(struct tickets *t, struct str jid)
{
	struct ticket *one, *next;

	HASH_ITER(hh, t->map, one, next)
		if (str_eq(str_of(one->jid, one->jid_n), jid))
			ticket_drop(t, one);
}

void
tickets_sweep(struct tickets *t, uint64_t now_ms)
{
	struct ticket *one, *next;

	HASH_ITER(hh, t->map, one, next)
		if (one->expires_ms <= now_ms)
			ticket_drop(t, one);
}

size_t
tickets_count(const struct tickets *t)
{
	return HASH_COUNT(t->map);
}
