/* The certificates that keyd gives to an edge, kept up to date in a tls_context. Not part of a loop: the edge
 * watches chains_fd for reading and calls chains_read, and when that says CHAINS_DOWN it calls chains_open again
 * after chains_retry_ms. What was learnt stays in force while keyd is away.
 *
 *   struct chains *c = chains_new(context);
 *   if (chains_open(c, NULL) < 0) start a timer of chains_retry_ms(c), then again
 *   on readable: switch (chains_read(c)) … */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "tls/tls.h"

struct chains;

/* The context is borrowed. */
struct chains *chains_new(struct tls_context *t);
void chains_free(struct chains **c);

/* Connects to keyd and asks for the list; does not block. name: as signer_set_path, NULL for the default.
 * The descriptor, or -1 with *err filled. */
int chains_open(struct chains *c, const char *name, struct err *err);
/* -1 while down. */
int chains_fd(const struct chains *c);
/* How long to wait before the next chains_open: 20 ms, doubling up to 1 s; reset by a complete list. */
uint64_t chains_retry_ms(struct chains *c);

enum chains_event {
	CHAINS_NOTHING, /* wait until the descriptor is readable again */
	CHAINS_UPDATED, /* a whole list is in force; call again */
	CHAINS_DOWN,    /* keyd hung up or sent nonsense; the descriptor is closed, *err says why */
};
enum chains_event chains_read(struct chains *c, struct err *err);
/* At least one whole list has come: handshakes can be answered. */
bool chains_complete(const struct chains *c);

/* One packet of keyd's; chains_read does this. -1 with *err filled when it is malformed or out of order. */
int chains_apply(struct chains *c, struct str packet, enum chains_event *event_r, struct err *err);
