/* See gate.h. It opens once, when the key of the capabilities and the rows of the shard are there, every connected edge has registered, and either
 * those are all edges of the suite or the link is 3 s old (an edge may need that long to find the router again). */
#include "gate.h"

#include <stdlib.h>

#include "act.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "load.h"
#include "teardown.h"

#define GRACE_MS 3000

struct deferred {
	struct list link;
	const struct bus_message *message;
	struct endpoint from;
	struct opid op;
	struct custody *custody;
	handler_fn *fn;
	struct str body; /* behind the struct */
};

static bool
may_pass(const struct sessiond *sd, const struct endpoint *from)
{
	const struct edge *e = &sd->edges[from->instance];

	if (!sd->is_open)
		return false;
	return from->role != ROLE_C2SD ||
	    (e->state != EDGE_REGISTERING && e->state != EDGE_CHECKING);
}

bool
gate_passes(struct sessiond *sd, const struct bus_in *in, handler_fn *fn)
{
	struct deferred *d;

	/* Nothing is overtaken: whoever may pass has nothing in the list any more (gate_check). */
	if (may_pass(sd, &in->from))
		return true;
	d = mem_new(sizeof(*d) + in->body.n);
	d->message = in->message;
	d->from = in->from;
	d->op = in->op;
	d->custody = custody_hold(in->custody);
	custody_defer(d->custody);
	d->fn = fn;
	memcpy(d + 1, in->body.p, in->body.n);
	d->body = str_of(d + 1, in->body.n);
	list_add(&sd->deferred, &d->link);
	return false;
}

static void
deferred_free(struct sessiond *sd, struct deferred *d)
{
	list_remove(&d->link);
	if (bus_of(sd))
		custody_resume(d->custody);
	act_let_go(sd, d->custody);
	free(d);
}

static void
deferred_run(struct sessiond *sd, struct deferred *d)
{
	struct bus_in in = {.bus = bus_of(sd),
	    .from = d->from,
	    .message = d->message,
	    .op = d->op,
	    .custody = d->custody,
	    .body = d->body};
	void *msg = mem_new(d->message->body.size);

	if (bus_decode(d->message, d->body, msg))
		d->fn(sd, &in, msg);
	free(msg);
	sessions_reap(sd);
}

static void
let_through(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->deferred, it, nx) {
		struct deferred *d = CONTAINER_OF(it, struct deferred, link);

		if (may_pass(sd, &d->from)) {
			deferred_run(sd, d);
			deferred_free(sd, d);
		}
	}
}

static bool
may_open(const struct sessiond *sd)
{
	unsigned ready = 0;

	if (!sd->has_cap_key || sd->load != LOAD_DONE || sd->linked_at_ms == 0)
		return false;
	for (unsigned i = 0; i < EDGES_MAX; i++) {
		enum edge_state state = sd->edges[i].state;

		if (state == EDGE_REGISTERING || state == EDGE_CHECKING)
			return false;
		ready += state == EDGE_READY;
	}
	return ready >= sd->daemon->suite.n_c2sd || clock_mono_ms() - sd->linked_at_ms >= GRACE_MS;
}

void
gate_check(struct sessiond *sd)
{
	if (!sd->is_open && may_open(sd)) {
		sd->is_open = true;
		log_info("open, with %u sessions", sessions_count(sd));
	}
	if (sd->is_open)
		let_through(sd);
}

void
gate_forget(struct sessiond *sd, const struct endpoint *edge)
{
	LIST_FOREACH_SAFE(&sd->deferred, it, nx) {
		struct deferred *d = CONTAINER_OF(it, struct deferred, link);

		if (d->from.role == edge->role && d->from.incarnation == edge->incarnation)
			deferred_free(sd, d);
	}
}

void
gate_free(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->deferred, it, nx)
		deferred_free(sd, CONTAINER_OF(it, struct deferred, link));
}
