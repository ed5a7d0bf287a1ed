/* Requests and answers: messages that begin with `req` and `re`. Included by bus/bus.h. */
#pragma once

#include "bus/bus.h"

/* Called once, never from inside bus_request: with the answer (its in->message tells which of the possible ones), or with
 * in and msg NULL when the deadline passed, a bound request's peer died or is another by now, a stable one waited too
 * long, it was acknowledged but not answered in 10 s more, or the bus is being freed. A request that failed before it was
 * ever sent will not be sent any more. */
typedef void bus_answer_fn(void *arg, const struct bus_in *in, const void *msg);

/* As bus_send for a message whose first field is `req` (filled in here). While it is open the request's frame may be
 * replayed to a successor (stable) and the answer still counts. deadline_ms 0: none. Returns the request's number. */
uint64_t bus_request(struct bus *b, const struct endpoint *to, enum msg_type type, void *msg,
    const struct opid *op, struct custody *cause, uint32_t deadline_ms, bus_answer_fn *fn,
    void *arg);
/* Forgets a request: fn will not be called. */
void bus_cancel(struct bus *b, uint64_t request);

/* Answers the frame being handled, or one handled before (keep from, op and the request's number): sets the message's
 * `re` to `request`, sends to the asker's incarnation; cause = the request's custody, so the request is acknowledged when
 * the answer is. */
void bus_answer(struct bus *b, const struct endpoint *to, uint64_t request, enum msg_type type,
    void *msg, const struct opid *op, struct custody *cause);
/* The two common answers. */
void bus_answer_done(struct bus *b, const struct endpoint *to, uint64_t request, uint64_t count,
    struct custody *cause);
void bus_answer_failed(struct bus *b, const struct endpoint *to, uint64_t request,
    enum bus_error error, const char *text, struct custody *cause);
