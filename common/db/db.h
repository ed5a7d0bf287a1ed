/* SQLite as the suite uses it (SECURITY.md §3.8, ARCHIVE.md §7): one file, one writer. db.h opens and migrates a
 * file; writer.h runs jobs on its thread with group commit. Users: authd and storaged, each for its own files. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

/* A schema is a list of scripts; script i (from 0) takes a file of version i to i + 1 and must end by setting
 * user_version, all in one transaction: write it with DB_MIGRATION. */
#define DB_MIGRATION(version, sql) \
	"BEGIN IMMEDIATE;" sql ";PRAGMA user_version = " #version ";COMMIT;"

struct db_schema {
	const char *const *migrations; /* NULL-terminated */
};

/* Process-wide switches of SQLite; before the first db_open. Idempotent. */
void db_global_init(void);

/* Opens (creates) the file with every pragma set, migrates it forward step by step, keeping a copy "PATH.vN" of a
 * file of version N first. A file of a newer version, a damaged (damage.h) or locked one: -1 and a text that says what to do. A
 * lock that a dying predecessor still holds is waited for (5 s). */
int db_open(sqlite3 **db_r, const char *path, const struct db_schema *schema, struct err *err);
/* The same in the place of a file with a note of damage, once that was set aside. */
int db_open_anew(sqlite3 **db_r, const char *path, const struct db_schema *schema, struct err *err);
/* Ends the process when the disk fails (SQLITE_IOERR): what was written may be lost though the next sync succeeds, and starting is
 * recovering; and when the file is damaged. db_open makes every checkpoint end so too. */
void db_check_io(sqlite3 *db, int rc);
/* A second connection to a file that is open already, for reading alone; closed before the first. */
int db_open_reader(sqlite3 **db_r, const char *path, struct err *err);
/* A file that was set aside, for what can still be read of it. Neither it nor its log is changed, but a "-shm" is made. */
int db_open_damaged(sqlite3 **db_r, const char *path, struct err *err);
/* Closes; NULL is fine. All statements must have been finalized (db_stmts_finalize). */
void db_close(sqlite3 **db);

/* A statement that is prepared at its first use and kept. Text is constant at compile time (INV-20). */
struct db_stmt {
	const char *sql;
	sqlite3_stmt *st;
};

/* Ready to be bound: prepared and reset; NULL when it cannot be prepared (rc in sqlite3_errcode). */
sqlite3_stmt *db_stmt(sqlite3 *db, struct db_stmt *s);
/* For tables of statements. */
void db_stmts_finalize(struct db_stmt *s, size_t n);

/* Damage that one of these three meets is noted (damage.h).
 * Steps a statement that returns no rows, then resets it. SQLITE_OK or an error code. */
int db_run(sqlite3_stmt *st);
/* SQLITE_ROW, SQLITE_DONE, or an error code; the caller resets after SQLITE_ROW. */
int db_step(sqlite3_stmt *st);
/* Steps to the one row that must be there (SQLITE_OK; the caller resets); without it the file is SQLITE_CORRUPT. */
int db_row(sqlite3_stmt *st);

void db_bind_str(sqlite3_stmt *st, int i, struct str s); /* text; borrowed until the reset */
void db_bind_blob(sqlite3_stmt *st, int i, struct str s); /* blob; empty becomes a zero-length blob */
void db_bind_id(sqlite3_stmt *st, int i, const struct id128 *id);
void db_bind_u64(sqlite3_stmt *st, int i, uint64_t v);
/* A statement with its first parameters, which are numbers: DB_STMT(db, &stmts[Q_X], owner, id) as db_stmt, DB_RUN(…) as db_run. */
sqlite3_stmt *db_stmt_with(sqlite3 *db, struct db_stmt *s, const uint64_t *v, size_t n);
int db_run_with(sqlite3 *db, struct db_stmt *s, const uint64_t *v, size_t n);
#define DB_NUMBERS(...) \
	(const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)
#define DB_STMT(db, s, ...) db_stmt_with(db, s, DB_NUMBERS(__VA_ARGS__))
#define DB_RUN(db, s, ...) db_run_with(db, s, DB_NUMBERS(__VA_ARGS__))
/* Borrowed from the row until the next step or reset. */
struct str db_column_str(sqlite3_stmt *st, int i);
uint64_t db_column_u64(sqlite3_stmt *st, int i);
struct id128 db_column_id(sqlite3_stmt *st, int i);

/* Makes names that were made, changed or removed beside this file outlast a loss of power. err may be NULL. */
int db_sync_folder(const char *path, struct err *err);
/* Writes a consistent copy of an open database into a new file (backup). */
int db_copy(sqlite3 *db, const char *to, struct err *err);
