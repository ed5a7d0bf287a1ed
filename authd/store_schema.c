/* The tables of credentials.db, version by version. A released version is never edited: what
 * changes is a new entry.
 *
 * account     a row with notice 3 (NOTICE_REMOVE) is a tombstone: no login, and its name is not
 *             free until sessiond and storaged have erased what belongs to it
 *             notice_generation: that sessiond has to hear of, with notice
 * credential  hash is enum digest; never a password
 * secret      random values of this server */
#include "store.h"

static const char *const migrations[] = {
    DB_MIGRATION(1,
	"CREATE TABLE account("
	" id INTEGER PRIMARY KEY,"
	" jid TEXT NOT NULL UNIQUE,"
	" domain TEXT NOT NULL,"
	" generation INTEGER NOT NULL,"
	" notice INTEGER NOT NULL DEFAULT 0,"
	" notice_generation INTEGER NOT NULL DEFAULT 0,"
	" maker_incarnation INTEGER NOT NULL,"
	" maker_request INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX account_by_domain ON account(domain, jid);"
	"CREATE INDEX account_by_notice ON account(jid) WHERE notice > 0;"
	"CREATE TABLE credential("
	" account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,"
	" hash INTEGER NOT NULL,"
	" iterations INTEGER NOT NULL,"
	" salt BLOB NOT NULL,"
	" stored_key BLOB NOT NULL,"
	" server_key BLOB NOT NULL,"
	" PRIMARY KEY(account, hash)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE secret(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"),
    NULL,
};

const struct db_schema store_schema = {.migrations = migrations};
