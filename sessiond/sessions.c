/* The maps of attached sessions: by handle (frames of edges), by id (operation ids), by resource (addresses; a list per
 * account, which is short). */
#include "account.h"
#include "session.h"

void
sessions_attach(struct session *s, struct account *a)
{
	struct sessiond *sd = s->sd;

	HASH_ADD(hh_handle, sd->by_handle, handle, sizeof(s->handle), s);
	HASH_ADD(hh_sid, sd->by_sid, sid, sizeof(s->sid), s);
	s->state = SESSION_ATTACHED;
	account_add_session(a, s);
}

void
sessions_detach(struct session *s)
{
	struct sessiond *sd = s->sd;

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
