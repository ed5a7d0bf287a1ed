/* SQL of authd: constant text, bound values (INV-20). Runs on the writer's thread; touches nothing
 * but the request and the connection. */
#include "store_verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/damage.h"

const char *const store_sql[ST_COUNT] = {
    [ST_FIND] = "SELECT id, generation, notice, maker_incarnation, maker_request"
		" FROM account WHERE jid = ?1",
    [ST_ANY] = "SELECT min(id) FROM account",
    [ST_CREDENTIALS] = "SELECT hash, iterations, salt, stored_key, server_key"
		       " FROM credential WHERE account = ?1",
    [ST_INSERT] = "INSERT INTO account(jid, domain, generation, maker_incarnation,"
		  " maker_request, created_us) VALUES(?1, ?2, 1, ?3, ?4, ?5)",
    [ST_INSERT_CREDENTIAL] = "INSERT INTO credential(account, hash, iterations, salt,"
			     " stored_key, server_key) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [ST_DROP_CREDENTIALS] = "DELETE FROM credential WHERE account = ?1",
    [ST_CHANGE] = "UPDATE account SET generation = generation + 1, notice = max(notice, ?2),"
		  " notice_generation = generation + 1 WHERE id = ?1",
    [ST_ENTOMB] = "UPDATE account SET generation = generation + 1, notice = 3 WHERE id = ?1",
    [ST_FORGET] = "DELETE FROM account WHERE jid = ?1 AND notice = 3",
    [ST_RAISE] = "UPDATE account SET generation = generation + 1 WHERE id = ?1",
    [ST_LIST] = "SELECT jid, generation, notice FROM account"
		" WHERE notice <> 3 AND jid > ?1 ORDER BY jid",
    [ST_LIST_DOMAIN] = "SELECT jid, generation, notice FROM account"
		       " WHERE notice <> 3 AND domain = ?2 AND jid > ?1 ORDER BY jid",
    [ST_PENDING] = "SELECT jid, notice_generation, notice FROM account"
		   " WHERE notice > 0 AND jid > ?1 ORDER BY jid",
    [ST_TOLD] = "UPDATE account SET notice = 0"
		" WHERE jid = ?1 AND notice_generation = ?2 AND notice <> 3",
    [ST_SECRET] = "SELECT value FROM secret WHERE name = ?1",
    [ST_INSERT_SECRET] = "INSERT INTO secret(name, value) VALUES(?1, ?2)",
    [ST_CHECK] = "PRAGMA quick_check(1)",
};

/* A row of `account`. */
struct found {
	uint64_t id, generation;
	enum store_notice notice;
	struct store_maker maker;
};

static sqlite3_stmt *
statement(struct store *s, enum store_statement which)
{
	return db_stmt(s->db, &s->statements[which]);
}

/* SQLITE_ROW or SQLITE_DONE, else an error. */
static int
account_find(struct store *s, struct str jid, struct found *f_r)
{
	sqlite3_stmt *st = statement(s, ST_FIND);
	int rc;

	if (!st)
		return SQLITE_ERROR;
	db_bind_str(st, 1, jid);
	rc = db_step(st);
	if (rc == SQLITE_ROW) {
		*f_r = (struct found){
		    .id = db_column_u64(st, 0),
		    .generation = db_column_u64(st, 1),
		    .notice = (enum store_notice)db_column_u64(st, 2),
		    .maker = {db_column_u64(st, 3), db_column_u64(st, 4)},
		};
		sqlite3_reset(st);
	}
	return rc;
}

/* As above for verbs that need a living account: SQLITE_OK, with r->result saying whether there is
 * one. */
static int
account_need(struct store *s, struct store_request *r, struct found *f_r)
{
	int rc = account_find(s, r->jid, f_r);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	r->result = rc == SQLITE_ROW && f_r->notice != NOTICE_REMOVE ? STORE_OK : STORE_NOT_FOUND;
	return SQLITE_OK;
}

static bool
blob_take(struct str blob, uint8_t *to, size_t size)
{
	if (blob.n != size)
		return false;
	memcpy(to, blob.p, size);
	return true;
}

/* A row that no version of us wrote counts as no credential. */
static void
credential_take(sqlite3_stmt *st, struct credentials *c)
{
	uint64_t d = db_column_u64(st, 0);
	struct str salt = db_column_str(st, 2);
	struct credential one = {.iterations = (uint32_t)db_column_u64(st, 1)};

	if (d >= DIGEST_COUNT || salt.n > CREDENTIAL_SALT_MAX || str_empty(salt))
		return;
	one.salt_n = (uint8_t)salt.n;
	memcpy(one.salt, salt.p, salt.n);
	if (blob_take(db_column_str(st, 3), one.stored_key, digest_size((enum digest)d)) &&
	    blob_take(db_column_str(st, 4), one.server_key, digest_size((enum digest)d)))
		c->of[d] = one;
}

static int
credentials_read(struct store *s, uint64_t account, struct credentials *c_r)
{
	sqlite3_stmt *st = statement(s, ST_CREDENTIALS);
	int rc;

	if (!st)
		return SQLITE_ERROR;
	db_bind_u64(st, 1, account);
	while ((rc = db_step(st)) == SQLITE_ROW)
		credential_take(st, c_r);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Any account that is there. */
static uint64_t
account_any(struct store *s)
{
	sqlite3_stmt *st = statement(s, ST_ANY);
	uint64_t id = 0;

	if (db_step(st) == SQLITE_ROW) {
		id = db_column_u64(st, 0);
		sqlite3_reset(st);
	}
	return id;
}

/* For an account that does not exist somebody else's credentials are read and dropped: it takes as
 * long (INV-16). */
static int
verb_find(struct store *s, struct store_request *r)
{
	struct found f = {0};
	int rc = account_need(s, r, &f);

	if (rc != SQLITE_OK)
		return rc;
	r->generation = f.generation;
	memset(&r->credentials, 0, sizeof(r->credentials));
	rc = credentials_read(s, r->result == STORE_OK ? f.id : account_any(s), &r->credentials);
	if (r->result != STORE_OK)
		credentials_wipe(&r->credentials);
	return rc;
}

static int
credentials_insert(struct store *s, uint64_t account, const struct credentials *c)
{
	int rc = SQLITE_OK;

	for (enum digest d = 0; d < DIGEST_COUNT && rc == SQLITE_OK; d++) {
		sqlite3_stmt *st = statement(s, ST_INSERT_CREDENTIAL);

		if (!st)
			return SQLITE_ERROR;
		db_bind_u64(st, 1, account);
		db_bind_u64(st, 2, d);
		db_bind_u64(st, 3, c->of[d].iterations);
		db_bind_blob(st, 4, credential_salt(&c->of[d]));
		db_bind_blob(st, 5, str_of(c->of[d].stored_key, digest_size(d)));
		db_bind_blob(st, 6, str_of(c->of[d].server_key, digest_size(d)));
		rc = db_run(st);
	}
	return rc;
}

static enum store_result
add_verdict(const struct store_request *r, const struct found *f)
{
	if (f->notice == NOTICE_REMOVE)
		return STORE_BEING_REMOVED;
	/* The request that made it, sent again because its answer was lost. */
	if (r->maker.incarnation && r->maker.incarnation == f->maker.incarnation &&
	    r->maker.request == f->maker.request)
		return STORE_OK;
	return STORE_EXISTS;
}

static int
verb_add(struct store *s, struct store_request *r)
{
	struct found f = {0};
	sqlite3_stmt *st;
	int rc = account_find(s, r->jid, &f);

	if (rc == SQLITE_ROW) {
		r->result = add_verdict(r, &f);
		r->generation = f.generation;
		return SQLITE_OK;
	}
	if (rc == SQLITE_DONE && r->check_only) {
		r->result = STORE_NOT_FOUND;
		return SQLITE_OK;
	}
	if (rc == SQLITE_DONE && r->no_room) {
		r->result = STORE_FULL;
		return SQLITE_OK;
	}
	st = rc == SQLITE_DONE ? statement(s, ST_INSERT) : NULL;
	if (!st)
		return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
	db_bind_str(st, 1, r->jid);
	db_bind_str(st, 2, r->domain);
	db_bind_u64(st, 3, r->maker.incarnation);
	db_bind_u64(st, 4, r->maker.request);
	db_bind_u64(st, 5, (uint64_t)clock_wall_us());
	rc = db_run(st);
	r->generation = 1;
	r->result = STORE_OK;
	return rc == SQLITE_OK
	    ? credentials_insert(s, (uint64_t)sqlite3_last_insert_rowid(s->db), &r->credentials)
	    : rc;
}

/* Runs a statement whose first value is an account's number; v < 0: it has no second. */
static int
account_update(struct store *s, enum store_statement which, uint64_t id, int v)
{
	sqlite3_stmt *st = statement(s, which);

	if (!st)
		return SQLITE_ERROR;
	db_bind_u64(st, 1, id);
	if (v >= 0)
		db_bind_u64(st, 2, (uint64_t)v);
	return db_run(st);
}

static int
verb_passwd(struct store *s, struct store_request *r)
{
	struct found f = {0};
	int rc = account_need(s, r, &f);

	if (r->check_only)
		r->result = STORE_NOT_FOUND; /* who set a password last is not kept */
	else if (r->result == STORE_OK && r->no_room)
		r->result = STORE_FULL;
	if (rc != SQLITE_OK || r->result != STORE_OK)
		return rc;
	r->generation = f.generation + 1;
	rc = account_update(s, ST_CHANGE, f.id, r->close_sessions ? NOTICE_CLOSE : NOTICE_CHANGED);
	if (rc == SQLITE_OK)
		rc = account_update(s, ST_DROP_CREDENTIALS, f.id, -1);
	return rc == SQLITE_OK ? credentials_insert(s, f.id, &r->credentials) : rc;
}

/* Done again it is still done: the tombstone stands until sessiond has acknowledged. */
static int
verb_remove(struct store *s, struct store_request *r)
{
	struct found f = {0};
	int rc = account_find(s, r->jid, &f);

	if (rc != SQLITE_ROW) {
		r->result = STORE_NOT_FOUND;
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	}
	r->result = STORE_OK;
	if (f.notice == NOTICE_REMOVE)
		return SQLITE_OK;
	rc = account_update(s, ST_ENTOMB, f.id, -1);
	return rc == SQLITE_OK ? account_update(s, ST_DROP_CREDENTIALS, f.id, -1) : rc;
}

static int
verb_raise(struct store *s, struct store_request *r)
{
	struct found f = {0};
	int rc = account_need(s, r, &f);

	if (rc != SQLITE_OK || r->result != STORE_OK)
		return rc;
	r->generation = f.generation + 1;
	return account_update(s, ST_RAISE, f.id, -1);
}

static void
row_add(struct store_request *r, struct str jid, uint64_t generation, enum store_notice notice)
{
	if (!r->rows)
		r->rows = mem_new_array(STORE_ROWS_MAX, sizeof(*r->rows));
	r->rows[r->n_rows++] = (struct store_row){str_dup(jid), jid.n, generation, notice};
}

static int
verb_generations(struct store *s, struct store_request *r)
{
	struct found f = {0};

	for (size_t i = 0; i < r->n_names && i < STORE_ROWS_MAX; i++) {
		int rc = account_find(s, r->names[i], &f);

		if (rc == SQLITE_ROW && f.notice != NOTICE_REMOVE)
			row_add(r, r->names[i], f.generation, f.notice);
		else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return rc;
	}
	r->result = STORE_OK;
	return SQLITE_OK;
}

/* A page: as many rows as one answer may carry. */
static int
page_read(struct store_request *r, sqlite3_stmt *st)
{
	size_t bytes = 0;
	int rc;

	while ((rc = db_step(st)) == SQLITE_ROW) {
		struct str jid = db_column_str(st, 0);

		bytes += jid.n;
		if (r->n_rows == STORE_ROWS_MAX || bytes > STORE_ROWS_BYTES) {
			r->more = true;
			sqlite3_reset(st);
			return SQLITE_OK;
		}
		row_add(r, jid, db_column_u64(st, 1), (enum store_notice)db_column_u64(st, 2));
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
verb_page(struct store *s, struct store_request *r)
{
	enum store_statement which = str_empty(r->domain) ? ST_LIST : ST_LIST_DOMAIN;
	sqlite3_stmt *st = statement(s, r->verb == STORE_PENDING ? ST_PENDING : which);

	if (!st)
		return SQLITE_ERROR;
	db_bind_str(st, 1, r->after);
	if (r->verb == STORE_LIST && which == ST_LIST_DOMAIN)
		db_bind_str(st, 2, r->domain);
	r->result = STORE_OK;
	return page_read(r, st);
}

/* STORE_FORGET and STORE_TOLD: sessiond has heard of it, and a tombstone or a notice has done its work. */
static int
verb_acknowledge(struct store *s, struct store_request *r)
{
	bool is_notice = r->verb == STORE_TOLD;
	sqlite3_stmt *st = statement(s, is_notice ? ST_TOLD : ST_FORGET);

	if (!st)
		return SQLITE_ERROR;
	db_bind_str(st, 1, r->jid);
	if (is_notice)
		db_bind_u64(st, 2, r->generation);
	r->result = STORE_OK;
	return db_run(st);
}

static int
verb_check(struct store *s, struct store_request *r)
{
	sqlite3_stmt *st = statement(s, ST_CHECK);
	int rc = db_step(st);

	if (rc != SQLITE_ROW)
		return rc;
	if (str_is(db_column_str(st, 0), "ok")) {
		r->result = STORE_OK;
		rc = SQLITE_OK;
	} else {
		damage_note(s->db, (const char *)sqlite3_column_text(st, 0));
		rc = SQLITE_CORRUPT;
	}
	sqlite3_reset(st);
	return rc;
}

static int (*const verbs[STORE_VERB_COUNT])(struct store *s, struct store_request *r) = {
    [STORE_FIND] = verb_find,
    [STORE_ADD] = verb_add,
    [STORE_PASSWD] = verb_passwd,
    [STORE_REMOVE] = verb_remove,
    [STORE_FORGET] = verb_acknowledge,
    [STORE_RAISE] = verb_raise,
    [STORE_GENERATIONS] = verb_generations,
    [STORE_LIST] = verb_page,
    [STORE_PENDING] = verb_page,
    [STORE_TOLD] = verb_acknowledge,
    [STORE_CHECK] = verb_check,
};

int
store_verb_run(struct store *s, struct store_request *r)
{
	return verbs[r->verb](s, r);
}
