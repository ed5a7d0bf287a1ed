/* See record.h. */
#include "record.h"

#include <stdlib.h>

#include "base/mem.h"

/* ---- made ---- */

static struct bus_list
list_directed(const struct session *s, struct rec_account **items_r)
{
	unsigned n = HASH_CNT(hh, s->directed), i = 0;

	*items_r = mem_new_array(n + 1, sizeof(**items_r));
	for (const struct directed *d = s->directed; d; d = d->hh.next)
		(*items_r)[i++].jid = d->jid;
	return (struct bus_list){.items = *items_r, .count = n};
}

/* What waits in the queue was not sent. */
static struct bus_list
list_ledger(const struct session *s, struct rec_ledger_entry **items_r)
{
	const struct ledger *l = &s->out.ledger;
	uint32_t n = 0;

	*items_r = mem_new_array(l->n + 1, sizeof(**items_r));
	LIST_FOREACH(&l->entries, it) {
		const struct ledger_entry *e = CONTAINER_OF(it, struct ledger_entry, link);

		if (e->k)
			(*items_r)[n++] = (struct rec_ledger_entry){
			    .k = e->k, .origin = e->op.origin, .n = e->op.n, .kind = e->op.kind};
	}
	return (struct bus_list){.items = *items_r, .count = n};
}

static struct bus_list
list_unacked(const struct session *s, struct rec_unacked **items_r)
{
	uint32_t n = 0;

	*items_r = mem_new_array(s->out.n_unacked + 1, sizeof(**items_r));
	LIST_FOREACH(&s->out.unacked, it) {
		const struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		if (o->st)
			(*items_r)[n++] = (struct rec_unacked){.k = o->k,
			    .origin = o->op.origin,
			    .n = o->op.n,
			    .kind = o->op.kind,
			    .stamp_us = o->stamp_us,
			    .st = *o->st};
	}
	return (struct bus_list){.items = *items_r, .count = n};
}

void
record_make(struct record *rec, const struct session *s)
{
	rec->r = session_record(s, rec->mac);
	if (s->presence_stanza)
		rec->r.presence_payload = s->presence_stanza->payload;
	rec->r.directed = list_directed(s, &rec->directed);
	rec->r.ledger = list_ledger(s, &rec->ledger);
	rec->r.unacked = list_unacked(s, &rec->unacked);
}

void
record_deinit(struct record *rec)
{
	free(rec->directed);
	free(rec->ledger);
	free(rec->unacked);
}

/* ---- read ---- */

static void
restore_presence(struct session *s, const struct rec_session *r)
{
	struct bus_list list = r->directed;
	struct rec_account a;
	struct stanza st = {.kind = STANZA_PRESENCE,
	    .type = TYPE_AVAILABLE,
	    .priority = (int8_t)r->priority,
	    .from = s->jid.full,
	    .payload = r->presence_payload};

	s->presence = (enum session_presence)r->presence;
	s->priority = (int8_t)r->priority;
	if (session_is_available(s))
		s->presence_stanza = stanza_copy(&st);
	while (bus_list_next(&list, &bus_record_account, &a))
		session_add_directed(s, a.jid);
}

/* Which of them a row may bring nobody knows any more. */
static void
restore_ledger(struct session *s, const struct rec_session *r)
{
	struct bus_list list = r->ledger;
	struct rec_ledger_entry e;

	while (bus_list_next(&list, &bus_record_ledger_entry, &e)) {
		struct opid op = {.origin = e.origin, .n = e.n, .kind = e.kind};

		ledger_add(&s->out.ledger, &op, e.k, LEDGER_STORED);
	}
}

static void
restore_unacked(struct session *s, const struct rec_session *r)
{
	struct bus_list list = r->unacked;
	struct rec_unacked u;

	while (bus_list_next(&list, &bus_record_unacked, &u)) {
		struct delivery d = {.op = {.origin = u.origin, .n = u.n, .kind = u.kind},
		    .st = &u.st,
		    .stamp_us = u.stamp_us};

		outbound_restore(s, u.k, &d);
	}
}

struct session *
record_session(
    struct sessiond *sd, const struct endpoint *edge, uint64_t conn, const struct rec_session *r)
{
	struct endpoint nobody = {.role = ROLE_C2SD};
	struct session *s = session_new(sd, edge ? edge : &nobody, conn);

	session_set_jid(s, r->jid);
	s->sid = r->sid;
	s->token = r->token;
	s->epoch = r->epoch;
	s->generation = r->generation;
	s->since_us = r->since_us;
	s->flags = r->flags;
	s->done = s->in_last = s->settled = r->done;
	s->out.k = r->k;
	s->out.written = s->out.acked = r->acked;
	s->out.is_acked = r->sm;
	s->in_base = r->in_base;
	s->out_base = r->out_base;
	s->resume_seconds = r->resume_seconds;
	s->detached_us = r->detached_us;
	str_copy(s->source, sizeof(s->source), r->source);
	restore_presence(s, r);
	restore_ledger(s, r);
	restore_unacked(s, r);
	return s;
}
