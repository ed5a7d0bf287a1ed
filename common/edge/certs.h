/* Certificates from keyd, kept up to date for as long as the edge lives. */
#pragma once

#include <stdbool.h>

#include "loop/loop.h"
#include "tls/chains.h"

struct certs {
	struct loop *loop;
	struct chains *chains;
	struct loop_watch *watch;
	struct loop_timer *retry;
	void (*changed)(void *ctx); /* a whole list is in force */
	void *ctx;
};

/* Before the sandbox. */
void certs_init(struct certs *c, struct tls_context *t);
void certs_start(struct certs *c, struct loop *l, void (*changed)(void *ctx), void *ctx);
/* Something can be shown to a peer. */
bool certs_ready(const struct certs *c);
void certs_deinit(struct certs *c);
