/* See row.h. */
#include "row.h"

static struct str
full_jid(struct arena *a, struct str bare, struct str resource)
{
	return resource.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(bare), STR_ARG(resource))
			  : arena_str(a, bare);
}

void
row_read(struct arena *a, sqlite3_stmt *st, struct row_read *r)
{
	r->id = db_column_u64(st, 0);
	r->stamp_us = (int64_t)r->id + sqlite3_column_int64(st, 1) * 1000;
	r->origin = db_column_id(st, 2);
	r->n = db_column_u64(st, 3);
	r->flags = sqlite3_column_int(st, 4);
	r->st = (struct stanza){.kind = STANZA_MESSAGE,
	    .type = (uint8_t)(r->flags >> SHIFT_TYPE & 255),
	    .facts = (uint32_t)sqlite3_column_int64(st, 5)};
	r->st.from = full_jid(a, db_column_str(st, 6), db_column_str(st, 7));
	r->st.to = full_jid(a, db_column_str(st, 8), db_column_str(st, 9));
	r->st.id = arena_str(a, db_column_str(st, 10));
	r->st.lang = arena_str(a, db_column_str(st, 11));
	r->st.payload = arena_str(a, db_column_str(st, 12));
}

uint64_t
address_find(sqlite3 *db, struct db_stmt *stmt, struct str bare)
{
	sqlite3_stmt *st = db_stmt(db, stmt);
	uint64_t id = 0;

	if (!st)
		return 0;
	db_bind_str(st, 1, bare);
	if (db_step(st) == SQLITE_ROW)
		id = db_column_u64(st, 0);
	sqlite3_reset(st);
	return id;
}
