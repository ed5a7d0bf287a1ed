/* storaged: every durable byte but credentials. Two files, a writer thread each: archive.db (messages: offline now, the
 * archive later) and main.db (rosters, vCards, private XML, sessions). */
#pragma once

#include "db/db.h"
#include "db/writer.h"
#include "disk.h"
#include "idclock.h"
#include "service/service.h"
#include "service/settings.h"
#include "tail.h"

#define ARCHIVE_DB "data/archive.db"
#define MAIN_DB "data/main.db"

struct storaged_settings {
	int64_t sweep_seconds;
	int64_t keep_seconds;
	int64_t archive_days;
	int64_t archive_megabytes;
	int64_t disk_warn_megabytes;
	int64_t disk_archive_megabytes;
	int64_t disk_full_megabytes;
	int64_t ballast_megabytes;
	bool search;
	struct setting_sections domains; /* struct storaged_domain */
};

enum search_switch {
	SEARCH_DEFAULT,
	SEARCH_ON,
	SEARCH_OFF,
};

/* What is different for one domain: a section of the settings. */
struct storaged_domain {
	const char *title;
	int search;                /* enum search_switch */
	int64_t archive_days;      /* DAYS_DEFAULT: as for all */
	int64_t archive_megabytes; /* 0: no limit of its own */
};

#define DAYS_DEFAULT (-1)

/* settings.c. NULL: nothing is said of this domain. */
const struct storaged_domain *storaged_domain_of(
    const struct storaged_settings *set, const char *domain);

struct store_file {
	struct db_writer *writer;
	sqlite3 *db; /* while it is being closed */
	bool open;
	bool is_reader; /* its jobs begin and end their own transactions */
};

struct check;
struct dedupe;
struct horizons;
struct limits;
struct search;
struct sweep;

/* The index that follows the log (run.h); loop only. */
struct runs {
	size_t size; /* messages of a run */
	bool is_riding;
	size_t owed_rows; /* that may ride in the next batch */
	struct ride_cursor cursor;
	uint64_t hurry_upto; /* all up to here shall be in the index soon */
};

struct backup {
	unsigned running;   /* copies not yet made */
	struct err failure; /* of the last one; empty: none */
};

struct storaged {
	struct daemon *daemon;
	struct store_file archive, main;
	struct store_file pages; /* archive.db again, for reading: closed before the writer */
	struct search *search;
	struct check *check;
	struct dedupe *dedupe; /* archive's writer thread only */
	struct idclock clock;  /* archive's writer thread only: ids never go back */
	struct tail *tail;
	struct horizons *horizons;
	struct runs runs;
	bool is_stopping; /* the bus is gone */
	struct loop_timer *tick, *often, *daily;
	struct sweep *sweeping;       /* one at a time; NULL: none (sweep.c) */
	uint64_t gone_upto, due_upto; /* a sweep is due when the index has all up to here; 0: none */
	struct limits *limits;        /* being enforced; NULL: not now (limits.c) */
	struct backup backup;
	struct disk disk;
};

extern const struct setting storaged_settings_table[];
/* Relations between settings; 0, or -1 with *err. */
int storaged_check(const struct daemon *d, const void *settings, struct err *err);
extern const struct db_schema archive_schema, main_schema, search_schema;
extern const struct bus_handler storaged_handlers[];
extern const struct bus_events storaged_events;

/* Finalizes the statements of each file (on the loop, when its thread is gone). */
void archive_statements_finalize(void);
void main_statements_finalize(void);

/* Reads what archive.c keeps in memory; before the first job. */
int archive_load(struct storaged *s, sqlite3 *db, struct err *err);
