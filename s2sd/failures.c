/* See failures.h. The hash keeps the order in which they came. */
#include "failures.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct failure_entry {
	UT_hash_handle hh;
	struct failure failure;
	uint64_t until_ms;
	char domain[];
};

struct failure_table {
	struct failure_entry *entries;
};

struct failure_table *
failure_table_new(void)
{
	return NEW(struct failure_table);
}

static void
remove_entry(struct failure_table *t, struct failure_entry *e)
{
	if (!e)
		return;
	HASH_DEL(t->entries, e);
	free(e);
}

void
failure_table_free(struct failure_table **tp)
{
	struct failure_table *t = *tp;
	struct failure_entry *e, *next;

	*tp = NULL;
	if (!t)
		return;
	HASH_ITER(hh, t->entries, e, next)
		remove_entry(t, e);
	free(t);
}

static struct failure_entry *
find(const struct failure_table *t, struct str domain)
{
	struct failure_entry *e;

	HASH_FIND(hh, t->entries, domain.p, domain.n, e);
	return e;
}

void
failure_del(struct failure_table *t, struct str domain)
{
	remove_entry(t, find(t, domain));
}

void
failure_add(struct failure_table *t, struct str domain, const struct failure *f, uint64_t until_ms)
{
	struct failure_entry *e;

	failure_del(t, domain);
	if (HASH_COUNT(t->entries) >= FAILURES_MAX)
		remove_entry(t, t->entries);
	e = mem_new(sizeof(*e) + domain.n + 1);
	memcpy(e->domain, domain.p, domain.n);
	e->failure = *f;
	e->until_ms = until_ms;
	HASH_ADD(hh, t->entries, domain, domain.n, e);
}

const struct failure *
failure_find(struct failure_table *t, struct str domain, uint64_t now_ms)
{
	struct failure_entry *e = find(t, domain);

	if (!e)
		return NULL;
	if (now_ms < e->until_ms)
		return &e->failure;
	remove_entry(t, e);
	return NULL;
}

size_t
failure_count(const struct failure_table *t)
{
	return HASH_COUNT(t->entries);
}
