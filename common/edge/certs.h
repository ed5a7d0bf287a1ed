/* Certificates from keyd, kept up to date for as long as the edge lives. */
#pragma once

#include <stdbool.h>

#include "edge/listeners.h"
#include "loop/loop.h"
#include "tls/chains.h"

struct certs {
	struct loop *loop;
	struct chains *chains;
	struct loop_watch *watch;
	struct loop_timer *retry;
	struct gates *gates;
};

/* Before the sandbox. */
void certs_init(struct certs *c, struct tls_context *t);
/* A new list lets the gates go on. */
void certs_start(struct certs *c, struct loop *l, struct gates *gates);
/* Something can be shown to a peer. */
bool certs_ready(const struct certs *c);
void certs_deinit(struct certs *c);
