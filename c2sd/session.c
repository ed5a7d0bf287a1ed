/* See session.h. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "links.h"
#include "xml/writer.h"

/* A frame to sessiond that is not acknowledged. The custody is borrowed: it lives until on_custody. */
struct inflight {
	struct list link;
	struct session *session;
	struct custody *custody;
	uint64_t n;
	size_t away;
	unsigned away_turn;
};

/* A stanza that the client has not acknowledged. */
struct unacked {
	struct list link; /* in order of k */
	uint64_t k;
	struct opid op;
	int64_t stamp_us;
	struct stanza *st; /* owned */
};

static void
unacked_free(struct unacked *u)
{
	list_remove(&u->link);
	free(u->st);
	free(u);
}

/* ---- life ---- */

/* What a session that is resumed here brings along: what it was sent, its presence, and to whom else that went. */
static void
session_restore(struct session *s, const struct rec_session *r)
{
	struct msg_PRESENCE_COPY m = {.presence = r->presence,
	    .priority = r->priority,
	    .flags = r->flags,
	    .payload = r->presence_payload,
	    .directed = r->directed};
	struct bus_list ledger = r->ledger, unacked = r->unacked;
	struct rec_ledger_entry e;
	struct rec_unacked u;

	session_presence(s, &m);
	while (bus_list_next(&ledger, &bus_record_ledger_entry, &e)) {
		struct opid op = {.origin = e.origin, .n = e.n, .kind = e.kind};

		ledger_add(&s->ledger, &op, e.k, LEDGER_FREE);
	}
	while (bus_list_next(&unacked, &bus_record_unacked, &u))
		session_unacked_add(s, &u);
}

struct session *
session_new(struct c2sd *c, uint64_t number, const struct rec_session *r)
{
	struct session *s = NEW(struct session);

	s->c2sd = c;
	s->number = number;
	s->sid = r->sid;
	s->token = r->token;
	s->jid = str_dup(r->jid);
	s->bare_len = jid_split(r->jid).bare.n;
	s->epoch = r->epoch;
	s->source = str_dup(r->source);
	s->since_us = r->since_us;
	s->sm = r->sm;
	s->n = s->done = r->done;
	s->k = s->written = s->report.told = r->k;
	s->acked = r->acked;
	list_init(&s->inflight);
	list_init(&s->unacked);
	list_init(&s->report.link);
	ledger_init(&s->ledger, &c->ids);
	sm_init(s, r);
	session_capability(s, r->capability, r->generation);
	session_restore(s, r);
	HASH_ADD(hh, c->sessions, number, sizeof(s->number), s);
	return s;
}

struct session *
session_find(const struct c2sd *c, uint64_t number)
{
	struct session *s;

	HASH_FIND(hh, c->sessions, &number, sizeof(number), s);
	return s;
}

static void
session_free(struct session *s)
{
	HASH_DEL(s->c2sd->sessions, s);
	list_remove(&s->report.link);
	free(s->jid);
	free(s->source);
	ledger_deinit(&s->ledger);
	LIST_FOREACH_SAFE(&s->unacked, it, nx)
		unacked_free(CONTAINER_OF(it, struct unacked, link));
	buf_deinit(&s->presence_payload);
	buf_deinit(&s->directed);
	free(s);
}

static void
session_reap(struct session *s)
{
	if (s->state == SESSION_CLOSING && list_empty(&s->inflight))
		session_free(s);
}

static void
session_lose_client(struct session *s)
{
	s->state = SESSION_CLOSING;
	sm_leave(s);
	if (s->client)
		s->client->session = NULL;
	s->client = NULL;
}

/* The channel is the stanzas' own, so sessiond hears of the end behind them. */
void
session_close(struct session *s, bool clean)
{
	struct msg_CLOSED m = {.conn = s->number, .sid = s->sid, .epoch = s->epoch, .clean = clean};
	struct endpoint home = session_home(s);
	struct custody *custody;

	session_lose_client(s);
	report_now(s);
	custody = session_inflight(s, 0, 0);
	bus_send(c2sd_bus(s->c2sd), &home, MSG_CLOSED, &m, NULL, custody, BUS_PATIENT);
	custody_release(custody);
}

/* What sessiond has not got yet is void now, and must count for no acknowledgement (BUS.md §7). */
void
session_release(struct session *s)
{
	struct list void_frames;

	session_lose_client(s);
	list_init(&void_frames);
	LIST_FOREACH_SAFE(&s->inflight, it, nx) {
		list_remove(it);
		list_add(&void_frames, it);
		CONTAINER_OF(it, struct inflight, link)->session = NULL;
	}
	while (!list_empty(&void_frames)) {
		struct inflight *f = CONTAINER_OF(void_frames.next, struct inflight, link);

		list_remove(&f->link);
		bus_withdraw(c2sd_bus(s->c2sd), f->custody);
	}
	session_free(s);
}

/* With the bus all custodies have gone, and nobody calls. */
void
sessions_free(struct c2sd *c)
{
	struct session *s, *next;

	HASH_ITER(hh, c->sessions, s, next) {
		LIST_FOREACH_SAFE(&s->inflight, it, nx)
			free(CONTAINER_OF(it, struct inflight, link));
		session_lose_client(s);
		session_free(s);
	}
}

/* ---- frames to sessiond ---- */

struct endpoint
session_home(const struct session *s)
{
	return links_sessiond_of(s->c2sd, session_bare(s));
}

/* A client is read again when half of what may be under way is free; at the end of the turn, since this one is the bus's. */
static void
count_away(struct session *s, size_t bytes)
{
	struct client *c = s->client;
	size_t most = (size_t)c2sd_settings(s->c2sd)->away_bytes;

	s->away_bytes -= bytes;
	if (!c || !(c->wire.paused & PAUSE_AWAY))
		return;
	c->away_ms = c2sd_now_ms(s->c2sd);
	if (s->away_bytes <= most / 2)
		client_ease(c);
}

void
session_forget_away(struct session *s)
{
	s->away_bytes = 0;
	s->away_turn++;
}

/* "n is acknowledged" means "all up to n are" (BUS.md §4). */
static void
on_custody(void *arg)
{
	struct inflight *f = arg;
	struct session *s = f->session;

	list_remove(&f->link);
	if (s && f->away_turn == s->away_turn)
		count_away(s, f->away);
	if (s && f->n > s->done) {
		s->done = f->n;
		sm_done(s);
	}
	free(f);
	if (s)
		session_reap(s);
}

struct custody *
session_inflight(struct session *s, uint64_t n, size_t away)
{
	struct inflight *f = NEW(struct inflight);

	f->session = s;
	f->n = n;
	f->away = away;
	f->away_turn = s->away_turn;
	s->away_bytes += away;
	f->custody = custody_new(c2sd_bus(s->c2sd), NULL, on_custody, f);
	list_add(&s->inflight, &f->link);
	return f->custody;
}

/* ---- the record ---- */

void
session_capability(struct session *s, struct str capability, uint64_t generation)
{
	s->capability_len =
	    capability.n < sizeof(s->capability) ? capability.n : sizeof(s->capability);
	if (s->capability_len)
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
	buf_trim(&s->presence_payload);
	buf_clear(&s->directed);
	buf_add_str(&s->directed, m->directed.bytes);
	buf_trim(&s->directed);
	s->n_directed = m->directed.count;
}

static struct rec_unacked *
list_unacked(const struct session *s, struct bus_list *list_r)
{
	struct rec_unacked *items;

	LIST_FOREACH(&s->unacked, it)
		list_r->count++;
	list_r->items = items = mem_new_array(list_r->count + 1, sizeof(*items));
	LIST_FOREACH(&s->unacked, it) {
		const struct unacked *u = CONTAINER_OF(it, struct unacked, link);

		*items++ = (struct rec_unacked){.k = u->k,
		    .origin = u->op.origin,
		    .n = u->op.n,
		    .kind = u->op.kind,
		    .stamp_us = u->stamp_us,
		    .st = *u->st};
	}
	return (struct rec_unacked *)list_r->items;
}

static struct bus_list
list_ledger(const struct session *s, struct rec_ledger_entry **items_r)
{
	struct rec_ledger_entry *at = mem_new_array(s->ledger.n + 1, sizeof(*at));

	*items_r = at;
	LIST_FOREACH(&s->ledger.entries, it) {
		const struct ledger_entry *e = CONTAINER_OF(it, struct ledger_entry, link);

		*at++ = (struct rec_ledger_entry){
		    .k = e->k, .origin = e->op.origin, .n = e->op.n, .kind = e->op.kind};
	}
	return (struct bus_list){.items = *items_r, .count = s->ledger.n};
}

void
session_record(const struct session *s, struct record *rec)
{
	rec->r = (struct rec_session){
	    .sid = s->sid,
	    .token = s->token,
	    .jid = str_z(s->jid),
	    .epoch = s->epoch,
	    .done = s->done,
	    .acked = s->acked,
	    .k = s->k,
	    .in_base = s->sm_stream.in_base,
	    .out_base = s->sm_stream.out_base,
	    .resume_seconds = s->sm_stream.resume_seconds,
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
	    .ledger = list_ledger(s, &rec->ledger),
	};
	rec->unacked = list_unacked(s, &rec->r.unacked);
}

void
session_record_deinit(struct record *rec)
{
	free(rec->unacked);
	free(rec->ledger);
}

/* ---- what the client has not acknowledged ---- */

void
session_unacked_add(struct session *s, const struct rec_unacked *r)
{
	struct unacked *u = NEW(struct unacked);

	u->k = r->k;
	u->op = (struct opid){.origin = r->origin, .n = r->n, .kind = r->kind};
	u->stamp_us = r->stamp_us;
	u->st = stanza_copy(&r->st);
	list_add(&s->unacked, &u->link);
}

void
session_unacked_drop(struct session *s)
{
	LIST_FOREACH_SAFE(&s->unacked, it, nx) {
		struct unacked *u = CONTAINER_OF(it, struct unacked, link);

		if (u->k > s->acked)
			return;
		unacked_free(u);
	}
}

void
session_unacked_write(struct session *s)
{
	LIST_FOREACH(&s->unacked, it)
		xml_write_stanza(
		    wire_out(&s->client->wire), CONTAINER_OF(it, struct unacked, link)->st);
	client_touch(s->client);
}
