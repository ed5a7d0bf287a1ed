/* What can be read of a damaged database goes into a new one, table by table, each from both of its ends up to where it is damaged. Rows keep
 * their keys, so that what refers to them still does. */
#pragma once

#include "db/db.h"

/* Statements of a table: all rows in the order of its key, the same backwards, and one that inserts a row (?1 … as they are read), or
 * ignores it if it is there or not allowed. */
struct salvage_table {
	const char *name, *read, *read_back, *write;
};

struct salvage_plan {
	const char *path; /* of a file with a note (damage.h) */
	const struct db_schema *schema;
	const struct salvage_table *tables; /* those that others refer to first; up to one without a name */
};

#define SALVAGE_TABLE(name_, columns, key, back, values)                                  \
	{                                                                                 \
		.name = name_, .read = "SELECT " columns " FROM " name_ " ORDER BY " key, \
		.read_back = "SELECT " columns " FROM " name_ " ORDER BY " back,          \
		.write = "INSERT OR IGNORE INTO " name_ "(" columns ") " values           \
	}

/* Sets the file aside and puts the new one into its place; the note goes last. Says on standard output, for the operator, how much of each table was
 * saved. -1 with *err: it can be tried again. */
int salvage_file(const struct salvage_plan *p, struct err *err);
