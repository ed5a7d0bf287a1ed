/* The daemons that clients need: whether they are there, what they must be told when they come new. */
#include "base/log.h"
#include "deliver.h"
#include "session.h"

/* ---- who serves ---- */

bool
c2sd_authd(const struct c2sd *c, struct endpoint *authd_r)
{
	uint64_t now = bus_incarnation_of(c->daemon->bus, ROLE_AUTHD, 0);

	*authd_r = (struct endpoint){.role = ROLE_AUTHD, .instance = 0, .incarnation = now};
	return now != 0 && now == c->authd_incarnation && c->seal.ready;
}

struct endpoint
c2sd_sessiond_of(const struct c2sd *c, struct str bare)
{
	unsigned shards = bus_shards(c->daemon->bus);
	struct endpoint e = {.role = ROLE_SESSIOND};

	e.instance = (uint8_t)(shards ? bus_shard(bare, shards) : 0);
	e.incarnation = bus_incarnation_of(c->daemon->bus, ROLE_SESSIOND, e.instance);
	return e;
}

bool
c2sd_may_serve(const struct c2sd *c)
{
	const struct bus *b = c->daemon->bus;

	return b && bus_is_linked(b) && bus_role_up(b, ROLE_AUTHD) &&
	    bus_role_up(b, ROLE_SESSIOND) && chains_complete(c->chains);
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
		log_error(
		    "authd.pub is no key: run \"jackdawctl init\" again, or copy authd's data/authd.pub here");
		return;
	}
	c->authd_incarnation = peer->incarnation;
	bus_send(c->daemon->bus, peer, MSG_SEAL_KEY, &m, NULL, NULL, 0);
}

/* ---- a new sessiond: all sessions of its shard are registered (BUS.md §9) ---- */

static bool
belongs_to(const struct c2sd *c, const struct session *s, const struct endpoint *peer)
{
	return c2sd_sessiond_of(c, session_bare(s)).instance == peer->instance;
}

static void
register_session(struct client *client, const struct endpoint *peer)
{
	struct msg_REG m = {.conn = client->number};

	session_record(client->session, &m.session);
	/* What was written to the old sessiond's account is unknown to the new one. */
	client->session->written = 0;
	bus_send(client->c2sd->daemon->bus, peer, MSG_REG, &m, NULL, NULL, 0);
	if (client->conn && conn_queued(client->conn) == 0 && buf_len(&client->plain) == 0)
		session_report_written(client);
}

static void
register_all(struct c2sd *c, const struct endpoint *peer)
{
	struct msg_REG_END end = {.count = 0};
	struct client *client, *next;

	HASH_ITER(hh, c->clients, client, next) {
		if (!client->session || !belongs_to(c, client->session, peer))
			continue;
		register_session(client, peer);
		end.count++;
	}
	bus_send(c->daemon->bus, peer, MSG_REG_END, &end, NULL, NULL, 0);
}

/* ---- events ---- */

static void
resume_gates(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].listener)
			listener_resume(c->gates[i].listener);
}

static void
on_linked(void *ctx, bool up)
{
	log_info("link to the router: %s", up ? "up" : "down");
	if (up)
		resume_gates(ctx);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	struct c2sd *c = ctx;

	if (peer->role == ROLE_AUTHD)
		meet_authd(c, peer);
	if (peer->role == ROLE_SESSIOND)
		register_all(c, peer);
	resume_gates(c);
}

static void
on_credit(void *ctx, enum role role)
{
	struct c2sd *c = ctx;

	(void)role;
	LIST_FOREACH_SAFE(&c->paused, it, nx) {
		struct client *client = CONTAINER_OF(it, struct client, paused);

		list_remove(it);
		client_go_on(client);
	}
}

/* A stanza of a session without stream management that found no sessiond for a minute: the stream ends, so that its client
 * knows; the request of a bind is answered through bus_request. */
static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, bool never_sent)
{
	const struct msg_STANZA *stanza = msg;
	struct client *c = m->type == MSG_STANZA ? client_find(ctx, stanza->conn) : NULL;

	(void)op;
	(void)cause;
	(void)never_sent;
	if (c && c->session && id_eq(&c->session->sid, &stanza->sid))
		client_end(c, STREAM_RESOURCE_CONSTRAINT, "the service is not available");
}

const struct bus_events c2sd_events = {
    .linked = on_linked,
    .peer_new = on_peer_new,
    .credit = on_credit,
    .failed = on_failed,
};

const struct bus_handler c2sd_handlers[] = {
    {.type = MSG_DELIVER, .handle = handle_deliver},
    {.type = MSG_RELEASE, .handle = handle_release},
    {.type = MSG_CAPABILITY, .handle = handle_capability},
    {.type = MSG_PRESENCE_COPY, .handle = handle_presence_copy},
    {.type = 0},
};
