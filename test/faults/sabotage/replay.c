/* A storaged that knows no operation again: what is sent again after a crash is stored again. And it takes a while until it says what it has
 * committed, so that a crash finds something. Linked with --wrap=dedupe_find and --wrap=loop_wake_send, by which the writer's thread says
 * it, into build/test/sabotage/replay/. */
#include "bus/bus.h"
#include "wait.h"

#define SILENT_MS 20

struct dedupe; /* storaged's */
struct loop_wake;

uint64_t __wrap_dedupe_find(const struct dedupe *d, const struct opid *op);
void __real_loop_wake_send(struct loop_wake *w);
void __wrap_loop_wake_send(struct loop_wake *w);

uint64_t
__wrap_dedupe_find(const struct dedupe *d, const struct opid *op)
{
	(void)d;
	(void)op;
	return 0;
}

void
__wrap_loop_wake_send(struct loop_wake *w)
{
	wait_ms(SILENT_MS);
	__real_loop_wake_send(w);
}
