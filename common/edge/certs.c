/* See certs.h. keyd may be away at any time; what was learnt stays in force, and the connection is made again. */
#include "certs.h"

#include "base/log.h"

static void certs_connect(void *ctx);

static void
certs_connect_later(struct certs *c)
{
	loop_watch_free(&c->watch);
	loop_timer_start(c->retry, chains_retry_ms(c->chains), 0);
}

static void
on_readable(void *ctx, int events)
{
	struct certs *c = ctx;
	struct err err = {.text = ""};
	enum chains_event e;

	(void)events;
	while ((e = chains_read(c->chains, &err)) == CHAINS_UPDATED) {
		log_info("certificates from keyd are in force");
		gates_resume(c->gates);
	}
	if (e != CHAINS_DOWN)
		return;
	log_warn("keyd: %s; new connections wait until it is back", err.text);
	certs_connect_later(c);
}

static void
certs_connect(void *ctx)
{
	struct certs *c = ctx;
	struct err err = {.text = ""};
	int fd = chains_open(c->chains, NULL, &err);

	if (fd < 0) {
		log_debug("%s", err.text);
		certs_connect_later(c);
		return;
	}
	c->watch = loop_watch_new(c->loop, fd, on_readable, c);
	loop_watch_set(c->watch, LOOP_READ);
}

void
certs_init(struct certs *c, struct tls_context *t)
{
	c->chains = chains_new(t);
}

void
certs_start(struct certs *c, struct loop *l, struct gates *gates)
{
	c->loop = l;
	c->gates = gates;
	c->retry = loop_timer_new(l, certs_connect, c);
	certs_connect(c);
}

bool
certs_ready(const struct certs *c)
{
	return chains_complete(c->chains);
}

void
certs_deinit(struct certs *c)
{
	loop_watch_free(&c->watch);
	loop_timer_free(&c->retry);
	chains_free(&c->chains);
}
