/* See load.h. What is read is merged with what edges have registered when those are believed (register.c), which waits for this. */
#include "load.h"

#include "account.h"
#include "base/log.h"
#include "detach.h"
#include "gate.h"
#include "record.h"
#include "register.h"
#include "route.h"

static void ask(struct sessiond *sd, uint64_t after);

static void
take(struct sessiond *sd, const struct rec_session *r)
{
	struct session *s = record_session(sd, NULL, 0, r);

	if (sessions_by_sid(sd, &s->sid) || !s->out.is_acked || !route_is_ours(sd, &s->jid)) {
		log_warn("the row of a session of %.*s makes no sense", STR_ARG(s->jid.full));
		session_free(&s);
		return;
	}
	sessions_add_away(s, account_get(sd, s->jid.bare));
	detach_wait(s);
	/* What was held for it is gone with the process that held it. */
	s->held.is_stale = true;
}

static void
on_loaded(void *arg, const struct bus_in *in, const void *msg)
{
	struct sessiond *sd = arg;
	const struct msg_LOADED *m = msg;
	struct bus_list list;
	struct rec_session r;

	sd->load = LOAD_NEEDED; /* without an answer the tick asks again, from the beginning */
	if (!in || in->message->type != MSG_LOADED)
		return;
	list = m->sessions;
	while (bus_list_next(&list, &bus_record_session, &r))
		if (!sessions_by_sid(sd, &r.sid))
			take(sd, &r);
	if (m->more) {
		ask(sd, m->last);
		return;
	}
	sd->load = LOAD_DONE;
	register_check_all(sd);
	gate_check(sd);
}

static void
ask(struct sessiond *sd, uint64_t after)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_LOAD m = {.shard = (uint8_t)sd->daemon->instance,
	    .shards = (uint8_t)sd->daemon->suite.n_sessiond,
	    .after = after};

	sd->load = LOAD_ASKED;
	bus_request(bus_of(sd), &storaged, MSG_LOAD, &m, NULL, NULL, 0, on_loaded, sd);
}

void
load_ask(struct sessiond *sd)
{
	if (sd->load == LOAD_NEEDED)
		ask(sd, 0);
}
