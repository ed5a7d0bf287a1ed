/* storaged: every durable byte but credentials. Two files, a writer thread each: archive.db (messages: offline now, the
 * archive later) and main.db (rosters, vCards, private XML, sessions). */
#pragma once

#include "db/db.h"
#include "db/writer.h"
#include "service/service.h"

struct storaged_settings {
	int64_t sweep_seconds;
	int64_t keep_seconds;
};

struct store_file {
	struct db_writer *writer;
	bool open;
};

struct dedupe;

struct backup {
	unsigned running;   /* copies not yet made */
	struct err failure; /* of the last one; empty: none */
};

struct storaged {
	struct daemon *daemon;
	struct store_file archive, main;
	struct dedupe *dedupe; /* archive's writer thread only */
	uint64_t last_id;      /* archive's writer thread only: ids never go back */
	struct loop_timer *sweep;
	bool sweeping; /* one sweep at a time */
	struct backup backup;
};

extern const struct setting storaged_settings_table[];
extern const struct db_schema archive_schema, main_schema;
extern const struct bus_handler storaged_handlers[];

/* Finalizes the statements of each file (on the loop, when its thread is gone). */
void archive_statements_finalize(void);
void main_statements_finalize(void);

/* Reads what archive.c keeps in memory; before the first job. */
int archive_load(struct storaged *s, sqlite3 *db, struct err *err);

/* Starts removing messages that nobody holds any more. */
void archive_sweep(void *storaged);
