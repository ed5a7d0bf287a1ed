/* What components get. A stanza's custody ends when the kernel has its last byte: each one remembers where in the stream of bytes
 * that is. */
#include "base/mem.h"
#include "stream.h"

#define ANSWERS_BYTES_MAX \
	(1024 * 1024) /* that wait for who sends nonsense and does not read: ended */

void
stream_deliver(struct stream *s, struct outgoing *o)
{
	xml_write_stanza(wire_out(&s->wire), o->st);
	wire_touch(&s->wire);
	s->said_ms = componentd_now_ms(s->componentd);
	list_add(&s->unwritten, &o->link);
	if (list_empty(&s->fresh))
		list_add(&s->componentd->fresh, &s->fresh);
}

/* Only those at the end are not marked yet. */
void
stream_mark(struct stream *s)
{
	list_remove(&s->fresh);
	for (struct list *it = s->unwritten.prev; it != &s->unwritten; it = it->prev) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->end != 0)
			return;
		o->end = s->wire.out_total;
	}
}

void
stream_settle(struct stream *s)
{
	uint64_t taken = wire_taken(&s->wire);
	struct component *c = s->component;

	LIST_FOREACH_SAFE(&s->unwritten, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->end == 0 || o->end > taken)
			return;
		outgoing_done(c, o);
	}
}

/* RFC 6120 §8.3.1: errors and results are not answered. */
void
stream_answer(struct stream *s, const struct stanza *st, enum stanza_error e)
{
	struct buf payload = {.data = NULL};
	struct stanza answer = {.kind = st->kind,
	    .type = TYPE_ERROR,
	    .from = str_empty(st->to) ? str_z(s->name) : st->to,
	    .to = st->from,
	    .id = st->id};
	struct xml_writer w;

	if (st->type == TYPE_ERROR || st->type == TYPE_RESULT || s->stage != STAGE_OPEN)
		return;
	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, e, S(""));
	answer.payload = buf_str(&payload);
	xml_write_stanza(wire_out(&s->wire), &answer);
	buf_deinit(&payload);
	wire_touch(&s->wire);
	s->said_ms = componentd_now_ms(s->componentd);
	if (wire_queued(&s->wire) >
	    ANSWERS_BYTES_MAX + (size_t)componentd_settings(s->componentd)->queue_bytes)
		stream_lost(s, "it does not read what it is sent");
}
