/* The writer's thread: see writer.h. A batch is what had gathered while the last one was committed, so batches grow
 * with the load by themselves and a lone job waits for nothing. An I/O error at a commit ends the process: the kernel may
 * have dropped the pages, and starting again is recovering (SECURITY.md §3.8). */
#include "db/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/db.h"

#define BATCH_MAX 256 /* jobs in a transaction */

struct db_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list queue;    /* submitted; bounded by the submitters' windows */
	struct list finished; /* waiting for the loop */
	size_t n_queued;
	bool stopping;
	_Atomic bool is_halted;
	sqlite3 *db; /* the thread's, once open */
	struct db_stmt begin, commit;
	struct loop_wake *wake;
};

struct batch {
	struct db_job *job[BATCH_MAX];
	size_t n;
};

static void
db_rollback(sqlite3 *db)
{
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

/* All of jobs[from…to) in one transaction. */
static int
batch_commit(struct db_writer *w, struct batch *b, size_t from, size_t to)
{
	int rc = db_run(db_stmt(w->db, &w->begin));

	for (size_t i = from; i < to && rc == SQLITE_OK; i++)
		rc = b->job[i]->run(b->job[i], w->db);
	if (rc == SQLITE_OK)
		rc = db_run(db_stmt(w->db, &w->commit));
	if (rc != SQLITE_OK) {
		db_check_io(w->db, rc);
		db_rollback(w->db);
	}
	return rc;
}

/* A job in a transaction of its own: the batch has failed, or not all of it may be run. */
static int
batch_commit_one(struct db_writer *w, struct batch *b, size_t i)
{
	const struct db_job *job = b->job[i];
	int rc;

	if (job->in_order && w->is_halted)
		return SQLITE_FULL;
	rc = batch_commit(w, b, i, i + 1);
	if (job->halts && (rc & 0xff) == SQLITE_FULL)
		w->is_halted = true;
	return rc;
}

static void
batch_run(struct db_writer *w, struct batch *b)
{
	int rc;

	if (b->n == 0)
		bug("an empty batch");
	if (b->job[0]->is_alone) {
		b->job[0]->rc = b->job[0]->run(b->job[0], w->db);
		return;
	}
	rc = w->is_halted ? SQLITE_FULL : batch_commit(w, b, 0, b->n);
	for (size_t i = 0; i < b->n; i++)
		b->job[i]->rc = rc == SQLITE_OK ? SQLITE_OK : batch_commit_one(w, b, i);
}

static void
batch_take(struct batch *b, struct list *queue)
{
	b->n = 0;
	while (b->n < BATCH_MAX && !list_empty(queue)) {
		struct db_job *job = CONTAINER_OF(queue->next, struct db_job, link);

		if (job->is_alone && b->n > 0)
			return;
		list_remove(&job->link);
		b->job[b->n++] = job;
		if (job->is_alone)
			return;
	}
}

/* Waits for jobs; false when the last is done and there will be no more. */
static bool
batch_wait(struct db_writer *w, struct batch *b)
{
	pthread_mutex_lock(&w->lock);
	while (list_empty(&w->queue) && !w->stopping)
		pthread_cond_wait(&w->work, &w->lock);
	batch_take(b, &w->queue);
	pthread_mutex_unlock(&w->lock);
	return b->n > 0;
}

/* Nobody is woken under the lock, only to wait for it. */
static void
batch_give_back(struct db_writer *w, struct batch *b)
{
	pthread_mutex_lock(&w->lock);
	w->n_queued -= b->n;
	for (size_t i = 0; i < b->n; i++)
		list_add(&w->finished, &b->job[i]->link);
	pthread_mutex_unlock(&w->lock);
	loop_wake_send(w->wake);
}

static void *
db_writer_main(void *arg)
{
	struct db_writer *w = arg;
	struct batch b = {.n = 0};

	while (batch_wait(w, &b)) {
		batch_run(w, &b);
		batch_give_back(w, &b);
	}
	return NULL;
}

static void
db_writer_reap(void *arg)
{
	struct db_writer *w = arg;
	struct list done;

	list_init(&done);
	pthread_mutex_lock(&w->lock);
	while (!list_empty(&w->finished)) {
		struct list *it = w->finished.next;

		list_remove(it);
		list_add(&done, it);
	}
	pthread_mutex_unlock(&w->lock);
	LIST_FOREACH_SAFE(&done, it, nx) {
		struct db_job *job = CONTAINER_OF(it, struct db_job, link);

		list_remove(it);
		job->done(job, job->rc);
	}
}

struct db_writer *
db_writer_new(struct loop *l)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};
	struct db_writer *w = NEW(struct db_writer);
	sigset_t all, old;

	list_init(&w->queue);
	list_init(&w->finished);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->begin.sql = "BEGIN IMMEDIATE";
	w->commit.sql = "COMMIT";
	w->wake = loop_wake_new(l, db_writer_reap, w);
	/* Signals are the loop's. */
	sigfillset(&all);
	/* But for those that name a fault of the thread itself; SIGSYS says what the sandbox forbids. */
	for (size_t i = 0; i < COUNT(own); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&w->thread, NULL, db_writer_main, w) != 0)
		bug("cannot start the writer's thread");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w;
}

void
db_writer_open(struct db_writer *w, sqlite3 *db)
{
	pthread_mutex_lock(&w->lock);
	w->db = db;
	pthread_mutex_unlock(&w->lock);
}

void
db_writer_submit(struct db_writer *w, struct db_job *job)
{
	pthread_mutex_lock(&w->lock);
	list_add(&w->queue, &job->link);
	w->n_queued++;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->work);
}

void
db_writer_go_on(struct db_writer *w)
{
	w->is_halted = false;
}

size_t
db_writer_queued(struct db_writer *w)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = w->n_queued;
	pthread_mutex_unlock(&w->lock);
	return n;
}

sqlite3 *
db_writer_free(struct db_writer **wp)
{
	struct db_writer *w = *wp;
	sqlite3 *db;

	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	db_writer_reap(w);
	loop_wake_free(&w->wake);
	db_stmts_finalize(&w->begin, 1);
	db_stmts_finalize(&w->commit, 1);
	db = w->db;
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
	*wp = NULL;
	return db;
}
