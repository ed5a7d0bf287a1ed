/* What the files of this folder share. */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"

#define LOOP_INPUT_BYTES (64 * 1024)
/* Output buffers that idle connections gave back: at most 2 MiB are kept. */
#define LOOP_SPARES 8
#define LOOP_SPARE_BYTES (256 * 1024)
#define LOOP_LATER_US 100 /* of a turn, for those who come last */

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_idle_t idle; /* active: do not wait in this turn */
	bool stopped;
	bool again;
	struct list hooks;
	struct list later;     /* loop_later: each owner once */
	struct list dirty;     /* connections with something to write in this turn */
	struct list lingering; /* connections that conn_close is still busy with */
	struct buf spares[LOOP_SPARES];
	unsigned n_spares;
	uint8_t input[LOOP_INPUT_BYTES]; /* what is being read, lent to one input method at a time */
};

/* In conn.c */
void conn_flush_dirty(struct loop *l);
void conn_abort_lingering(struct loop *l);
