/* The barrier after a start (BUS.md §9): nothing but registrations is handled before every connected edge has told which
 * sessions it holds. Later the same holds for a single edge that registers. */
#pragma once

#include "sessiond.h"

typedef void handler_fn(struct sessiond *sd, const struct bus_in *in, const void *msg);

/* True when the frame may be handled now; otherwise it is kept and handled later, in its order. */
bool gate_passes(struct sessiond *sd, const struct bus_in *in, handler_fn *fn);
/* Something has changed: opens if it may, lets through what may go. */
void gate_check(struct sessiond *sd);
/* Frames of an edge that is dead mean nothing any more. */
void gate_forget(struct sessiond *sd, const struct endpoint *edge);
void gate_free(struct sessiond *sd);
