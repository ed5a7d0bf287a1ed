/* See reports.h. */
#include "reports.h"

#include "session.h"

static bool
has_news(const struct session *s)
{
	return s->written > s->report.told;
}

static void
on_due(void *ctx)
{
	struct c2sd *c = ctx;

	while (!list_empty(&c->reports.due))
		report_now(CONTAINER_OF(c->reports.due.next, struct session, report.link));
}

void
reports_start(struct c2sd *c)
{
	list_init(&c->reports.due);
	c->reports.timer = loop_timer_new(c->daemon->loop, on_due, c);
}

void
reports_stop(struct c2sd *c)
{
	loop_timer_free(&c->reports.timer);
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

/* A sessiond that is not there is told by registration what it must know. */
void
report_now(struct session *s)
{
	struct endpoint home = session_home(s);
	struct msg_WRITTEN m = {.conn = s->number, .k = s->written};

	list_remove(&s->report.link);
	s->report.bytes = 0;
	if (!has_news(s) || !home.incarnation)
		return;
	s->report.told = s->written;
	bus_send(c2sd_bus(s->c2sd), &home, MSG_WRITTEN, &m, NULL, NULL, 0);
}
