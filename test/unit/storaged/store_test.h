/* Runs storaged's job functions on a database of their own, without bus or threads. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "accounts.h"
#include "archive.h"
#include "base/mem.h"
#include "retention.h"
#include "run.h"

struct store {
	struct storaged storaged;
	sqlite3 *archive, *main;
	struct job job;
	unsigned parts; /* in which the last request was done */
};

/* Both files in memory. */
int store_setup(void **state);
int store_teardown(void **state);

/* Runs one request as the stanza (origin, n, kind); the job with its answer is store->job. */
int store_run(struct store *s, sqlite3 *db, job_exec *exec, const void *msg);
/* As after a death of the process. */
void store_restart(struct store *s);
/* Lets the index follow by this many rows, from the frozen run; freezes first what has gathered when nothing is frozen. */
void store_ride(struct store *s, size_t rows);
/* Asserts that no statement that was ever prepared on this connection walks through a table (ARCHIVE.md §7). In the teardown of all
 * tests for both files. */
void store_check_plans(sqlite3 *db);
/* A sweep to its end; loose rows below `before` go. */
void store_sweep(struct store *s, enum sweep_phase from, uint64_t before);
/* An operation id with this origin byte. */
struct opid op_of(uint8_t origin, uint64_t n, enum op_kind kind);
/* The number that a query of the archive answers with. */
int count_rows(struct store *s, const char *sql);
