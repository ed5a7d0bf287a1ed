/* A storaged that knows no operation again: what is sent again after a crash is stored again. Linked with
 * --wrap=dedupe_find into build/test/sabotage/replay/. */
#include "bus/bus.h"

struct dedupe; /* storaged's */

uint64_t __wrap_dedupe_find(const struct dedupe *d, const struct opid *op);

uint64_t
__wrap_dedupe_find(const struct dedupe *d, const struct opid *op)
{
	(void)d;
	(void)op;
	return 0;
}
