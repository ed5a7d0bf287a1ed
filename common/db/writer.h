/* One thread and one connection per file: jobs run there in the order they came, many to a transaction (group commit); their
 * `done` runs on the loop after the commit. What is queued is bounded by whoever submits (the bus's windows). */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "loop/loop.h"

struct db_writer;

struct db_job {
	struct list link; /* the writer's */
	int rc;           /* the writer's */
	bool is_alone;    /* runs by itself and outside a transaction (a copy of the file) */
	bool in_order;    /* not to be run behind one that was halted at (db_writer_go_on) */
	bool halts;       /* if this one finds the disk full, those in_order behind it halt */
	/* On the writer's thread, inside a transaction. May run again after a rollback: it must start from nothing each
	 * time. SQLITE_OK, or an error code: then nothing of it stays. */
	int (*run)(struct db_job *job, sqlite3 *db);
	/* On the loop, after the commit (rc SQLITE_OK) or the failure; owns the job from then on. */
	void (*done)(struct db_job *job, int rc);
};

/* Starts the thread; before the sandbox. The loop is where done runs. */
struct db_writer *db_writer_new(struct loop *l);
/* Hands the connection over; jobs may be submitted from now on. */
void db_writer_open(struct db_writer *w, sqlite3 *db);
void db_writer_submit(struct db_writer *w, struct db_job *job);
/* Behind a job that halts, those in_order are not run: they end with SQLITE_FULL, until the loop has none of them in the queue any
 * more and says that they may run again. */
void db_writer_go_on(struct db_writer *w);
/* Waits for what was submitted, runs its done callbacks, stops the thread, returns the connection (may be NULL). */
sqlite3 *db_writer_free(struct db_writer **w);
size_t db_writer_queued(struct db_writer *w);
