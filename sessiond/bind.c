/* BIND: a connection has a ticket and wants a resource (RFC 6120 §7). authd says whose ticket it is; only then there is a
 * session. A replay finds the session of its handle, or redeems the same ticket again. */
#include "bind.h"

#include <stdlib.h>

#include "account.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "capability.h"
#include "route.h"
#include "teardown.h"

#define REDEEM_MS 20000
#define RESOURCE_BYTES 8 /* of randomness */

/* A BIND while authd is asked. */
struct binding {
	struct act act;
	struct endpoint edge;
	uint64_t request, conn;
	char *jid, *resource; /* owned */
	char source[SOURCE_MAX + 1];
};

static void
binding_free(struct binding *b)
{
	act_drop(&b->act);
	free(b->jid);
	free(b->resource);
	free(b);
}

static void
refuse(const struct binding *b, enum bus_error e, const char *text)
{
	bus_answer_failed(bus_of(b->act.sd), &b->edge, b->request, e, text, b->act.custody);
}

static void
answer(const struct session *s, uint64_t request, const struct act *act)
{
	uint8_t mac[CAPABILITY_BYTES];
	struct msg_BOUND_TO m = {.conn = s->handle.conn, .session = session_record(s, mac)};

	bus_answer(bus_of(s->sd), &s->edge, request, MSG_BOUND_TO, &m, NULL, act->custody);
}

/* ---- the resource ---- */

static struct str
random_resource(char *text)
{
	struct id128 id = id_random();
	char hex[2 * ID_BYTES + 1];

	id_hex(&id, hex);
	memcpy(text, hex, 2 * RESOURCE_BYTES);
	return str_of(text, 2 * RESOURCE_BYTES);
}

/* The policy for a resource that is in use: it is not by one that nobody is at. False: refused. */
static bool
settle_conflict(const struct binding *b, struct session *old, struct str *resource, char *text)
{
	switch ((enum conflict_policy)settings_of(b->act.sd)->conflict) {
	case CONFLICT_REPLACE:
		session_end(old, &b->act, END_TAKEN, STREAM_CONFLICT);
		return true;
	case CONFLICT_RENAME:
		*resource = random_resource(text);
		return true;
	case CONFLICT_REFUSE:
		break;
	}
	if (!session_is_away(old))
		return false;
	session_end(old, &b->act, END_TAKEN, STREAM_CONFLICT);
	return true;
}

static struct session *
oldest_of(const struct account *a)
{
	struct session *oldest = NULL;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!oldest || s->since_us < oldest->since_us)
			oldest = s;
	}
	return oldest;
}

/* One more than the account may have: the oldest makes room, or there is none. */
static bool
make_room(const struct binding *b, struct account *a)
{
	const struct sessiond_settings *set = settings_of(a->sd);

	while (a->n_sessions >= set->sessions_per_account) {
		if (!set->replace_oldest_session)
			return false;
		session_end(oldest_of(a), &b->act, END_TAKEN, STREAM_CONFLICT);
	}
	return sessions_count(a->sd) < set->sessions_max;
}

/* ---- the session ---- */

static void
open_session(
    const struct binding *b, struct account *a, struct str resource, const struct msg_REDEEMED *m)
{
	struct session *s = session_new(a->sd, &b->edge, b->conn);
	struct jid_buf full;

	session_set_jid(s, jid_join(&full, m->jid, resource).full);
	s->sid = id_random();
	s->token = id_random();
	s->epoch = 1;
	s->generation = m->generation;
	s->since_us = clock_wall_us();
	memcpy(s->source, b->source, sizeof(s->source));
	sessions_attach(s, a);
	answer(s, b->request, &b->act);
	log_info("%.*s is bound", STR_ARG(s->jid.full));
}

static void
bind_resource(const struct binding *b, const struct msg_REDEEMED *m)
{
	struct account *a = account_get(b->act.sd, m->jid);
	char text[2 * RESOURCE_BYTES];
	struct str resource = str_z(b->resource);
	struct session *old;

	if (str_empty(resource))
		resource = random_resource(text);
	old = account_session(a, resource);
	if (old && !settle_conflict(b, old, &resource, text))
		refuse(b, BUS_ERROR_CONFLICT, "the resource is in use");
	else if (!make_room(b, a))
		refuse(b, BUS_ERROR_LIMIT, "too many sessions");
	else
		open_session(b, a, resource, m);
}

/* Is this ticket's user the one that BIND said, and one of this shard? */
static bool
is_right(const struct binding *b, struct str jid)
{
	struct jid j = jid_split(jid);

	return str_eq(jid, str_z(b->jid)) && jid_is_bare(&j) && route_is_ours(b->act.sd, &j);
}

static void
on_redeemed(void *arg, const struct bus_in *in, const void *msg)
{
	struct binding *b = arg;
	const struct msg_REDEEMED *m = msg;
	struct bus *bus = bus_of(b->act.sd);

	if (bus_incarnation_of(bus, b->edge.role, b->edge.instance) != b->edge.incarnation)
		log_debug("an edge died before its BIND was answered");
	else if (!in)
		refuse(b, BUS_ERROR_UNAVAILABLE, "authd does not answer");
	else if (in->message->type != MSG_REDEEMED || !is_right(b, m->jid))
		refuse(b, BUS_ERROR_FORBIDDEN, "no such ticket");
	else
		bind_resource(b, m);
	binding_free(b);
}

void
handle_bind(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_BIND *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct msg_REDEEM redeem = {
	    .ticket = m->ticket, .edge_incarnation = in->from.incarnation, .conn = m->conn};
	struct act act = act_of(sd, in);
	struct binding *b;

	if (s) {
		answer(s, m->req, &act);
		return;
	}
	b = NEW(struct binding);
	b->act = act_keep(&act);
	b->edge = in->from;
	b->request = m->req;
	b->conn = m->conn;
	b->jid = str_dup(m->jid);
	b->resource = str_dup(m->resource);
	str_copy(b->source, sizeof(b->source), m->source);
	bus_request(
	    in->bus, &authd, MSG_REDEEM, &redeem, NULL, in->custody, REDEEM_MS, on_redeemed, b);
}
