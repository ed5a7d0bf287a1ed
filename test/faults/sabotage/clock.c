/* A daemon whose wall clock can be moved (F21): "clock SECONDS" on its control socket sets how far it is off. Linked with
 * --wrap=control_new into build/test/sabotage/clock/. */
#include <stdlib.h>

#include "base/clock.h"
#include "service/control.h"

struct control *__real_control_new(struct loop *l, int fd, uid_t owner, control_fn *fn, void *ctx);
struct control *__wrap_control_new(struct loop *l, int fd, uid_t owner, control_fn *fn, void *ctx);

static control_fn *real_fn;

static void
on_line(void *ctx, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct str word, rest;
	char number[32];

	str_split(line, ' ', &word, &rest);
	if (!str_is(word, "clock") || n_fds || !str_copy(number, sizeof(number), rest)) {
		real_fn(ctx, line, fds, n_fds, out);
		return;
	}
	clock_set_offset_us(strtoll(number, NULL, 10) * 1000000);
	buf_add_z(out, "ok\n");
}

struct control *
__wrap_control_new(struct loop *l, int fd, uid_t owner, control_fn *fn, void *ctx)
{
	real_fn = fn;
	return __real_control_new(l, fd, owner, on_line, ctx);
}
