/* See sm.h. */
#include "sm.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ending.h"
#include "names.h"
#include "pair.h"
#include "proof.h"

#define ASK_EVERY 20 /* stanzas; else with the next tick */

/* One of theirs, until the suite has it. */
struct arrival {
	struct list link;
	struct stream *stream; /* NULL: it has ended */
	bool is_done;
};

void
sm_init(struct sm *sm)
{
	list_init(&sm->arrivals);
}

void
sm_deinit(struct stream *s)
{
	LIST_FOREACH_SAFE(&s->sm.arrivals, it, nx) {
		struct arrival *a = CONTAINER_OF(it, struct arrival, link);

		list_remove(it);
		a->stream = NULL;
		if (a->is_done)
			free(a);
	}
}

/* ---- ours ---- */

void
sm_begin(struct stream *s)
{
	if (!(s->offers & OFFER_SM))
		return;
	s->sm.is_out = true;
	stream_write(s, S("<enable xmlns='" NS_SM "'/>"));
}

static void
ask(struct stream *s)
{
	s->sm.is_asked = true;
	s->sm.asked_at = s->sm.sent;
	s->sm.asked_ms = s2sd_now_ms(s->s2sd);
	stream_write(s, S("<r xmlns='" NS_SM "'/>"));
}

void
sm_sent(struct stream *s)
{
	if (!s->sm.is_out)
		return;
	s->sm.sent++;
	if (!s->sm.is_asked && s->sm.sent - s->sm.asked_at >= ASK_EVERY)
		ask(s);
}

bool
sm_enabled(struct stream *s, const struct xml_element *e)
{
	(void)e;
	s->sm.is_in = s->sm.is_out && s->is_bidi;
	return true;
}

bool
sm_failed(struct stream *s, const struct xml_element *e)
{
	(void)e;
	s->sm.is_out = s->sm.is_asked = false;
	pair_unacked_is_written(s);
	return true;
}

bool
sm_answer(struct stream *s, const struct xml_element *e)
{
	struct sm *sm = &s->sm;
	uint64_t h;

	if (!sm->is_out || !str_u64(xml_element_attr(e, S(""), "h", NULL), &h) || h > UINT32_MAX ||
	    (uint32_t)h - sm->acked > sm->sent - sm->acked) {
		stream_end(s, STREAM_UNDEFINED_CONDITION, "an acknowledgement of what was not sent");
		return false;
	}
	sm->acked = (uint32_t)h;
	sm->is_asked = false;
	pair_acked(s, sm->acked);
	return true;
}

/* ---- theirs ---- */

static void
tell(struct stream *s)
{
	s->sm.told = s->sm.done;
	buf_printf(wire_out(&s->wire), "<a xmlns='" NS_SM "' h='%u'/>", s->sm.done);
	stream_touch(s);
}

static void
on_done(void *arg)
{
	struct arrival *a = arg;
	struct stream *s = a->stream;

	a->is_done = true;
	if (!s) {
		free(a);
		return;
	}
	LIST_FOREACH_SAFE(&s->sm.arrivals, it, nx) {
		a = CONTAINER_OF(it, struct arrival, link);
		if (!a->is_done)
			break;
		list_remove(&a->link);
		free(a);
		s->sm.done++;
	}
	stream_end_step(s);
}

struct custody *
sm_arrival(struct stream *s)
{
	struct arrival *a;

	if (!s->sm.is_in)
		return NULL;
	a = NEW(struct arrival);
	a->stream = s;
	s->sm.taken++;
	list_add(&s->sm.arrivals, &a->link);
	return custody_new(s2sd_bus(s->s2sd), NULL, on_done, a);
}

bool
sm_enable(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (!proof_any(s) || s->sm.is_in) {
		stream_write(s,
		    S("<failed xmlns='" NS_SM
		      "'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"));
		return true;
	}
	s->sm.is_in = true;
	s->sm.is_out = s->is_bidi; /* it counts what we send behind our answer */
	stream_write(s, S("<enabled xmlns='" NS_SM "'/>"));
	return true;
}

bool
sm_request(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (s->sm.is_in && s->state != S2S_HALF_CLOSED)
		tell(s);
	return s->state != S2S_CLOSING;
}

/* ---- the end, and time ---- */

void
sm_last_words(struct stream *s)
{
	if (s->sm.is_in && s->sm.done != s->sm.told)
		tell(s);
	if (s->sm.is_out && s->sm.acked != s->sm.sent && !s->is_over_there)
		ask(s);
}

void
sm_tick(struct stream *s, uint64_t now_ms)
{
	struct sm *sm = &s->sm;
	uint64_t ack_ms = (uint64_t)s2sd_settings(s->s2sd)->ack_seconds * 1000;

	if (sm->is_in && sm->done != sm->told)
		tell(s);
	if (sm->is_out && sm->is_asked && now_ms - sm->asked_ms > ack_ms)
		stream_lost(s, "it acknowledges nothing");
	else if (sm->is_out && !sm->is_asked && sm->acked != sm->sent)
		ask(s);
}
