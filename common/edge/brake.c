/* See brake.h. */
#include "brake.h"

#include "base/mem.h"

void
wire_pause(struct wire *w, unsigned why)
{
	w->paused |= why;
	conn_pause(w->conn);
}

void
wire_read_on(struct wire *w)
{
	wire_go_on(w);
	if (w->events->may_read(w->ctx) && !w->handshake)
		conn_resume(w->conn);
}

void
wire_resume(struct wire *w, unsigned why)
{
	if (!(w->paused & why))
		return;
	w->paused &= ~why;
	wire_read_on(w);
}

void
wire_pause_without_credit(struct wire *w)
{
	struct wires *all = w->all;

	if (all->has_credit(all->edge) || !list_empty(&w->starved))
		return;
	wire_pause(w, PAUSE_CREDIT);
	list_add(&all->starved, &w->starved);
}

void
wires_resume_starved(struct wires *all)
{
	while (!list_empty(&all->starved) && all->has_credit(all->edge)) {
		struct wire *first = CONTAINER_OF(all->starved.next, struct wire, starved);

		list_remove(&first->starved);
		wire_resume(first, PAUSE_CREDIT);
	}
}
