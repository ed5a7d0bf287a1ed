/* jackdawctl session list|kick: asks each shard of sessiond over the bus. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jid.h"
#include "busline.h"
#include "commands.h"
#include "suite.h"

/* One question to one shard, and what came of it. */
struct inquiry {
	unsigned pending;
	const struct bus_message *message; /* NULL: no answer */
	struct msg_SESSIONS sessions;
	struct msg_DONE done;
	struct err *err;
	int rc;
	char after[JID_MAX + 1];
	uint64_t n;
};

static void
print_session(const struct rec_session_info *s)
{
	char stamp[CLOCK_STAMP_MAX];

	clock_stamp(s->since_us, stamp);
	printf("%-40.*s %-24.*s %.19sZ %-8s %4d %.*s\n", STR_ARG(s->jid), STR_ARG(s->source), stamp,
	    s->attached ? "online" : "detached", (int8_t)s->priority, STR_ARG(s->edge));
}

static void
take_failure(struct inquiry *q, const struct bus_message *m, const void *msg)
{
	if (m && m->type == MSG_FAILED)
		q->rc = err_set(q->err, "%.*s", STR_ARG(((const struct msg_FAILED *)msg)->text));
	else
		q->rc = err_set(q->err, "sessiond gives no answer");
}

static void
on_sessions(void *arg, const struct bus_in *in, const void *msg)
{
	struct inquiry *q = arg;
	struct rec_session_info info;

	q->pending--;
	q->sessions.more = false;
	if (!in || in->message->type != MSG_SESSIONS) {
		take_failure(q, in ? in->message : NULL, msg);
		return;
	}
	q->sessions = *(const struct msg_SESSIONS *)msg;
	struct bus_list list = q->sessions.sessions;
	while (bus_list_next(&list, &bus_record_session_info, &info)) {
		print_session(&info);
		q->n++;
		str_copy(q->after, sizeof(q->after), info.jid);
	}
}

static void
on_kicked(void *arg, const struct bus_in *in, const void *msg)
{
	struct inquiry *q = arg;

	q->pending--;
	if (!in || in->message->type != MSG_DONE)
		take_failure(q, in ? in->message : NULL, msg);
	else
		q->n += ((const struct msg_DONE *)msg)->count;
}

static bool
shard_endpoint(struct busline *line, unsigned shard, struct endpoint *to_r, struct inquiry *q)
{
	struct bus *b = busline_bus(line);
	uint64_t incarnation = bus_incarnation_of(b, ROLE_SESSIOND, (uint8_t)shard);

	if (incarnation == 0) {
		q->rc = err_set(q->err, "sessiond.%u is not linked to the router", shard);
		return false;
	}
	*to_r = (struct endpoint){
	    .role = ROLE_SESSIOND, .instance = (uint8_t)shard, .incarnation = incarnation};
	return true;
}

static void
list_shard(struct busline *line, unsigned shard, struct inquiry *q)
{
	struct endpoint to;

	q->after[0] = '\0';
	do {
		struct msg_SESSION_LIST msg = {.after = str_z(q->after)};
		uint64_t before = q->n;

		if (!shard_endpoint(line, shard, &to, q))
			return;
		q->pending++;
		busline_send(line, &to, MSG_SESSION_LIST, &msg, on_sessions, q);
		busline_run(line, &q->pending, 0);
		if (q->n == before)
			return;
	} while (q->sessions.more && q->rc == 0);
}

int
session_list(struct ctl *c, int argc, char **argv)
{
	struct err err;
	struct inquiry q = {.err = &err};

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	struct busline *line = busline_open(c, ROLE_SESSIOND, &err);
	if (!line)
		return ctl_error("%s", err.text);
	printf("%-40s %-24s %-20s %-8s %4s %s\n", "JID", "FROM", "SINCE", "STATE", "PRIO", "EDGE");
	for (unsigned i = 0; i < bus_shards(busline_bus(line)) && q.rc == 0; i++)
		list_shard(line, i, &q);
	busline_close(&line);
	return q.rc == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

int
session_kick(struct ctl *c, int argc, char **argv)
{
	struct err err;
	struct inquiry q = {.err = &err};
	struct jid_buf buf;
	struct jid jid;
	struct endpoint to;

	(void)argc;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (!jid_prepare(&jid, &buf, str_z(argv[0])) || str_empty(jid.local))
		return ctl_error("%s is no address of a user", argv[0]);
	struct busline *line = busline_open(c, ROLE_SESSIOND, &err);
	if (!line)
		return ctl_error("%s", err.text);
	unsigned shards = bus_shards(busline_bus(line));
	struct msg_SESSION_KICK msg = {.jid = jid.full};
	if (shard_endpoint(line, bus_shard(jid.bare, shards ? shards : 1), &to, &q)) {
		q.pending++;
		busline_send(line, &to, MSG_SESSION_KICK, &msg, on_kicked, &q);
		busline_run(line, &q.pending, 0);
	}
	busline_close(&line);
	if (q.rc != 0)
		return ctl_error("%s", err.text);
	if (q.n == 0)
		return ctl_error("%s has no session", argv[0]);
	printf("%llu session%s ended\n", (unsigned long long)q.n, q.n == 1 ? "" : "s");
	return STATUS_OK;
}
