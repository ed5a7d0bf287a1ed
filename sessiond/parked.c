/* See parked.h. */
#include "parked.h"

#include "block.h"
#include "bounce.h"
#include "session.h"
#include "teardown.h"

void
parked_init(struct parked *p)
{
	list_init(&p->list);
}

void
parked_clear(struct parked *p)
{
	LIST_FOREACH_SAFE(&p->list, it, nx)
		outgoing_free(CONTAINER_OF(it, struct outgoing, link));
	p->n = 0;
	p->bytes = 0;
}

void
park(struct session *s, const struct delivery *d)
{
	struct outgoing *o = outgoing_new(s->sd, d, stanza_bytes(d->st));

	o->st = stanza_copy(d->st);
	ledger_add(&s->out.ledger, &d->op, 0, LEDGER_GIVEN);
	list_add(&s->parked.list, &o->link);
	s->parked.n++;
	s->parked.bytes += o->bytes;
	if (s->parked.n > PARKED_MAX || s->parked.bytes > PARKED_BYTES_MAX)
		session_doom(s, STREAM_RESOURCE_CONSTRAINT);
}

static bool
is_question(const struct stanza *st)
{
	return st->kind == STANZA_IQ && stanza_wants_answer(st) && !str_empty(st->from);
}

static void
bounce_question(const struct act *act, const struct outgoing *o)
{
	struct act own = *act;

	own.op = o->op;
	bounce(&own, o->st, SE_SERVICE_UNAVAILABLE);
}

/* Lists and blocks are those of now. */
void
unpark(struct session *s, const struct act *act)
{
	LIST_FOREACH_SAFE(&s->parked.list, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);
		struct delivery d = {.act = act, .op = o->op, .st = o->st, .stamp_us = o->stamp_us};

		ledger_forget(&s->out.ledger, &o->op);
		if (!session_denies_stanza(s, o->st))
			outbound_send_now(s, &d);
		else if (is_question(o->st))
			bounce_question(act, o);
	}
	parked_clear(&s->parked);
}

static void
bounce_questions(const struct act *act, const struct list *outgoing)
{
	LIST_FOREACH(outgoing, it) {
		const struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->st && is_question(o->st))
			bounce_question(act, o);
	}
}

void
parked_bounce(struct session *s, const struct act *act)
{
	bounce_questions(act, &s->out.unacked);
	bounce_questions(act, &s->parked.list);
}
