/* See session.h. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

struct inflight {
	struct list link;
	struct session *session; /* NULL: it has ended */
	uint64_t n;
};

struct session *
session_new(const struct daemon *d, const struct rec_session *r)
{
	struct session *s = NEW(struct session);
	struct jid jid = jid_split(r->jid);

	s->daemon = d;
	s->sid = r->sid;
	s->token = r->token;
	s->jid = str_dup(r->jid);
	s->bare_len = jid.bare.n;
	s->epoch = r->epoch;
	s->source = str_dup(r->source);
	s->since_us = r->since_us;
	s->sm = r->sm;
	s->n = s->done = r->done;
	s->k = s->written = r->k;
	s->acked = r->acked;
	list_init(&s->inflight);
	session_capability(s, r->capability, r->generation);
	return s;
}

void
session_free(struct session **sp)
{
	struct session *s = *sp;

	if (!s)
		return;
	LIST_FOREACH_SAFE(&s->inflight, it, nx) {
		struct inflight *f = CONTAINER_OF(it, struct inflight, link);

		list_remove(it);
		f->session = NULL;
		/* With the bus all custodies have gone, and nobody will call. */
		if (!s->daemon->bus)
			free(f);
	}
	free(s->jid);
	free(s->source);
	free(s->ledger);
	buf_deinit(&s->presence_payload);
	buf_deinit(&s->directed);
	free(s);
	*sp = NULL;
}

void
session_capability(struct session *s, struct str capability, uint64_t generation)
{
	s->capability_len =
	    capability.n < sizeof(s->capability) ? capability.n : sizeof(s->capability);
	memcpy(s->capability, capability.p, s->capability_len);
	s->generation = generation;
}

void
session_presence(struct session *s, const struct msg_PRESENCE_COPY *m)
{
	s->presence = m->presence;
	s->priority = m->priority;
	s->flags = m->flags;
	buf_clear(&s->presence_payload);
	buf_add_str(&s->presence_payload, m->payload);
	buf_clear(&s->directed);
	buf_add_str(&s->directed, m->directed.bytes);
	s->n_directed = m->directed.count;
}

void
session_record(const struct session *s, struct rec_session *r)
{
	*r = (struct rec_session){
	    .sid = s->sid,
	    .token = s->token,
	    .jid = str_z(s->jid),
	    .epoch = s->epoch,
	    .done = s->done,
	    .acked = s->acked,
	    .k = s->k,
	    .capability = str_of(s->capability, s->capability_len),
	    .generation = s->generation,
	    .sm = s->sm,
	    .presence = s->presence,
	    .presence_payload = buf_str(&s->presence_payload),
	    .priority = s->priority,
	    .flags = s->flags,
	    .source = str_z(s->source),
	    .since_us = s->since_us,
	    .directed = {.bytes = buf_str(&s->directed), .count = s->n_directed},
	    .ledger = {.items = s->ledger, .count = s->ledger_len},
	};
}

/* The oldest half goes when it is full: one move per LEDGER_MAX / 2 deliveries. */
void
session_ledger_add(struct session *s, uint64_t k, const struct opid *op)
{
	if (s->ledger_len == LEDGER_MAX) {
		s->ledger_len = LEDGER_MAX / 2;
		memmove(s->ledger, s->ledger + LEDGER_MAX / 2, s->ledger_len * sizeof(*s->ledger));
	}
	if (s->ledger_len == s->ledger_cap) {
		s->ledger_cap = s->ledger_cap ? s->ledger_cap * 2 : 8;
		s->ledger = mem_grow(s->ledger, s->ledger_cap * sizeof(*s->ledger));
	}
	s->ledger[s->ledger_len++] =
	    (struct rec_ledger_entry){.k = k, .origin = op->origin, .n = op->n, .kind = op->kind};
}

/* ---- stanzas from the client, until sessiond has custody of them ---- */

/* "n is acknowledged" means "all up to n are" (BUS.md §4). */
static void
on_custody(void *arg)
{
	struct inflight *f = arg;

	if (f->session) {
		list_remove(&f->link);
		if (f->n > f->session->done)
			f->session->done = f->n;
	}
	free(f);
}

struct custody *
session_inflight(struct client *c, uint64_t n)
{
	struct inflight *f = NEW(struct inflight);

	f->session = c->session;
	f->n = n;
	list_add(&c->session->inflight, &f->link);
	return custody_new(c->c2sd->daemon->bus, NULL, on_custody, f);
}

void
session_report_written(struct client *c)
{
	struct session *s = c->session;
	struct endpoint to = c2sd_sessiond_of(c->c2sd, session_bare(s));
	struct msg_WRITTEN m = {.conn = c->number, .k = s->k};

	if (s->written == s->k || !to.incarnation)
		return;
	s->written = s->k;
	bus_send(c->c2sd->daemon->bus, &to, MSG_WRITTEN, &m, NULL, NULL, 0);
}
