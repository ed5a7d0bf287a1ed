/* The maps of attached sessions: by handle (frames of edges), by id (operation ids), by resource (addresses; a list per
 * account, which is short). */
#include "account.h"
#include "session.h"

static void
add(struct session *s, struct account *a)
{
	HASH_ADD(hh_sid, s->sd->by_sid, sid, sizeof(s->sid), s);
	account_add_session(a, s);
}

void
sessions_attach(struct session *s, struct account *a)
{
	HASH_ADD(hh_handle, s->sd->by_handle, handle, sizeof(s->handle), s);
	s->state = SESSION_ATTACHED;
	add(s, a);
}

void
sessions_add_away(struct session *s, struct account *a)
{
	s->state = SESSION_DETACHED;
	add(s, a);
}

void
sessions_part(struct session *s)
{
	HASH_DELETE(hh_handle, s->sd->by_handle, s);
	s->state = SESSION_DETACHED;
}

void
sessions_rejoin(struct session *s, const struct endpoint *edge, uint64_t conn)
{
	s->edge = *edge;
	s->handle = (struct handle){.incarnation = edge->incarnation, .conn = conn};
	HASH_ADD(hh_handle, s->sd->by_handle, handle, sizeof(s->handle), s);
	s->state = SESSION_ATTACHED;
}

void
sessions_remove(struct session *s)
{
	struct sessiond *sd = s->sd;

	if (s->state == SESSION_ATTACHED)
		HASH_DELETE(hh_handle, sd->by_handle, s);
	HASH_DELETE(hh_sid, sd->by_sid, s);
	s->state = SESSION_ENDED;
	account_remove_session(s->account, s);
}

struct session *
sessions_by_handle(struct sessiond *sd, uint64_t incarnation, uint64_t conn)
{
	struct handle h = {.incarnation = incarnation, .conn = conn};
	struct session *s;

	HASH_FIND(hh_handle, sd->by_handle, &h, sizeof(h), s);
	return s;
}

struct session *
sessions_by_sid(struct sessiond *sd, const struct id128 *sid)
{
	struct session *s;

	HASH_FIND(hh_sid, sd->by_sid, sid, sizeof(*sid), s);
	return s;
}

struct session *
sessions_of_act(const struct act *act)
{
	return act->level == 1 ? sessions_by_sid(act->sd, &act->op.origin) : NULL;
}

unsigned
sessions_count(const struct sessiond *sd)
{
	return HASH_CNT(hh_sid, sd->by_sid);
}
