/* What sessiond sends to clients: stanzas, the end of a session, what must be remembered for the next sessiond. */
#include "deliver.h"

#include "base/log.h"
#include "session.h"
#include "xml/writer.h"

/* The numbers of a session have no gaps (BUS.md §7); one ends that stream, never the daemon. */
static bool
is_next(const struct session *s, uint64_t k)
{
	if (k == s->k + 1)
		return true;
	if (!s->client)
		return false;
	client_log(s->client, LOG_ERROR, "stanza %llu came where %llu was due: the stream ends",
	    (unsigned long long)k, (unsigned long long)s->k + 1);
	client_end(s->client, STREAM_INTERNAL_SERVER_ERROR, NULL);
	return false;
}

static void
keep_copy(struct session *s, const struct opid *op, int64_t stamp_us, const struct stanza *st)
{
	struct rec_unacked u = {.k = s->k,
	    .origin = op->origin,
	    .n = op->n,
	    .kind = op->kind,
	    .stamp_us = stamp_us,
	    .st = *st};

	if (s->sm)
		session_unacked_add(s, &u);
}

static void
deliver_one(struct session *s, uint64_t k, const struct opid *op, const struct msg_DELIVER *m)
{
	struct client *c = s->client;
	struct stanza mine = m->st;
	struct buf *out;
	size_t before;

	if (!is_next(s, k))
		return;
	if (str_empty(mine.to))
		mine.to = session_bare(s);
	s->k = k;
	ledger_add(&s->ledger, op, k, LEDGER_FREE);
	keep_copy(s, op, m->stamp_us, &mine);
	if (!c)
		return; /* sessiond does not know it yet: the copy tells its successor (BUS.md §5) */
	out = wire_out(&c->wire);
	before = buf_len(out);
	xml_write_stanza(out, &mine);
	s->report.bytes += buf_len(out) - before;
	client_touch(c);
	if (c->session)
		sm_delivered(s);
}

void
handle_deliver(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_DELIVER *m = msg;
	struct bus_list targets = m->targets;
	struct rec_target target;

	while (bus_list_next(&targets, &bus_record_target, &target)) {
		struct session *s = session_find(ctx, target.conn);

		if (s)
			deliver_one(s, target.k, &in->op, m);
	}
}

void
handle_release(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_RELEASE *m = msg;
	struct session *s = session_find(ctx, m->conn);
	struct client *c = s ? s->client : NULL;
	char text[257];

	(void)in;
	if (!s)
		return;
	if (c)
		client_log(c, LOG_INFO, "sessiond ends the session");
	session_release(s);
	if (!c)
		return;
	client_end(c, (enum stream_error)m->error,
	    m->text.n && str_copy(text, sizeof(text), m->text) ? text : NULL);
}

void
handle_capability(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_CAPABILITY *m = msg;
	struct session *s = session_find(ctx, m->conn);

	(void)in;
	if (s)
		session_capability(s, m->capability, m->generation);
}

void
handle_presence_copy(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_PRESENCE_COPY *m = msg;
	struct session *s = session_find(ctx, m->conn);

	(void)in;
	if (s)
		session_presence(s, m);
}

void
handle_features(void *ctx, const struct bus_in *in, const void *msg)
{
	struct c2sd *c = ctx;

	(void)in;
	offer_take(&c->offer, msg);
}
