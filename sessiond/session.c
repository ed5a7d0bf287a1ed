/* The session object and what it tells the edge: see session.h. Made by bind.c and register.c, ended by teardown.c. */
#include "session.h"

#include <stdlib.h>

#include "base/mem.h"
#include "capability.h"
#include "grant.h"

struct session *
session_new(struct sessiond *sd, const struct endpoint *edge, uint64_t conn)
{
	struct session *s = NEW(struct session);

	s->sd = sd;
	s->state = SESSION_REGISTERING;
	s->edge = *edge;
	s->handle = (struct handle){.incarnation = edge->incarnation, .conn = conn};
	list_init(&s->link);
	list_init(&s->doomed);
	list_init(&s->in_flight);
	list_init(&s->away);
	list_init(&s->resumes);
	list_init(&s->grants);
	parked_init(&s->parked);
	outbound_init(&s->out, &sd->ids);
	return s;
}

void
session_set_jid(struct session *s, struct str full)
{
	s->text = str_dup(full);
	s->jid = jid_split(str_of(s->text, full.n));
}

static void
directed_clear(struct session *s)
{
	struct directed *d, *next;

	HASH_ITER(hh, s->directed, d, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the macro goes on with `next` */
		HASH_DEL(s->directed, d);
		free(d);
	}
}

void
session_free(struct session **sp)
{
	struct session *s = *sp;

	if (!s)
		return;
	list_remove(&s->doomed);
	list_remove(&s->away);
	parked_clear(&s->parked);
	directed_clear(s);
	grant_clear(s);
	hold_deinit(&s->held);
	outbound_deinit(s->sd, &s->out);
	free(s->presence_stanza);
	free(s->text);
	free(s);
	*sp = NULL;
}

bool
session_is_available(const struct session *s)
{
	return s->presence == PRESENCE_AVAILABLE;
}

bool
session_is_away(const struct session *s)
{
	return s->state == SESSION_DETACHED || s->state == SESSION_CLAIMING;
}

static struct capability
capability_of(const struct session *s)
{
	return (struct capability){
	    .jid = s->jid.full,
	    .edge_incarnation = s->handle.incarnation,
	    .conn = s->handle.conn,
	    .sid = s->sid,
	    .epoch = s->epoch,
	    .generation = s->generation,
	};
}

void
session_capability(const struct session *s, uint8_t *mac_r)
{
	struct capability c = capability_of(s);

	capability_make(s->sd->cap_key, &c, mac_r);
}

bool
session_has_capability(const struct session *s)
{
	struct capability c = capability_of(s);

	return capability_check(s->sd->cap_key, &c, str_of(s->mac, sizeof(s->mac)));
}

struct rec_session
session_record(const struct session *s, uint8_t *mac_r)
{
	session_capability(s, mac_r);
	return (struct rec_session){
	    .sid = s->sid,
	    .token = s->token,
	    .jid = s->jid.full,
	    .epoch = s->epoch,
	    .done = s->done,
	    .acked = s->out.acked,
	    .k = s->out.k,
	    .in_base = s->in_base,
	    .out_base = s->out_base,
	    .resume_seconds = s->resume_seconds,
	    .detached_us = s->detached_us,
	    .sm = s->out.is_acked,
	    .capability = str_of(mac_r, CAPABILITY_BYTES),
	    .generation = s->generation,
	    .presence = (uint8_t)s->presence,
	    .priority = (uint8_t)s->priority,
	    .flags = s->flags,
	    .source = str_z(s->source),
	    .since_us = s->since_us,
	};
}

void
session_copy_presence(struct session *s, const struct act *act)
{
	unsigned n = HASH_CNT(hh, s->directed), i = 0;
	struct rec_account *list = mem_new_array(n + 1, sizeof(*list));
	struct msg_PRESENCE_COPY m = {
	    .conn = s->handle.conn,
	    .presence = (uint8_t)s->presence,
	    .priority = (uint8_t)s->priority,
	    .flags = s->flags,
	    .directed = {.items = list, .count = n},
	};

	for (struct directed *d = s->directed; d; d = d->hh.next)
		list[i++].jid = d->jid;
	if (s->presence_stanza)
		m.payload = s->presence_stanza->payload;
	bus_send(bus_of(s->sd), &s->edge, MSG_PRESENCE_COPY, &m, NULL, act->custody, 0);
	free(list);
}

void
session_push(struct session *s, const struct act *act, struct str payload)
{
	struct buf id = {0};
	struct stanza st = {
	    .kind = STANZA_IQ, .type = TYPE_SET, .to = s->jid.full, .payload = payload};

	buf_printf(&id, "push%llx", (unsigned long long)++s->sd->pushes);
	st.id = buf_str(&id);
	outbound_stanza(s, act, act_op_of(act, OP_ROSTER_PUSH, payload), &st);
	buf_deinit(&id);
}

/* ---- directed presence ---- */

static struct directed *
directed_find(const struct session *s, struct str jid)
{
	struct directed *d;

	HASH_FIND(hh, s->directed, jid.p, jid.n, d);
	return d;
}

bool
session_has_directed(const struct session *s, struct str full)
{
	return s->directed && (directed_find(s, full) || directed_find(s, jid_split(full).bare));
}

bool
session_add_directed(struct session *s, struct str jid)
{
	struct directed *d;

	if (directed_find(s, jid))
		return true;
	if (HASH_CNT(hh, s->directed) >= DIRECTED_MAX ||
	    s->directed_bytes + jid.n > DIRECTED_BYTES_MAX)
		return false;
	s->directed_bytes += jid.n;
	d = mem_new(sizeof(*d) + jid.n);
	memcpy(d + 1, jid.p, jid.n);
	d->jid = str_of(d + 1, jid.n);
	HASH_ADD_KEYPTR(hh, s->directed, d->jid.p, d->jid.n, d);
	return true;
}

void
session_remove_directed(struct session *s, struct str jid)
{
	struct directed *d = directed_find(s, jid);

	if (!d)
		return;
	s->directed_bytes -= d->jid.n;
	HASH_DEL(s->directed, d);
	free(d);
}
