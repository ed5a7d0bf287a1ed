/* Custody: what a frame's acknowledgement waits for. Included by bus/bus.h. */
#pragma once

#include "bus/bus.h"

/* Custody. Reference counted: holders are the running handler, every kept frame sent under it, and whoever called
 * custody_hold. When the last lets go, the frame it belongs to is acknowledged. */
struct custody *custody_hold(struct custody *c);
void custody_release(struct custody *c); /* NULL is fine */

/* The frame that c belongs to is put off: its handler goes on later, while the owner holds c. Until custody_resume has been
 * called as often, or c has ended, it does not count as handled; so one that we die of then is found (BUS.md §11). For
 * what only waits its turn and needs no more than time, not for what waits for others' answers. */
void custody_defer(struct custody *c);
void custody_resume(struct custody *c);

/* A custody of one's own, held once by the caller: done(arg) runs when the last holder lets go (never when that is
 * bus_free, which ends all custodies: let go of yours before). What is sent under it has no level to be above of. Edges
 * use one per stanza; sessiond to acknowledge a session's stanzas in order (the inner frame's custody is held until
 * then; `inner` may be NULL and serves for the level check). */
struct custody *custody_new(
    struct bus *b, struct custody *inner, void (*done)(void *arg), void *arg);

/* Takes back what was sent under this custody and is not acknowledged (BUS.md §8, RELEASE): what the receiver has
 * not got yet it will never get. The custody is let go by these frames. */
void bus_withdraw(struct bus *b, struct custody *cause);
