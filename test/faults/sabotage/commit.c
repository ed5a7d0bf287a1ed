/* A storaged that acknowledges before it has committed: the job of a STORE holds nothing back, and the transaction that it begins
 * takes a while, as on a slow disk. Linked with --wrap=job_submit into build/test/sabotage/commit/. */
#include "base/clock.h"
#include "bus/bus.h"
#include "wait.h"

#define COMMIT_MS 50
/* A STORE that comes so soon after the wait has waited with the one that did. */
#define TOGETHER_US 2000

struct storaged; /* storaged's, as are these: */
struct store_file;
typedef int job_exec(void *job, void *db, const void *msg);

void __real_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);
void __wrap_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);

static job_exec *store; /* the same for each STORE */

static int
store_slowly(void *job, void *db, const void *msg)
{
	static _Thread_local uint64_t waited_us;

	if (clock_mono_us() - waited_us > TOGETHER_US)
		wait_ms(COMMIT_MS);
	waited_us = clock_mono_us();
	return store(job, db, msg);
}

void
__wrap_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then)
{
	struct bus_in early = *in;

	if (in->message->type == MSG_STORE) {
		early.custody = NULL;
		store = exec;
		exec = store_slowly;
	}
	__real_job_submit(s, file, &early, exec, then);
}
