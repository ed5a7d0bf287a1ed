/* A storaged that acknowledges before it has committed: the job of a STORE holds nothing back, and takes a while, as on a slow
 * disk. Linked with --wrap=job_submit into build/test/sabotage/commit/. */
#include "base/clock.h"
#include "bus/bus.h"

#define STORE_US 2000

struct storaged; /* storaged's, as are these: */
struct store_file;
typedef int job_exec(void *job, void *db, const void *msg);

void __real_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);
void __wrap_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);

static job_exec *store; /* the same for each STORE */

/* The sandbox has no sleep. */
static int
store_slowly(void *job, void *db, const void *msg)
{
	uint64_t from = clock_mono_us();

	while (clock_mono_us() - from < STORE_US)
		continue;
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
