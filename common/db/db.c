/* Opening, migrating and closing SQLite files: see db.h. No connection is shared between threads while it is used;
 * handles are opened NOMUTEX and handed over before the first job. */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/damage.h"

#define BUSY_MS 5000
#define CHECKPOINT_PAGES 2000
/* KiB of each connection. What is read or written in order needs no more (ARCHIVE.md §2), and for the rest there is the kernel's. */
#define DB_CACHE "PRAGMA cache_size = -8192;"

static const char PRAGMAS[] = "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA mmap_size = 0;"
			      "PRAGMA foreign_keys = ON;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA cell_size_check = ON;"
			      "PRAGMA secure_delete = FAST;"
			      "PRAGMA journal_size_limit = 67108864;" DB_CACHE;

static const char READER_PRAGMAS[] = "PRAGMA query_only = ON;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA mmap_size = 0;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;" DB_CACHE;

void
db_global_init(void)
{
	/* Statistics take a global lock at every allocation; no handle is shared between threads. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_initialize();
}

static void
db_harden(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(db, BUSY_MS);
}

void
db_check_io(sqlite3 *db, int rc)
{
	if ((rc & 0xff) == SQLITE_IOERR)
		bug("database: %s; stopping so that the next start recovers", sqlite3_errmsg(db));
	damage_met(db, rc);
	if (damage_is(rc))
		bug("%s is damaged: %s; stopping, as it must not be written to any more",
		    sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
}

/* SQLite's own way to checkpoint says nothing of a sync that failed, and syncs again the next time: that may succeed though the kernel
 * has dropped the pages, and then the log is overwritten. */
static int
on_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
	(void)ctx;
	if (pages >= CHECKPOINT_PAGES)
		db_check_io(
		    db, sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
	return SQLITE_OK;
}

static int
db_version(sqlite3 *db, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	else
		err_set(err, "%s", sqlite3_errmsg(db));
	if (version < 0)
		damage_met(db, sqlite3_errcode(db));
	sqlite3_finalize(st);
	return version;
}

int
db_sync_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[DAMAGE_PATH_MAX];
	int fd, rc = 0;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
	    slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		rc = err_set(err, "%s: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* fsync, so that the copy is there before the original changes. */
static int
db_sync_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return err_set(err, "%s: %s", path, strerror(e));
	}
	close(fd);
	return db_sync_folder(path, err);
}

/* All pages in one step: nobody else writes, and the caller is the writer. */
static int
db_copy_pages(sqlite3 *db, sqlite3 *to)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", db, "main");

	if (!b)
		return sqlite3_errcode(to);
	sqlite3_backup_step(b, -1);
	return sqlite3_backup_finish(b);
}

int
db_copy(sqlite3 *db, const char *to, struct err *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	sqlite3 *copy = NULL;
	int rc;

	/* One left half done by a crash must not stay in the way. */
	unlink(to);
	rc = sqlite3_open_v2(to, &copy, flags, NULL);
	if (rc == SQLITE_OK)
		rc = db_copy_pages(db, copy);
	sqlite3_close(copy);
	if (rc != SQLITE_OK)
		return err_set(err, "cannot copy to %s: %s", to, sqlite3_errstr(rc));
	return db_sync_file(to, err);
}

static int
db_keep_copy(sqlite3 *db, const char *path, int version, struct err *err)
{
	char to[512];

	if (snprintf(to, sizeof(to), "%s.v%d", path, version) >= (int)sizeof(to))
		return err_set(err, "%s: path too long for a copy before the migration", path);
	return db_copy(db, to, err);
}

static int
db_migrate(sqlite3 *db, const char *path, const struct db_schema *schema, struct err *err)
{
	int known = 0, version = db_version(db, err);

	while (schema->migrations[known])
		known++;
	if (version < 0)
		return -1;
	if (version > known)
		return err_set(err,
		    "written by a newer version of Jackdaw (format %d, this one knows %d); install that version, "
		    "or restore a backup made by this one",
		    version, known);
	if (version > 0 && version < known && db_keep_copy(db, path, version, err) != 0)
		return -1;
	for (; version < known; version++) {
		if (sqlite3_exec(db, schema->migrations[version], NULL, NULL, NULL) != SQLITE_OK) {
			err_set(err, "migration to format %d failed: %s", version + 1,
			    sqlite3_errmsg(db));
			damage_met(db, sqlite3_errcode(db));
			if (!sqlite3_get_autocommit(db))
				sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return -1;
		}
	}
	return 0;
}

/* What to do about it, whoever has found it. */
static int
db_refuse_damaged(const char *path, struct err *err)
{
	char what[128];

	damage_text(path, what);
	return err_set(err,
	    "%s is damaged (%s) and is not used any more: put a backup back (jackdawctl restore), or what can be read of it "
	    "into a new one (jackdawctl repair)",
	    path, what);
}

int
db_open_anew(sqlite3 **db_r, const char *path, const struct db_schema *schema, struct err *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_EXRESCODE;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, flags, NULL);

	if (rc == SQLITE_OK) {
		db_harden(db);
		rc = sqlite3_exec(db, PRAGMAS, NULL, NULL, NULL);
		damage_met(db, rc);
		sqlite3_wal_hook(db, on_wal, NULL);
	}
	if (rc != SQLITE_OK)
		err_set(err, "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	if (rc != SQLITE_OK || db_migrate(db, path, schema, err) != 0) {
		sqlite3_close(db);
		return err_prefix(err, "%s", path);
	}
	*db_r = db;
	return 0;
}

int
db_open(sqlite3 **db_r, const char *path, const struct db_schema *schema, struct err *err)
{
	if (!damage_is_noted(path) && db_open_anew(db_r, path, schema, err) == 0)
		return 0;
	return damage_is_noted(path) ? db_refuse_damaged(path, err) : -1;
}

static int
db_open_to_read(sqlite3 **db_r, const char *path, int flags, struct err *err)
{
	sqlite3 *db = NULL;
	int rc =
	    sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK) {
		db_harden(db);
		rc = sqlite3_exec(db, READER_PRAGMAS, NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		err_set(err, "%s: %s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
		sqlite3_close(db);
		return -1;
	}
	*db_r = db;
	return 0;
}

int
db_open_reader(sqlite3 **db_r, const char *path, struct err *err)
{
	return db_open_to_read(db_r, path, SQLITE_OPEN_READONLY, err);
}

/* Its log is part of it, and can only be read by one who might write. */
int
db_open_damaged(sqlite3 **db_r, const char *path, struct err *err)
{
	if (db_open_to_read(db_r, path, SQLITE_OPEN_READWRITE, err) != 0)
		return -1;
	sqlite3_db_config(*db_r, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return 0;
}

void
db_close(sqlite3 **db)
{
	if (*db && sqlite3_close(*db) != SQLITE_OK)
		bug("a database was closed with statements still open");
	*db = NULL;
}

sqlite3_stmt *
db_stmt(sqlite3 *db, struct db_stmt *s)
{
	if (s->st)
		sqlite3_reset(s->st);
	else
		sqlite3_prepare_v3(db, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	return s->st;
}

void
db_stmts_finalize(struct db_stmt *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sqlite3_finalize(s[i].st);
		s[i].st = NULL;
	}
}

int
db_run(sqlite3_stmt *st)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;

	if (st)
		damage_met(sqlite3_db_handle(st), rc);
	if (st)
		sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
db_step(sqlite3_stmt *st)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;

	if (st)
		damage_met(sqlite3_db_handle(st), rc);
	if (st && rc != SQLITE_ROW)
		sqlite3_reset(st);
	return rc;
}

int
db_row(sqlite3_stmt *st)
{
	int rc = db_step(st);

	if (rc == SQLITE_ROW)
		return SQLITE_OK;
	if (rc == SQLITE_DONE)
		damage_note(sqlite3_db_handle(st), "a row that must be there is missing");
	return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

void
db_bind_str(sqlite3_stmt *st, int i, struct str s)
{
	sqlite3_bind_text64(st, i, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void
db_bind_blob(sqlite3_stmt *st, int i, struct str s)
{
	sqlite3_bind_blob64(st, i, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

void
db_bind_id(sqlite3_stmt *st, int i, const struct id128 *id)
{
	sqlite3_bind_blob(st, i, id->b, sizeof(id->b), SQLITE_STATIC);
}

void
db_bind_u64(sqlite3_stmt *st, int i, uint64_t v)
{
	sqlite3_bind_int64(st, i, (sqlite3_int64)v);
}

sqlite3_stmt *
db_stmt_with(sqlite3 *db, struct db_stmt *s, const uint64_t *v, size_t n)
{
	sqlite3_stmt *st = db_stmt(db, s);

	for (size_t i = 0; st && i < n; i++)
		db_bind_u64(st, (int)i + 1, v[i]);
	return st;
}

int
db_run_with(sqlite3 *db, struct db_stmt *s, const uint64_t *v, size_t n)
{
	sqlite3_stmt *st = db_stmt_with(db, s, v, n);

	return st ? db_run(st) : sqlite3_errcode(db);
}

struct str
db_column_str(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	return str_of(p, (size_t)sqlite3_column_bytes(st, i));
}

uint64_t
db_column_u64(sqlite3_stmt *st, int i)
{
	return (uint64_t)sqlite3_column_int64(st, i);
}

struct id128
db_column_id(sqlite3_stmt *st, int i)
{
	struct id128 id = {0};
	struct str s = db_column_str(st, i);

	if (s.n == sizeof(id.b))
		memcpy(id.b, s.p, sizeof(id.b));
	return id;
}
