/* A fixed number of threads that run handshake steps, which may block on keyd for up to 2 s. The loop puts jobs
 * into `queue` (bounded: the edge then stops accepting) and takes them back from `finished`; both lists and the
 * two counters lie under one lock. wake is called only when `finished` becomes non-empty, so a burst of results
 * costs one wake-up; nobody is woken under the lock, only to wait for it. Order is kept only among jobs of one
 * worker. Used by c2sd and s2sd. */

#include "tls/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STACK_SIZE (1024 * 1024) /* address space only; a handshake uses some 10 KiB of it */

struct tls_pool {
	void (*wake)(void *ctx);
	void *ctx;
	size_t max_queued;
	unsigned n_threads;
	pthread_t *threads;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t work;
	struct list queue, finished;
	size_t n_queued;
	bool stopping;
};

/* The next job, or NULL when the pool stops. */
static struct tls_job *
take_job(struct tls_pool *p)
{
	struct tls_job *job = NULL;

	pthread_mutex_lock(&p->lock);
	while (list_empty(&p->queue) && !p->stopping)
		pthread_cond_wait(&p->work, &p->lock);
	if (!p->stopping) {
		job = CONTAINER_OF(p->queue.next, struct tls_job, link);
		list_remove(&job->link);
		p->n_queued--;
	}
	pthread_mutex_unlock(&p->lock);
	return job;
}

static void
give_back(struct tls_pool *p, struct tls_job *job)
{
	pthread_mutex_lock(&p->lock);
	bool first = list_empty(&p->finished);
	list_add(&p->finished, &job->link);
	pthread_mutex_unlock(&p->lock);
	if (first)
		p->wake(p->ctx);
}

static void *
work(void *arg)
{
	struct tls_pool *p = arg;
	struct tls_job *job;

	while ((job = take_job(p)) != NULL) {
		job->run(job);
		give_back(p, job);
	}
	return NULL;
}

/* Signals are the loop's, but for those that name a fault of the thread itself (SIGSYS: seccomp). */
static void
worker_signals(sigset_t *set)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};

	sigfillset(set);
	for (size_t i = 0; i < COUNT(own); i++)
		sigdelset(set, own[i]);
}

static void
start_threads(struct tls_pool *p)
{
	sigset_t blocked, before;
	pthread_attr_t attr;

	worker_signals(&blocked);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	for (unsigned i = 0; i < p->n_threads; i++) {
		int error = pthread_create(&p->threads[i], &attr, work, p);
		if (error != 0)
			bug("pthread_create: %s", strerror(error));
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

struct tls_pool *
tls_pool_new(unsigned workers, size_t max_queued, void (*wake)(void *ctx), void *ctx)
{
	struct tls_pool *p = NEW(struct tls_pool);

	p->wake = wake;
	p->ctx = ctx;
	p->max_queued = max_queued;
	p->n_threads = workers;
	p->threads = mem_new_array(workers, sizeof *p->threads);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	list_init(&p->queue);
	list_init(&p->finished);
	start_threads(p);
	return p;
}

static void
cancel_queued(struct tls_pool *p)
{
	LIST_FOREACH_SAFE(&p->queue, it, next) {
		struct tls_job *job = CONTAINER_OF(it, struct tls_job, link);
		list_remove(it);
		job->cancelled = true;
		list_add(&p->finished, it);
	}
	p->n_queued = 0;
}

void
tls_pool_free(struct tls_pool **pp)
{
	struct tls_pool *p = *pp;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	cancel_queued(p);
	tls_pool_reap(p);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
	*pp = NULL;
}

bool
tls_pool_submit(struct tls_pool *p, struct tls_job *job)
{
	pthread_mutex_lock(&p->lock);
	bool ok = p->n_queued < p->max_queued && !p->stopping;
	if (ok) {
		job->cancelled = false;
		list_add(&p->queue, &job->link);
		p->n_queued++;
	}
	pthread_mutex_unlock(&p->lock);
	if (ok)
		pthread_cond_signal(&p->work);
	return ok;
}

void
tls_pool_reap(struct tls_pool *p)
{
	struct list batch;

	list_init(&batch);
	pthread_mutex_lock(&p->lock);
	LIST_FOREACH_SAFE(&p->finished, it, next) {
		list_remove(it);
		list_add(&batch, it);
	}
	pthread_mutex_unlock(&p->lock);
	LIST_FOREACH_SAFE(&batch, it, next) {
		struct tls_job *job = CONTAINER_OF(it, struct tls_job, link);
		list_remove(it);
		job->done(job);
	}
}

size_t
tls_pool_waiting(const struct tls_pool *p)
{
	struct tls_pool *own = (struct tls_pool *)p; /* the lock is no part of the value */

	pthread_mutex_lock(&own->lock);
	size_t n = p->n_queued;
	pthread_mutex_unlock(&own->lock);
	return n;
}
