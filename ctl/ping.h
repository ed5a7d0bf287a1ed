/* Asks an adopted daemon for a sign of life over its control socket, every few seconds. */
#pragma once

#include "loop/loop.h"

struct ping;

/* connect: a connection to it, or -1; alive: it has answered. */
struct ping *ping_new(struct loop *loop, int (*connect)(void *ctx), loop_fn *alive, void *ctx);
void ping_free(struct ping **p);
