/* The schemas as numbered forward migrations: a script is never edited once it was released, only followed by
 * another. Layout of archive.db as ARCHIVE.md measured it: one log in id order, everything else refers to it. table */
#include "storaged.h"

/* message.flags, bits 0-3: archived for src, archived for dst, held, was held once; 8-15: stanza type; 16-23: kind of the operation. */
static const char *const ARCHIVE_MIGRATIONS[] = {
    DB_MIGRATION(1,
	"CREATE TABLE address(id INTEGER PRIMARY KEY, bare TEXT NOT NULL UNIQUE);"
	"CREATE TABLE message("
	" id INTEGER PRIMARY KEY," /* microseconds since 1970, never going back */
	" src INTEGER NOT NULL, dst INTEGER NOT NULL,"
	" flags INTEGER NOT NULL,"
	" skew INTEGER NOT NULL," /* time of receipt minus id, milliseconds */
	" facts INTEGER NOT NULL,"
	" src_res TEXT NOT NULL, dst_res TEXT NOT NULL, stanza_id TEXT NOT NULL, lang TEXT NOT NULL,"
	" origin BLOB NOT NULL, n INTEGER NOT NULL,"
	" payload BLOB NOT NULL);"
	"CREATE INDEX message_loose ON message(id) WHERE flags & 7 = 0;"
	"CREATE TABLE held(owner INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(owner, id)) WITHOUT ROWID;"
	"CREATE TABLE state(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO state(key, value) VALUES('last_id', 0)"),
    /* The index of the archives, made later than the log and in sorted runs (run.h); what is above indexed_upto in it
     * means nothing. peer 0: everything. tag: of the public id. horizon: what is at or below it is gone. */
    DB_MIGRATION(2,
	"CREATE TABLE entry(owner INTEGER NOT NULL, peer INTEGER NOT NULL, id INTEGER NOT NULL,"
	" PRIMARY KEY(owner, peer, id)) WITHOUT ROWID;"
	"CREATE TABLE uid(tag INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(tag, id)) WITHOUT ROWID;"
	"CREATE TABLE owner(id INTEGER PRIMARY KEY, horizon INTEGER NOT NULL);"
	"INSERT INTO state(key, value) SELECT 'indexed_upto', coalesce(max(id), 0) FROM message;"
	"INSERT INTO state(key, value) VALUES('horizon', 0)"),
    /* Horizons of domains. identity: whose log search.db follows; a backup that is put back has another, or an older end. */
    DB_MIGRATION(3,
	"CREATE TABLE domain(name TEXT PRIMARY KEY, horizon INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO state(key, value) VALUES('identity', random())"),
    NULL,
};

static const char *const MAIN_MIGRATIONS[] = {
    DB_MIGRATION(1,
	"CREATE TABLE roster("
	" owner TEXT NOT NULL, contact TEXT NOT NULL, name TEXT NOT NULL,"
	" subscription INTEGER NOT NULL, ask INTEGER NOT NULL, approved INTEGER NOT NULL,"
	" pending_in INTEGER NOT NULL, pending BLOB NOT NULL,"
	" PRIMARY KEY(owner, contact)) WITHOUT ROWID;"
	"CREATE TABLE roster_group("
	" owner TEXT NOT NULL, contact TEXT NOT NULL, name TEXT NOT NULL,"
	" PRIMARY KEY(owner, contact, name)) WITHOUT ROWID;"
	"CREATE TABLE roster_version(owner TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE blob("
	" id INTEGER PRIMARY KEY, owner TEXT NOT NULL, space INTEGER NOT NULL, key TEXT NOT NULL,"
	" data BLOB NOT NULL, UNIQUE(owner, space, key));"
	"CREATE TABLE verb(" /* the last operation of each origin, so that a repeat is answered and not done again */
	" origin BLOB NOT NULL, kind INTEGER NOT NULL, owner TEXT NOT NULL,"
	" n INTEGER NOT NULL, value INTEGER NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(origin, kind, owner));"
	"CREATE INDEX verb_at ON verb(at)"),
    /* Detached sessions (detached.c). claim_edge 0: nobody has claimed it. */
    DB_MIGRATION(2,
	"CREATE TABLE session("
	" id INTEGER PRIMARY KEY, sid BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, account TEXT NOT NULL,"
	" layout INTEGER NOT NULL, claim_edge INTEGER NOT NULL DEFAULT 0, claim_conn INTEGER NOT NULL DEFAULT 0,"
	" record BLOB NOT NULL);"
	"CREATE INDEX session_account ON session(account)"),
    NULL,
};

/* search.db (search.h): the words of messages by their ids, without the texts; may be lost. */
static const char *const SEARCH_MIGRATIONS[] = {
    DB_MIGRATION(1,
	"CREATE VIRTUAL TABLE words USING fts5(body, content = '', columnsize = 0, detail = none,"
	" tokenize = 'unicode61 remove_diacritics 2');"
	"CREATE TABLE state(upto INTEGER NOT NULL, docs INTEGER NOT NULL, stale INTEGER NOT NULL,"
	" domains TEXT NOT NULL);"
	"INSERT INTO state VALUES(0, 0, 0, '')"),
    DB_MIGRATION(2, "ALTER TABLE state ADD COLUMN identity INTEGER NOT NULL DEFAULT 0"),
    NULL,
};

const struct db_schema archive_schema = {.migrations = ARCHIVE_MIGRATIONS};
const struct db_schema main_schema = {.migrations = MAIN_MIGRATIONS};
const struct db_schema search_schema = {.migrations = SEARCH_MIGRATIONS};
