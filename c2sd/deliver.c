/* What sessiond sends to clients: stanzas, the end of a session, what must be remembered for the next sessiond. */
#include "deliver.h"

#include "base/log.h"
#include "names.h"
#include "session.h"
#include "xml/writer.h"

static struct client *
session_client(struct c2sd *c, uint64_t conn)
{
	struct client *client = client_find(c, conn);

	return client && client->session ? client : NULL;
}

/* The numbers of a session have no gaps (BUS.md §7); one ends that stream, never the daemon. */
static bool
is_next(struct client *c, uint64_t k)
{
	if (k == c->session->k + 1)
		return true;
	client_log(c, LOG_ERROR, "stanza %llu came where %llu was due: the session is ended",
	    (unsigned long long)k, (unsigned long long)c->session->k + 1);
	client_end(c, STREAM_INTERNAL_SERVER_ERROR, NULL);
	return false;
}

static void
deliver_one(struct client *c, const struct rec_target *target, const struct opid *op,
    const struct stanza *st)
{
	struct stanza mine = *st;

	if (!is_next(c, target->k))
		return;
	if (str_empty(mine.to))
		mine.to = session_bare(c->session);
	c->session->k = target->k;
	session_ledger_add(c->session, target->k, op);
	xml_write_stanza(client_out(c), &mine);
	client_touch(c);
}

void
handle_deliver(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_DELIVER *m = msg;
	struct bus_list targets = m->targets;
	struct rec_target target;

	while (bus_list_next(&targets, &bus_record_target, &target)) {
		struct client *c = session_client(ctx, target.conn);

		if (c)
			deliver_one(c, &target, &in->op, &m->st);
	}
}

void
handle_release(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_RELEASE *m = msg;
	struct client *c = session_client(ctx, m->conn);
	char text[257];

	(void)in;
	if (!c)
		return;
	client_forget_session(c);
	client_end(c, (enum stream_error)m->error,
	    m->text.n && str_copy(text, sizeof(text), m->text) ? text : NULL);
}

void
handle_capability(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_CAPABILITY *m = msg;
	struct client *c = session_client(ctx, m->conn);

	(void)in;
	if (c)
		session_capability(c->session, m->capability, m->generation);
}

void
handle_presence_copy(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_PRESENCE_COPY *m = msg;
	struct client *c = session_client(ctx, m->conn);

	(void)in;
	if (c)
		session_presence(c->session, m);
}
