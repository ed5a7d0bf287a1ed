/* See sources.h. The rate is a bucket of `per_minute` that fills evenly over a minute. Who has no connection stands in a list, so that a
 * sweep looks only at those that may go. */
#include "sources.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

#define MINUTE_MS 60000

struct entry {
	struct source key;
	unsigned connections;
	uint64_t spent_ms;   /* each new connection spends MINUTE_MS / per_minute of it … */
	uint64_t updated_ms; /* … and time pays it back */
	struct list idle;    /* without a connection, in the order in which the last one went */
	UT_hash_handle hh;
};

struct source_table {
	struct entry *entries;
	struct list idle;
};

struct source_table *
source_table_new(void)
{
	struct source_table *t = NEW(struct source_table);

	list_init(&t->idle);
	return t;
}

void
source_table_free(struct source_table **t)
{
	struct entry *e, *next;

	if (!*t)
		return;
	HASH_ITER(hh, (*t)->entries, e, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the macro goes on with `next` */
		HASH_DEL((*t)->entries, e);
		free(e);
	}
	free(*t);
	*t = NULL;
}

static struct entry *
entry_find(const struct source_table *t, const struct source *s)
{
	struct source key = source_customer(s);
	struct entry *e;

	HASH_FIND(hh, t->entries, &key, sizeof(key), e);
	return e;
}

static struct entry *
entry_new(struct source_table *t, const struct source *s, uint64_t now_ms)
{
	struct entry *e;

	if (HASH_COUNT(t->entries) >= SOURCES_MAX)
		return NULL;
	e = NEW(struct entry);
	e->key = source_customer(s);
	e->updated_ms = now_ms;
	list_init(&e->idle);
	list_add(&t->idle, &e->idle);
	HASH_ADD(hh, t->entries, key, sizeof(e->key), e);
	return e;
}

static void
entry_pay_back(struct entry *e, uint64_t now_ms)
{
	uint64_t passed = now_ms - e->updated_ms;

	e->spent_ms = passed < e->spent_ms ? e->spent_ms - passed : 0;
	e->updated_ms = now_ms;
}

bool
source_enter(
    struct source_table *t, const struct source *s, const struct source_limits *l, uint64_t now_ms)
{
	struct entry *e = entry_find(t, s);
	uint64_t price = MINUTE_MS / l->per_minute;

	if (!e)
		e = entry_new(t, s, now_ms);
	if (!e)
		return false;
	entry_pay_back(e, now_ms);
	if (e->connections >= l->connections || e->spent_ms + price > MINUTE_MS)
		return false;
	e->connections++;
	e->spent_ms += price;
	list_remove(&e->idle);
	return true;
}

void
source_leave(struct source_table *t, const struct source *s)
{
	struct entry *e = entry_find(t, s);

	if (e && e->connections && --e->connections == 0)
		list_add(&t->idle, &e->idle);
}

void
source_sweep(struct source_table *t, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&t->idle, it, next) {
		struct entry *e = CONTAINER_OF(it, struct entry, idle);

		/* Those behind it may have been silent for longer: then they go a little later. */
		if (now_ms - e->updated_ms < MINUTE_MS)
			return;
		list_remove(it);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what is idle is in entries */
		HASH_DEL(t->entries, e);
		free(e);
	}
}

size_t
source_count(const struct source_table *t)
{
	return HASH_COUNT(t->entries);
}
