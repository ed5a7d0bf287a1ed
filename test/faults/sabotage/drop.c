/* A daemon that loses one frame in 10,000 where the bus cannot heal it: counted and acknowledged, but never handled. (What is
 * lost before it is counted comes again, BUS.md §4, and proves nothing.) Only frames with an operation in them count, as
 * there is no promise about the others. Linked with --wrap=bus_new into build/test/sabotage/drop/. */
#include "base/id.h"
#include "bus/bus.h"

#define ONE_IN 10000
#define FIRST 1000

struct bus *__real_bus_new(struct loop *loop, const struct bus_config *config);
struct bus *__wrap_bus_new(struct loop *loop, const struct bus_config *config);

static struct bus_handler handlers[MSG_TYPE_MAX + 1];
static const struct bus_handler *by_type[MSG_TYPE_MAX];

static void
handle_most(void *ctx, const struct bus_in *in, const void *msg)
{
	static unsigned seen;

	if (id_is_zero(&in->op.origin) || ++seen % ONE_IN != FIRST)
		by_type[in->message->type]->handle(ctx, in, msg);
}

struct bus *
__wrap_bus_new(struct loop *loop, const struct bus_config *config)
{
	static struct bus_config mine;
	unsigned n = 0;

	mine = *config;
	for (const struct bus_handler *h = config->handlers; h->type; h++) {
		by_type[h->type] = h;
		handlers[n] = *h;
		handlers[n++].handle = handle_most;
	}
	mine.handlers = handlers;
	return __real_bus_new(loop, &mine);
}
