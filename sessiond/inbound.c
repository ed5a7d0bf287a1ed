/* See inbound.h. Each stanza has a custody of its own; when it is complete the stanza is done, and when all before it are
 * done too, its frames are acknowledged: the edge reads "n is acknowledged" as "all up to n are" (BUS.md §4). */
#include "inbound.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "bounce.h"
#include "iq.h"
#include "message.h"
#include "presence.h"
#include "strip.h"

struct inbound {
	struct list link; /* in session.in_flight, in order of n; then in sd->orphans */
	struct sessiond *sd;
	struct session *session; /* NULL when it has ended */
	uint64_t n;
	uint32_t bytes; /* of its frame, in the window of this edge: */
	uint8_t edge;
	bool is_done, is_behind; /* …, and waits for one before it */
	struct custody *frame;
	struct custody **replays; /* of it: as many as edges brought it, paid by their windows */
	unsigned n_replays;
};

static void
inbound_free(struct inbound *i)
{
	if (i->is_behind)
		i->sd->edges[i->edge].behind_bytes -= i->bytes;
	list_remove(&i->link);
	act_let_go(i->sd, i->frame);
	for (unsigned r = 0; r < i->n_replays; r++)
		act_let_go(i->sd, i->replays[r]);
	free(i->replays);
	slab_put(&i->sd->inbounds, i);
}

static void
inbound_join(struct inbound *i, const struct bus_in *in)
{
	i->replays = mem_grow(i->replays, (i->n_replays + 1) * sizeof(struct custody *));
	i->replays[i->n_replays++] = custody_hold(in->custody);
}

/* Whoever writes to a client that does not read has not only those stanzas held back but all behind them, as they are acknowledged in their
 * order. Before that fills the window, in which all clients of the edge are, those who do not read go: this much, and what may be
 * queued for them (queues_bytes), is three quarters of it. */
#define BEHIND_BYTES_MAX (1024 * 1024)

static void
stay_behind(struct inbound *i)
{
	size_t *behind = &i->sd->edges[i->edge].behind_bytes;

	i->is_behind = true;
	*behind += i->bytes;
	if (*behind > BEHIND_BYTES_MAX)
		outbound_doom_stuck(i->sd);
}

bool
inbound_is_held_back(const struct sessiond *sd)
{
	for (unsigned e = 0; e < COUNT(sd->edges); e++)
		if (sd->edges[e].behind_bytes > BEHIND_BYTES_MAX)
			return true;
	return false;
}

static void
on_done(void *arg)
{
	struct inbound *i = arg;
	struct session *s = i->session;

	i->is_done = true;
	if (!s) {
		inbound_free(i);
		return;
	}
	if (s->in_flight.next != &i->link)
		stay_behind(i);
	while (!list_empty(&s->in_flight)) {
		i = CONTAINER_OF(s->in_flight.next, struct inbound, link);
		if (!i->is_done)
			return;
		s->done = i->n;
		inbound_free(i);
	}
}

void
inbound_let_go(struct session *s)
{
	LIST_FOREACH_SAFE(&s->in_flight, it, nx) {
		struct inbound *i = CONTAINER_OF(it, struct inbound, link);

		i->session = NULL;
		list_remove(&i->link);
		list_add(&s->sd->orphans, &i->link);
		if (i->is_done)
			inbound_free(i);
	}
}

void
inbound_init(struct sessiond *sd)
{
	list_init(&sd->orphans);
	slab_init(&sd->inbounds, sizeof(struct inbound));
}

void
inbound_deinit(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->orphans, it, nx)
		inbound_free(CONTAINER_OF(it, struct inbound, link));
	slab_deinit(&sd->inbounds);
}

static void
accept_stanza(struct session *s, const struct act *act, const struct stanza *sent)
{
	struct stanza st = *sent;
	struct buf scratch = {0};

	fault_poison(st.payload, "sessiond");
	st.from = s->jid.full;
	strip_forged(act, &st, &scratch);
	switch ((enum stanza_kind)st.kind) {
	case STANZA_MESSAGE:
		message_from_client(s, act, &st);
		break;
	case STANZA_PRESENCE:
		presence_from_client(s, act, &st);
		break;
	case STANZA_IQ:
		iq_from_client(s, act, &st);
		break;
	case STANZA_KIND_COUNT:
		break;
	}
	buf_deinit(&scratch);
}

/* What the edge found wrong with it: the edge answers nothing itself (BUS.md §7). */
static void
refuse_stanza(struct session *s, const struct act *act, const struct msg_STANZA *m)
{
	struct stanza st = m->st;

	st.from = s->jid.full;
	bounce(act, &st, m->refuse < SE_COUNT ? (enum stanza_error)m->refuse : SE_BAD_REQUEST);
}

static void
inbound_begin(struct session *s, const struct bus_in *in, const struct msg_STANZA *m)
{
	struct inbound *i = slab_get(&s->sd->inbounds);
	struct act act = act_of(s->sd, in);

	i->sd = s->sd;
	i->session = s;
	i->n = s->in_last = m->n;
	i->bytes = (uint32_t)in->body.n;
	i->edge = in->from.instance;
	i->frame = custody_hold(in->custody);
	list_add(&s->in_flight, &i->link);
	act.op = (struct opid){.origin = s->sid, .n = m->n, .kind = OP_STANZA};
	act.custody = custody_new(in->bus, in->custody, on_done, i);
	if (m->refuse)
		refuse_stanza(s, &act, m);
	else
		accept_stanza(s, &act, &m->st);
	custody_release(act.custody);
}

/* Not (or no longer) a session: the stanza is void, and the edge must know that before it is acknowledged. */
static void
refuse(const struct bus_in *in, uint64_t conn)
{
	struct msg_RELEASE m = {.conn = conn, .error = STREAM_RESET};

	bus_send(in->bus, &in->from, MSG_RELEASE, &m, NULL, in->custody, 0);
}

static void
inbound_repeat(struct session *s, const struct bus_in *in, uint64_t n)
{
	LIST_FOREACH(&s->in_flight, it) {
		struct inbound *i = CONTAINER_OF(it, struct inbound, link);

		if (i->n == n)
			inbound_join(i, in);
	}
}

void
handle_stanza(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_STANZA *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);

	if (!s)
		refuse(in, m->conn);
	else if (!id_eq(&s->sid, &m->sid))
		bus_protocol_error(in->bus, in, "a session that is not this connection's");
	else if (!str_empty(m->st.from))
		bus_protocol_error(in->bus, in, "a stanza that brings its sender");
	else if (m->n > s->in_last + 1)
		bus_protocol_error(in->bus, in, "a stanza out of order");
	else if (m->n == s->in_last + 1)
		inbound_begin(s, in, m);
	else if (m->n > s->done)
		inbound_repeat(s, in, m->n);
}
