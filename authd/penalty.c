/* Failures by source and by account. One kind of entry serves both: a bucket of failures that
 * empties at the allowed rate, and once it has run over, a penalty that doubles with every further
 * failure until `window_ms` has passed without one. Memory is bounded: of more than ENTRIES_MAX
 * entries the one that failed least lately is forgotten.
 *
 *   (none) ─failed─▶ counting ─too many─▶ penalized ─┐ failed: doubled
 *      ▲                │ emptied            │  ▲────┘
 *      └────────────────┴──quiet for window──┘ */
#include "penalty.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define ENTRIES_MAX 65536
#define ACCOUNT_KEY_MAX 128 /* a longer JID shares its entry with those that begin alike */

struct entry {
	UT_hash_handle hh;
	struct list used; /* in the penalty's, least lately failed first */
	uint64_t last_ms;
	uint64_t until_ms;   /* end of the penalty */
	double level;        /* failures in the bucket at last_ms */
	uint32_t penalty_ms; /* 0: still counting */
	uint8_t key_n;
	char key[ACCOUNT_KEY_MAX + 1];
};

struct penalty {
	struct penalty_limits limits;
	struct entry *map;
	struct list used;
	struct networks exempt;
};

struct key {
	char text[ACCOUNT_KEY_MAX + 1];
	size_t n;
};

static struct key
key_make(char kind, const void *p, size_t n)
{
	struct key k = {.text = {kind}, .n = 1};

	if (n > ACCOUNT_KEY_MAX)
		n = ACCOUNT_KEY_MAX;
	memcpy(k.text + 1, p, n);
	k.n += n;
	return k;
}

static struct key
key_source(struct str source)
{
	struct source s;

	if (!source_parse(source, &s))
		return key_make('?', source.p, source.n);
	s = source_customer(&s);
	return key_make('s', s.bytes, sizeof(s.bytes));
}

static bool
is_exempt(const struct penalty *p, struct str source)
{
	struct source s;

	return source_parse(source, &s) && networks_have(&p->exempt, &s);
}

static struct entry *
entry_find(const struct penalty *p, const struct key *k)
{
	struct entry *e;

	HASH_FIND(hh, p->map, k->text, k->n, e);
	return e;
}

static void
entry_drop(struct penalty *p, struct entry *e)
{
	HASH_DELETE(hh, p->map, e);
	list_remove(&e->used);
	free(e);
}

static struct entry *
entry_get(struct penalty *p, const struct key *k)
{
	struct entry *e = entry_find(p, k);

	if (e) {
		list_remove(&e->used);
	} else {
		if (HASH_COUNT(p->map) >= ENTRIES_MAX)
			entry_drop(p, CONTAINER_OF(p->used.next, struct entry, used));
		e = NEW(struct entry);
		memcpy(e->key, k->text, k->n);
		e->key_n = (uint8_t)k->n;
		HASH_ADD_KEYPTR(hh, p->map, e->key, e->key_n, e);
	}
	list_add(&p->used, &e->used);
	return e;
}

/* Time has passed: the bucket empties, and after a quiet window the penalty is over. */
static void
entry_age(const struct penalty *p, struct entry *e, uint64_t now_ms)
{
	double left = e->level -
	    (double)(now_ms - e->last_ms) * p->limits.failures / (double)p->limits.window_ms;
	uint64_t quiet_since = e->until_ms > e->last_ms ? e->until_ms : e->last_ms;

	e->level = left > 0 ? left : 0;
	e->last_ms = now_ms;
	if (e->penalty_ms && now_ms >= quiet_since + p->limits.window_ms)
		e->penalty_ms = 0;
}

static uint32_t
entry_wait(const struct entry *e, uint64_t now_ms)
{
	return e && e->until_ms > now_ms ? (uint32_t)(e->until_ms - now_ms) : 0;
}

static uint32_t
entry_failed(struct penalty *p, const struct key *k, uint64_t now_ms)
{
	struct entry *e = entry_get(p, k);
	const struct penalty_limits *l = &p->limits;

	if (e->last_ms == 0)
		e->last_ms = now_ms;
	entry_age(p, e, now_ms);
	e->level += 1;
	if (e->penalty_ms)
		e->penalty_ms = e->penalty_ms > l->most_ms / 2 ? l->most_ms : 2 * e->penalty_ms;
	else if (e->level > l->failures)
		e->penalty_ms = l->first_ms;
	if (e->penalty_ms)
		e->until_ms = now_ms + e->penalty_ms;
	return entry_wait(e, now_ms);
}

struct penalty *
penalty_new(const struct penalty_limits *limits)
{
	struct penalty *p = NEW(struct penalty);

	list_init(&p->used);
	p->limits = *limits;
	return p;
}

void
penalty_free(struct penalty **pp)
{
	struct penalty *p = *pp;

	if (!p)
		return;
	while (!list_empty(&p->used))
		entry_drop(p, CONTAINER_OF(p->used.next, struct entry, used));
	free(p);
	*pp = NULL;
}

void
penalty_set_limits(struct penalty *p, const struct penalty_limits *limits)
{
	p->limits = *limits;
}

void
penalty_set_exempt(struct penalty *p, const struct networks *networks)
{
	p->exempt = *networks;
}

uint32_t
penalty_source(const struct penalty *p, struct str source, uint64_t now_ms)
{
	struct key k = key_source(source);

	return is_exempt(p, source) ? 0 : entry_wait(entry_find(p, &k), now_ms);
}

uint32_t
penalty_failed(struct penalty *p, struct str source, struct str account, uint64_t now_ms)
{
	uint32_t by_source, by_account = 0;
	struct key k = key_source(source);

	if (is_exempt(p, source))
		return 0;
	by_source = entry_failed(p, &k, now_ms);
	if (!str_empty(account)) {
		k = key_make('a', account.p, account.n);
		by_account = entry_failed(p, &k, now_ms);
	}
	return by_source > by_account ? by_source : by_account;
}

void
penalty_succeeded(struct penalty *p, struct str account)
{
	struct key k = key_make('a', account.p, account.n);
	struct entry *e = entry_find(p, &k);

	if (e)
		entry_drop(p, e);
}

size_t
penalty_count(const struct penalty *p)
{
	return HASH_COUNT(p->map);
}
