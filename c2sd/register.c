/* See register.h. All of it happens in one turn, so nothing that clients send can come before REG_END. */
#include "register.h"

#include "base/log.h"
#include "session.h"

static void
register_one(struct session *s, const struct endpoint *sessiond)
{
	struct msg_REG m = {.conn = s->number};
	struct record rec;

	session_record(s, &rec);
	m.session = rec.r;
	bus_send(c2sd_bus(s->c2sd), sessiond, MSG_REG, &m, NULL, NULL, 0);
	session_record_deinit(&rec);
	/* The record does not say what clients' sockets have taken. */
	s->report.told = 0;
	report_news(s);
}

void
register_sessions(struct c2sd *c, const struct endpoint *sessiond)
{
	struct msg_REG_END end = {.count = 0};
	struct session *s, *next;

	HASH_ITER(hh, c->sessions, s, next) {
		if (session_home(s).instance != sessiond->instance)
			continue;
		register_one(s, sessiond);
		end.count++;
	}
	bus_send(c2sd_bus(c), sessiond, MSG_REG_END, &end, NULL, NULL, 0);
	log_info("sessiond.%u is new: %llu sessions registered", sessiond->instance,
	    (unsigned long long)end.count);
}
