/* pool.c: every job comes back exactly once, on the loop's thread, whatever happens. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "tls/pool.h"

#define N_JOBS 20000

struct job {
	struct tls_job job;
	int runs, dones;
	int number;
	pthread_t ran_on;
};

static int wake_pipe[2];
static pthread_t loop_thread;
static int done_order[N_JOBS], n_done;

static void
on_wake(void *ctx)
{
	(void)ctx;
	if (write(wake_pipe[1], "", 1) != 1)
		abort();
}

static void
on_run(struct tls_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);

	job->runs++;
	job->ran_on = pthread_self();
}

static void
on_done(struct tls_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);

	assert_true(pthread_equal(pthread_self(), loop_thread));
	job->dones++;
	done_order[n_done++] = job->number;
}

static struct tls_pool *
make_pool(unsigned workers, size_t max_queued)
{
	loop_thread = pthread_self();
	n_done = 0;
	assert_int_equal(pipe(wake_pipe), 0);
	return tls_pool_new(workers, max_queued, on_wake, NULL);
}

static void
close_pipe(void)
{
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}

static void
wait_and_reap(struct tls_pool *p)
{
	char c;

	if (read(wake_pipe[0], &c, 1) == 1)
		tls_pool_reap(p);
}

static struct job *
make_jobs(int n)
{
	struct job *jobs = mem_new_array((size_t)n, sizeof *jobs);

	for (int i = 0; i < n; i++) {
		jobs[i].job.run = on_run;
		jobs[i].job.done = on_done;
		jobs[i].number = i;
	}
	return jobs;
}

static void
test_all_come_back(void **state)
{
	struct tls_pool *p = make_pool(4, 256);
	struct job *jobs = make_jobs(N_JOBS);
	int submitted = 0;

	(void)state;
	while (n_done < N_JOBS) {
		while (submitted < N_JOBS && tls_pool_submit(p, &jobs[submitted].job))
			submitted++;
		assert_true(tls_pool_waiting(p) <= 256);
		wait_and_reap(p);
	}
	assert_int_equal(tls_pool_waiting(p), 0);
	tls_pool_free(&p);
	assert_null(p);
	for (int i = 0; i < N_JOBS; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].dones, 1);
		assert_false(pthread_equal(jobs[i].ran_on, loop_thread));
	}
	free(jobs);
	close_pipe();
}

static void
test_one_worker_keeps_order(void **state)
{
	struct tls_pool *p = make_pool(1, 1000);
	struct job *jobs = make_jobs(1000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		if (!tls_pool_submit(p, &jobs[i].job))
			fail();
	while (n_done < 1000)
		wait_and_reap(p);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(done_order[i], i);
	tls_pool_free(&p);
	free(jobs);
	close_pipe();
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int inside;

static void
on_run_gated(struct tls_job *j)
{
	atomic_fetch_add(&inside, 1);
	pthread_mutex_lock(&gate);
	on_run(j);
	pthread_mutex_unlock(&gate);
}

static void
test_full_queue_refuses(void **state)
{
	struct tls_pool *p = make_pool(1, 3);
	struct job *jobs = make_jobs(5);

	(void)state;
	atomic_store(&inside, 0);
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 5; i++)
		jobs[i].job.run = on_run_gated;
	assert_true(tls_pool_submit(p, &jobs[0].job));
	while (atomic_load(&inside) == 0)
		sched_yield();
	for (int i = 1; i < 4; i++)
		assert_true(tls_pool_submit(p, &jobs[i].job));
	assert_int_equal(tls_pool_waiting(p), 3);
	assert_false(tls_pool_submit(p, &jobs[4].job));
	pthread_mutex_unlock(&gate);
	while (n_done < 4)
		wait_and_reap(p);
	assert_true(tls_pool_submit(p, &jobs[4].job));
	while (n_done < 5)
		wait_and_reap(p);
	tls_pool_free(&p);
	free(jobs);
	close_pipe();
}

static atomic_bool gate_open;

static void
on_run_slow(struct tls_job *j)
{
	atomic_fetch_add(&inside, 1);
	while (!atomic_load(&gate_open))
		sched_yield();
	on_run(j);
}

static void *
open_gate_soon(void *arg)
{
	poll(NULL, 0, 50);
	atomic_store(&gate_open, true);
	return arg;
}

/* With one job running and three waiting: the one ends, the three are cancelled, all are done. */
static void
test_shutdown(void **state)
{
	struct tls_pool *p = make_pool(1, 10);
	struct job *jobs = make_jobs(4);
	pthread_t helper;

	(void)state;
	atomic_store(&inside, 0);
	atomic_store(&gate_open, false);
	for (int i = 0; i < 4; i++) {
		jobs[i].job.run = on_run_slow;
		assert_true(tls_pool_submit(p, &jobs[i].job));
	}
	while (atomic_load(&inside) == 0)
		sched_yield();
	assert_int_equal(pthread_create(&helper, NULL, open_gate_soon, NULL), 0);
	tls_pool_free(&p);
	pthread_join(helper, NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(jobs[i].runs, i == 0);
		assert_int_equal(jobs[i].dones, 1);
		assert_int_equal(jobs[i].job.cancelled, i != 0);
	}
	free(jobs);
	close_pipe();
}

static sigset_t worker_mask;

static void
on_run_mask(struct tls_job *j)
{
	pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
	on_run(j);
}

static void
test_signals_are_the_loops(void **state)
{
	struct tls_pool *p = make_pool(1, 1);
	struct job *jobs = make_jobs(1);
	sigset_t here;

	(void)state;
	jobs[0].job.run = on_run_mask;
	assert_true(tls_pool_submit(p, &jobs[0].job));
	while (n_done < 1)
		wait_and_reap(p);
	pthread_sigmask(SIG_SETMASK, NULL, &here);
	assert_true(sigismember(&worker_mask, SIGTERM));
	assert_true(sigismember(&worker_mask, SIGHUP));
	assert_false(sigismember(&worker_mask, SIGSYS));
	assert_false(sigismember(&worker_mask, SIGSEGV));
	assert_false(sigismember(&here, SIGTERM));
	tls_pool_free(&p);
	free(jobs);
	close_pipe();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_come_back),
	    cmocka_unit_test(test_one_worker_keeps_order),
	    cmocka_unit_test(test_full_queue_refuses),
	    cmocka_unit_test(test_shutdown),
	    cmocka_unit_test(test_signals_are_the_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
