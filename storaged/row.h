/* What the files about archive.db share: the flags of a message, the number of an address, a row read whole. */
#pragma once

#include "base/arena.h"
#include "storaged.h"

enum {
	FLAG_FROM = 1,
	FLAG_TO = 2,
	FLAG_HELD = 4,
	FLAG_WAS_HELD = 8,
	SHIFT_TYPE = 8,
	SHIFT_KIND = 16,
};

/* Columns of a message with its addresses, in the order that row_read wants; tables m, s, d. */
#define ROW_COLUMNS                                                                            \
	"m.id, m.skew, m.origin, m.n, m.flags, m.facts, s.bare, m.src_res, d.bare, m.dst_res," \
	" m.stanza_id, m.lang, m.payload"
#define ROW_JOINS " CROSS JOIN address s ON s.id = m.src CROSS JOIN address d ON d.id = m.dst"

struct row_read {
	uint64_t id, n;
	int64_t stamp_us;
	struct id128 origin;
	int flags;
	struct stanza st; /* strings in the arena */
};

void row_read(struct arena *a, sqlite3_stmt *st, struct row_read *r);

/* Number of a bare JID, 0 when it has none (or on an error, which the next statement meets again). */
uint64_t address_find(sqlite3 *db, struct db_stmt *stmt, struct str bare);
#define ADDRESS_FIND_SQL "SELECT id FROM address WHERE bare = ?1"
