/* The daemons that clients need: whether they are there, what they must be told when they come new. */
#include "links.h"

#include "base/log.h"
#include "client.h"
#include "deliver.h"
#include "register.h"
#include "session.h"
#include "xml/writer.h"

/* ---- who serves ---- */

bool
links_authd(const struct c2sd *c, struct endpoint *authd_r)
{
	uint64_t now = bus_incarnation_of(c2sd_bus(c), ROLE_AUTHD, 0);

	*authd_r = (struct endpoint){.role = ROLE_AUTHD, .instance = 0, .incarnation = now};
	return now != 0 && now == c->authd_incarnation && c->seal.ready;
}

struct endpoint
links_sessiond_of(const struct c2sd *c, struct str bare)
{
	unsigned shards = bus_shards(c2sd_bus(c));
	struct endpoint e = {.role = ROLE_SESSIOND};

	e.instance = (uint8_t)(shards ? bus_shard(bare, shards) : 0);
	e.incarnation = bus_incarnation_of(c2sd_bus(c), ROLE_SESSIOND, e.instance);
	return e;
}

bool
links_have_credit(const void *c2sd)
{
	return bus_has_credit(c2sd_bus(c2sd), ROLE_SESSIOND);
}

bool
links_may_serve(const struct c2sd *c)
{
	const struct bus *b = c2sd_bus(c);

	return b && bus_is_linked(b) && bus_role_up(b, ROLE_AUTHD) &&
	    bus_role_up(b, ROLE_SESSIOND) && links_have_credit(c) && certs_ready(&c->certs);
}

/* ---- a new authd ---- */

static void
meet_authd(struct c2sd *c, const struct endpoint *peer)
{
	uint8_t public[SEAL_KEY_BYTES];
	struct msg_SEAL_KEY m = {.public_key = str_of(public, sizeof(public))};

	seal_deinit(&c->seal);
	c->authd_incarnation = 0;
	if (!seal_start_client(&c->seal, c->authd_public, public)) {
		log_error("authd.pub is no key: copy authd's data/authd.pub here, and restart");
		return;
	}
	c->authd_incarnation = peer->incarnation;
	bus_send(c2sd_bus(c), peer, MSG_SEAL_KEY, &m, NULL, NULL, 0);
}

/* ---- events ---- */

static void
on_linked(void *ctx, bool up)
{
	log_info("link to the router: %s", up ? "up" : "down");
	listen_resume(ctx);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	struct c2sd *c = ctx;

	if (peer->role == ROLE_AUTHD && peer->instance == 0)
		meet_authd(c, peer);
	if (peer->role == ROLE_SESSIOND)
		register_sessions(c, peer);
	listen_resume(c);
}

static void
on_credit(void *ctx, enum role role)
{
	struct c2sd *c = ctx;

	if (role == ROLE_SESSIOND)
		wires_resume_starved(&c->wires);
	listen_resume(c);
}

/* What an error may answer (RFC 6120 §8.3.1). */
static bool
is_answerable(const struct stanza *st)
{
	return st->type != TYPE_ERROR && st->type != TYPE_RESULT &&
	    (st->kind != STANZA_PRESENCE || !str_empty(st->to));
}

static void
write_bounce(struct session *s, const struct stanza *st, enum stanza_error error)
{
	struct buf payload = {.data = NULL};
	struct stanza answer = {.kind = st->kind,
	    .type = TYPE_ERROR,
	    .id = st->id,
	    .from = str_empty(st->to) ? session_bare(s) : st->to,
	    .to = str_z(s->jid)};
	struct xml_writer w;

	xw_init(&w, &payload, S("jabber:client"));
	xml_write_error(&w, error, S(""));
	answer.payload = buf_str(&payload);
	xml_write_stanza(wire_out(&s->client->wire), &answer);
	client_touch(s->client);
	buf_deinit(&payload);
}

/* No sessiond took it for a minute, and there is nobody else to say so. */
static void
stanza_is_late(struct session *s, const struct stanza *st, enum bus_failure why)
{
	if (s->client && is_answerable(st))
		write_bounce(s, st,
		    why == BUS_NEVER_SENT ? SE_SERVICE_UNAVAILABLE : SE_REMOTE_SERVER_TIMEOUT);
}

/* sessiond dies of what is in it, so it gets the stanza again, with its number and in its place, but without that, and to be
 * refused. If it dies of that too, the stream ends. */
static void
stanza_is_poison(
    struct session *s, const struct msg_STANZA *m, const struct opid *op, struct custody *cause)
{
	struct endpoint home = session_home(s);
	struct msg_STANZA again = *m;

	if (m->refuse == SE_INTERNAL_SERVER_ERROR) {
		if (s->client)
			client_end(s->client, STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	again.refuse = SE_INTERNAL_SERVER_ERROR;
	again.st.payload = S("");
	again.st.facts = 0;
	bus_send(c2sd_bus(s->c2sd), &home, MSG_STANZA, &again, op, cause, s->sm ? BUS_PATIENT : 0);
}

/* BUS.md §11. Requests are answered through bus_request. */
static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	const struct msg_STANZA *stanza = msg;
	struct session *s = m->type == MSG_STANZA ? session_find(ctx, stanza->conn) : NULL;

	if (s && why == BUS_POISON)
		stanza_is_poison(s, stanza, op, cause);
	else if (s)
		stanza_is_late(s, &stanza->st, why);
}

/* Only sessiond knows that nobody can bring a stanza again. */
static void
on_settled(void *ctx, const struct endpoint *peer, const struct rec_settled *id)
{
	struct c2sd *c = ctx;

	if (peer->role == ROLE_SESSIOND)
		ledger_settle(&c->ids, &id->origin, id->n, NULL, NULL);
}

const struct bus_events c2sd_events = {
    .linked = on_linked,
    .peer_new = on_peer_new,
    .credit = on_credit,
    .failed = on_failed,
    .settled = on_settled,
};

const struct bus_handler c2sd_handlers[] = {
    {.type = MSG_DELIVER, .handle = handle_deliver},
    {.type = MSG_RELEASE, .handle = handle_release},
    {.type = MSG_CAPABILITY, .handle = handle_capability},
    {.type = MSG_PRESENCE_COPY, .handle = handle_presence_copy},
    {.type = MSG_FEATURES, .handle = handle_features},
    {.type = 0},
};
