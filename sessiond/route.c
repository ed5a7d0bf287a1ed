/* See route.h. Levels (BUS.md §5): what a client causes goes on as ROUTE, what comes of a ROUTE as ROUTE_BACK, of that as
 * ROUTE_BOUNCE (between shards only); there it ends, so no chain runs in a circle. */
#include "route.h"

#include "account.h"
#include "base/log.h"
#include "bounce.h"
#include "grant.h"
#include "iq.h"
#include "message.h"
#include "presence.h"
#include "privilege.h"
#include "settle.h"

bool
route_is_local_domain(const struct sessiond *sd, struct str domain)
{
	return bus_is_local_domain(bus_of(sd), domain);
}

bool
route_is_ours(const struct sessiond *sd, const struct jid *j)
{
	const struct bus *b = bus_of(sd);

	return !str_empty(j->local) && bus_is_local_domain(b, j->domain) &&
	    bus_shard(j->bare, bus_shards(b)) == sd->daemon->instance;
}

/* RFC 6120 §10.5: the domain itself. Messages and presence have no meaning there. */
static void
to_server(const struct act *act, const struct stanza *st)
{
	if (st->kind == STANZA_IQ)
		iq_to_server(act, st);
	else if (st->kind == STANZA_MESSAGE && !privilege_message(act, st) && !grant_message(act, st))
		bounce(act, st, SE_SERVICE_UNAVAILABLE);
}

static void
to_user(const struct act *act, const struct stanza *st)
{
	switch ((enum stanza_kind)st->kind) {
	case STANZA_MESSAGE:
		message_to_user(act, st);
		return;
	case STANZA_PRESENCE:
		presence_to_user(act, st);
		return;
	case STANZA_IQ:
		iq_to_user(act, st);
		return;
	case STANZA_KIND_COUNT:
		break;
	}
}

static void
to_endpoint(const struct act *act, const struct endpoint *to, const struct stanza *st)
{
	struct bus *b = bus_of(act->sd);

	/* The three have the same body. */
	struct msg_ROUTE m = {.st = *st};

	if (act->level <= 1 && to->role == ROLE_SESSIOND)
		settle_note_shard(act->sd, to->instance, &act->op);
	if (act->level <= 1)
		bus_send(b, to, MSG_ROUTE, &m, &act->op, act->custody, 0);
	else if (act->level == 2)
		bus_send(b, to, MSG_ROUTE_BACK, &m, &act->op, act->custody, 0);
	else if (act->level == 3 && to->role == ROLE_SESSIOND)
		bus_send(b, to, MSG_ROUTE_BOUNCE, &m, &act->op, act->custody, 0);
	else
		log_debug("a stanza of level %u ends here", act->level);
}

void
route_stanza(const struct act *act, enum op_kind kind, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct act next = *act;
	struct endpoint e;

	next.op.kind = (uint16_t)kind;
	if (route_is_ours(act->sd, &to))
		to_user(&next, st);
	else if (str_empty(to.local) && route_is_local_domain(act->sd, to.domain))
		to_server(&next, st);
	else if (bus_route(bus_of(act->sd), &to, &e))
		to_endpoint(&next, &e, st);
	else
		bounce(act, st, SE_REMOTE_SERVER_NOT_FOUND);
}
