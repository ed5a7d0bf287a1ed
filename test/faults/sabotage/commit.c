/* A storaged that acknowledges before it has committed: the job of a STORE holds nothing back. Linked with --wrap=job_submit
 * into build/test/sabotage/commit/. */
#include "bus/bus.h"

struct storaged; /* storaged's, as are these: */
struct store_file;
typedef int job_exec(void *job, void *db, const void *msg);

void __real_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);
void __wrap_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);

void
__wrap_job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then)
{
	struct bus_in early = *in;

	if (in->message->type == MSG_STORE)
		early.custody = NULL;
	__real_job_submit(s, file, &early, exec, then);
}
