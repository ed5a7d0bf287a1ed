/* See ping.h. One question at a time; an unanswered one is dropped when the next is due. Owned by child.c. */
#include "ping.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/conn.h"

#define EVERY_MS 5000

struct ping {
	struct loop *loop;
	struct loop_timer *timer;
	struct conn *conn; /* NULL: nothing asked */
	int (*connect)(void *ctx);
	loop_fn *alive;
	void *ctx;
};

static void
forget(struct ping *p)
{
	if (!p->conn)
		return;
	*(struct ping **)conn_user(p->conn) = NULL;
	conn_close(p->conn, 0);
	p->conn = NULL;
}

static void
on_input(struct conn *c, struct str bytes)
{
	struct ping *p = *(struct ping **)conn_user(c);

	(void)bytes;
	if (!p)
		return;
	p->alive(p->ctx);
	forget(p);
}

static void
on_closed(struct conn *c, int error)
{
	struct ping *p = *(struct ping **)conn_user(c);

	(void)error;
	if (p)
		p->conn = NULL;
}

static const struct conn_methods methods = {.input = on_input, .closed = on_closed};

static void
on_timer(void *ctx)
{
	struct ping *p = ctx;

	forget(p);
	int fd = p->connect(p->ctx);
	if (fd < 0)
		return;
	p->conn = conn_new(p->loop, fd, &methods, sizeof(struct ping *));
	*(struct ping **)conn_user(p->conn) = p;
	conn_write(p->conn, S("status\n"));
}

struct ping *
ping_new(struct loop *loop, int (*connect)(void *ctx), loop_fn *alive, void *ctx)
{
	struct ping *p = NEW(struct ping);

	*p = (struct ping){.loop = loop, .connect = connect, .alive = alive, .ctx = ctx};
	p->timer = loop_timer_new(loop, on_timer, p);
	loop_timer_start(p->timer, EVERY_MS, EVERY_MS);
	return p;
}

void
ping_free(struct ping **pp)
{
	struct ping *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	forget(p);
	loop_timer_free(&p->timer);
	free(p);
}
