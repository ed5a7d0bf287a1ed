/* What jackdawctl may ask:
 *
 *   components     a line for each: NAME STREAMS KEPT-BYTES, then " FROM SINCE" for each stream
 *   kick NAME      ends its streams
 *
 * The first line of an answer is "ok" or "error: …". */
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stream.h"

static void
print_component(const struct component *c, struct buf *out)
{
	buf_printf(out, "%s %u %zu", c->name, c->n_streams, c->bytes);
	LIST_FOREACH(&c->streams, it) {
		const struct stream *s = CONTAINER_OF(it, const struct stream, link);
		char stamp[CLOCK_STAMP_MAX];

		clock_stamp(s->since_us, stamp);
		buf_printf(out, " %s %.19sZ", s->visitor.address, stamp);
	}
	buf_add_c(out, '\n');
}

static void
run_components(struct componentd *c, struct str argument, struct buf *out)
{
	struct component *it, *next;

	(void)argument;
	buf_add_z(out, "ok\n");
	HASH_ITER(hh, c->components, it, next)
		print_component(it, out);
}

static void
run_kick(struct componentd *c, struct str argument, struct buf *out)
{
	struct component *component = component_find(c, argument);
	unsigned n = 0;

	if (!component) {
		buf_printf(out, "error: %.*s: no such component here\n", STR_ARG(argument));
		return;
	}
	for (; component->n_streams > 0; n++)
		stream_end(CONTAINER_OF(component->streams.next, struct stream, link), STREAM_RESET,
		    "by the operator");
	buf_printf(out, "ok\n%u\n", n);
}

static const struct {
	const char *name;
	void (*run)(struct componentd *c, struct str argument, struct buf *out);
} commands[] = {{"components", run_components}, {"kick", run_kick}};

bool
componentd_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct str name, argument;
	bool found = false;

	str_split(str_trim(line), ' ', &name, &argument);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (!str_is(name, commands[i].name))
			continue;
		commands[i].run(d->state, str_trim(argument), out);
		found = true;
	}
	return found;
}
