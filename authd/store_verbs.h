/* What each verb does to the database; run inside a transaction, and again from nothing if that was
 * rolled back. */
#pragma once

#include "store.h"

enum store_statement {
	ST_FIND,
	ST_ANY,
	ST_CREDENTIALS,
	ST_INSERT,
	ST_INSERT_CREDENTIAL,
	ST_DROP_CREDENTIALS,
	ST_CHANGE,
	ST_ENTOMB,
	ST_FORGET,
	ST_RAISE,
	ST_LIST,
	ST_LIST_DOMAIN,
	ST_PENDING,
	ST_TOLD,
	ST_SECRET,
	ST_INSERT_SECRET,
	ST_CHECK,
	ST_COUNT,
};

extern const char *const store_sql[ST_COUNT];

struct store {
	sqlite3 *db; /* the writer's thread's, once attached */
	struct db_writer *writer;
	struct db_stmt statements[ST_COUNT];
};

/* SQLITE_OK with r->result set, or SQLite's error: then nothing of it may stay. */
int store_verb_run(struct store *s, struct store_request *r);
