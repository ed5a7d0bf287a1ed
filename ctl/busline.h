/* The operator's command as an endpoint on the bus: for what needs the router (users while authd runs, sessions). */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "bus/bus.h"
#include "ctl.h"

#define BUSLINE_ANSWER_MS 30000

struct busline;

/* Links to the router and waits until the role is there too. NULL with *err filled: "the router is down" and the like. */
struct busline *busline_open(struct ctl *c, enum role wanted, struct err *err);
void busline_close(struct busline **l);

struct bus *busline_bus(struct busline *l);
/* Appends `plain` sealed for authd. */
void busline_seal(struct busline *l, struct str plain, struct buf *out);

/* A request with its deadline; fn is called once, as bus_request says. */
void busline_send(struct busline *l, const struct endpoint *to, enum msg_type type, void *msg,
    bus_answer_fn *fn, void *arg);
/* Lets things happen until the counter, which the answers' callbacks lower, is at most `most`. Every request has its
 * deadline, so this ends. */
void busline_run(struct busline *l, const unsigned *pending, unsigned most);
