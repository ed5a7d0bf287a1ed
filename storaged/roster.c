/* Rosters: items, groups, one version per owner that grows with every change (RFC 6121 §2.6). */
#include <stdlib.h>

#include "accounts.h"

#define ROSTER_MAX 5000 /* items; what an answer can carry (DESIGN.md §3) */
#define GROUPS_MAX 100

enum {
	Q_ITEMS,
	Q_GROUPS,
	Q_VERSION,
	Q_VERSION_NEXT,
	Q_COUNT_ITEMS,
	Q_HAS,
	Q_PUT,
	Q_GROUP_PUT,
	Q_GROUPS_DEL,
	Q_DEL,
	Q_COUNT,
};

static struct db_stmt stmts[Q_COUNT] = {
    [Q_ITEMS] = {.sql = "SELECT contact, name, subscription, ask, approved, pending_in, pending FROM roster"
			" WHERE owner = ?1 ORDER BY contact"},
    [Q_GROUPS] =
	{.sql = "SELECT contact, name FROM roster_group WHERE owner = ?1 ORDER BY contact, name"},
    [Q_VERSION] = {.sql = "SELECT version FROM roster_version WHERE owner = ?1"},
    [Q_VERSION_NEXT] = {.sql = "INSERT INTO roster_version(owner, version) VALUES(?1, 1)"
			       " ON CONFLICT DO UPDATE SET version = version + 1 RETURNING version"},
    [Q_COUNT_ITEMS] = {.sql = "SELECT count(*) FROM roster WHERE owner = ?1"},
    [Q_HAS] = {.sql = "SELECT 1 FROM roster WHERE owner = ?1 AND contact = ?2"},
    [Q_PUT] =
	{.sql = "INSERT INTO roster(owner, contact, name, subscription, ask, approved, pending_in, pending)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET name = excluded.name,"
		" subscription = excluded.subscription, ask = excluded.ask, approved = excluded.approved,"
		" pending_in = excluded.pending_in, pending = excluded.pending"},
    [Q_GROUP_PUT] =
	{.sql = "INSERT INTO roster_group(owner, contact, name) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING"},
    [Q_GROUPS_DEL] = {.sql = "DELETE FROM roster_group WHERE owner = ?1 AND contact = ?2"},
    [Q_DEL] = {.sql = "DELETE FROM roster WHERE owner = ?1 AND contact = ?2"},
};

void
roster_statements_finalize(void)
{
	db_stmts_finalize(stmts, Q_COUNT);
}

/* First column of the first row of a statement on the owner; 0 when there is none. */
static uint64_t
number_of(sqlite3 *db, int q, struct str owner)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[q]);
	uint64_t v = 0;

	if (!st)
		return 0;
	db_bind_str(st, 1, owner);
	if (db_step(st) == SQLITE_ROW)
		v = db_column_u64(st, 0);
	sqlite3_reset(st);
	return v;
}

static void
item_read(struct arena *a, sqlite3_stmt *st, struct rec_roster_item *item)
{
	item->jid = arena_str(a, db_column_str(st, 0));
	item->name = arena_str(a, db_column_str(st, 1));
	item->subscription = (uint8_t)sqlite3_column_int(st, 2);
	item->ask = sqlite3_column_int(st, 3) != 0;
	item->approved = sqlite3_column_int(st, 4) != 0;
	item->pending_in = sqlite3_column_int(st, 5) != 0;
	item->pending = arena_str(a, db_column_str(st, 6));
}

static int
items_read(struct job *job, sqlite3 *db, struct str owner, struct bus_list *items_r)
{
	struct rec_roster_item *items;
	uint32_t n = 0, max = (uint32_t)number_of(db, Q_COUNT_ITEMS, owner);
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_ITEMS]);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	items = arena_alloc(&job->arena, (max + 1) * sizeof(*items));
	db_bind_str(st, 1, owner);
	while ((rc = db_step(st)) == SQLITE_ROW && n < max)
		item_read(&job->arena, st, &items[n++]);
	sqlite3_reset(st);
	*items_r = (struct bus_list){.items = items, .count = n};
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Both lists are in order of the contact: one walk puts each group to its item. */
static int
groups_read(struct job *job, sqlite3 *db, struct str owner, struct bus_list *list)
{
	struct rec_roster_item *item = (struct rec_roster_item *)(uintptr_t)list->items,
			       *end = item + list->count;
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_GROUPS]);
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, owner);
	while ((rc = db_step(st)) == SQLITE_ROW) {
		struct rec_group *groups;

		while (item < end && !str_eq(item->jid, db_column_str(st, 0)))
			item++;
		if (item == end)
			break;
		if (!item->groups.items)
			item->groups.items = arena_alloc(&job->arena, GROUPS_MAX * sizeof(*groups));
		groups = (struct rec_group *)(uintptr_t)item->groups.items;
		if (item->groups.count < GROUPS_MAX)
			groups[item->groups.count++].name =
			    arena_str(&job->arena, db_column_str(st, 1));
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int
roster_get(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ROSTER_GET *m = msg;
	struct bus_list items = {.count = 0};
	int rc = items_read(job, db, m->owner, &items);

	if (rc == SQLITE_OK && items.count)
		rc = groups_read(job, db, m->owner, &items);
	if (rc != SQLITE_OK)
		return rc;
	job->answer.roster =
	    (struct msg_ROSTER){.version = number_of(db, Q_VERSION, m->owner), .items = items};
	return job_answer(job, MSG_ROSTER);
}

static int
answer_version(struct job *job, uint64_t version)
{
	job->answer.roster_changed = (struct msg_ROSTER_CHANGED){.version = version};
	return job_answer(job, MSG_ROSTER_CHANGED);
}

/* The change was made: next version, remembered and answered. */
static int
roster_changed(struct job *job, sqlite3 *db, struct str owner)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_VERSION_NEXT]);
	uint64_t version = 0;
	int rc;

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, owner);
	rc = db_step(st);
	if (rc == SQLITE_ROW) {
		version = db_column_u64(st, 0);
		rc = db_step(st);
	}
	if (rc != SQLITE_DONE)
		return rc;
	rc = verb_remember(job, db, owner, version);
	return rc == SQLITE_OK ? answer_version(job, version) : rc;
}

/* Steps a statement on (owner, contact). */
static int
on_contact(sqlite3 *db, int q, struct str owner, struct str contact)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[q]);

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, owner);
	db_bind_str(st, 2, contact);
	return db_step(st);
}

static int
groups_write(sqlite3 *db, struct str owner, const struct rec_roster_item *item)
{
	struct bus_list groups = item->groups;
	struct rec_group group;
	int rc = on_contact(db, Q_GROUPS_DEL, owner, item->jid);

	while (rc == SQLITE_DONE && bus_list_next(&groups, &bus_record_group, &group)) {
		sqlite3_stmt *st = db_stmt(db, &stmts[Q_GROUP_PUT]);

		if (!st)
			return sqlite3_errcode(db);
		db_bind_str(st, 1, owner);
		db_bind_str(st, 2, item->jid);
		db_bind_str(st, 3, group.name);
		rc = db_step(st);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
item_write(sqlite3 *db, struct str owner, const struct rec_roster_item *item)
{
	sqlite3_stmt *st = db_stmt(db, &stmts[Q_PUT]);

	if (!st)
		return sqlite3_errcode(db);
	db_bind_str(st, 1, owner);
	db_bind_str(st, 2, item->jid);
	db_bind_str(st, 3, item->name);
	sqlite3_bind_int(st, 4, item->subscription);
	sqlite3_bind_int(st, 5, item->ask);
	sqlite3_bind_int(st, 6, item->approved);
	sqlite3_bind_int(st, 7, item->pending_in);
	db_bind_blob(st, 8, item->pending);
	return db_run(st);
}

static bool
roster_full(sqlite3 *db, struct str owner, struct str contact)
{
	int rc;

	if (number_of(db, Q_COUNT_ITEMS, owner) < ROSTER_MAX)
		return false;
	rc = on_contact(db, Q_HAS, owner, contact);
	if (rc == SQLITE_ROW)
		sqlite3_reset(stmts[Q_HAS].st);
	return rc != SQLITE_ROW;
}

int
roster_put(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ROSTER_PUT *m = msg;
	uint64_t version;
	int rc;

	if (verb_seen(job, db, m->owner, &version))
		return answer_version(job, version);
	if (disk_is_full(job->storaged))
		return job_refuse(job, BUS_ERROR_FULL, "the disk is full");
	if (roster_full(db, m->owner, m->item.jid))
		return job_refuse(job, BUS_ERROR_LIMIT, "the roster is full");
	rc = item_write(db, m->owner, &m->item);
	if (rc == SQLITE_OK)
		rc = groups_write(db, m->owner, &m->item);
	return rc == SQLITE_OK ? roster_changed(job, db, m->owner) : rc;
}

int
roster_del(struct job *job, sqlite3 *db, const void *msg)
{
	const struct msg_ROSTER_DEL *m = msg;
	uint64_t version;
	int rc;

	if (verb_seen(job, db, m->owner, &version))
		return answer_version(job, version);
	rc = on_contact(db, Q_GROUPS_DEL, m->owner, m->contact);
	if (rc == SQLITE_DONE)
		rc = on_contact(db, Q_DEL, m->owner, m->contact);
	if (rc != SQLITE_DONE)
		return rc;
	if (sqlite3_changes(db) == 0)
		return job_refuse(job, BUS_ERROR_NOT_FOUND, "no such item");
	return roster_changed(job, db, m->owner);
}
