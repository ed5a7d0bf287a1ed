/* See reports.h. */
#include "reports.h"

#include <stdlib.h>

#include "base/mem.h"
#include "session.h"

#define TARGETS_MAX 1000 /* as messages.def has it */

static bool
has_news(const struct session *s)
{
	return s->written > s->report.told;
}

/* What there is to tell of a session, once. A sessiond that is not there is told by registration what it must know. */
static bool
take(struct session *s, const struct endpoint *home, struct rec_target *target_r)
{
	list_remove(&s->report.link);
	s->report.bytes = 0;
	if (!has_news(s) || !home->incarnation)
		return false;
	s->report.told = s->written;
	*target_r = (struct rec_target){.conn = s->number, .k = s->written};
	return true;
}

static void
tell(struct c2sd *c, const struct endpoint *home, const struct rec_target *targets, uint32_t n)
{
	struct msg_WRITTEN m = {.targets = {.items = targets, .count = n}};

	if (n)
		bus_send(c2sd_bus(c), home, MSG_WRITTEN, &m, NULL, NULL, 0);
}

/* All sessions of one sessiond; what goes over a frame comes in the next one. */
static void
tell_home(struct c2sd *c, struct endpoint home)
{
	struct rec_target *targets = c->reports.targets;
	uint32_t n = 0;

	LIST_FOREACH_SAFE(&c->reports.due, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, report.link);

		if (session_home(s).instance == home.instance && take(s, &home, &targets[n]))
			n++;
		if (n == TARGETS_MAX)
			break;
	}
	tell(c, &home, targets, n);
}

static void
on_due(void *ctx)
{
	struct c2sd *c = ctx;

	while (!list_empty(&c->reports.due))
		tell_home(c,
		    session_home(CONTAINER_OF(c->reports.due.next, struct session, report.link)));
}

void
reports_start(struct c2sd *c)
{
	list_init(&c->reports.due);
	c->reports.targets = mem_new_array(TARGETS_MAX, sizeof(*c->reports.targets));
	c->reports.timer = loop_timer_new(c->daemon->loop, on_due, c);
}

void
reports_stop(struct c2sd *c)
{
	loop_timer_free(&c->reports.timer);
	free(c->reports.targets);
}

void
report_now(struct session *s)
{
	struct endpoint home = session_home(s);
	struct rec_target target;

	if (take(s, &home, &target))
		tell(s->c2sd, &home, &target, 1);
}

void
report_news(struct session *s)
{
	struct reports *r = &s->c2sd->reports;

	if (!has_news(s))
		return;
	if (s->report.bytes >= REPORT_BYTES) {
		report_now(s);
		return;
	}
	if (!list_empty(&s->report.link))
		return;
	if (list_empty(&r->due))
		loop_timer_start(r->timer, REPORT_MS, 0);
	list_add(&r->due, &s->report.link);
}
