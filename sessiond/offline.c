/* See offline.h. OWED_FETCH goes the way of the STOREs, so everything that was owed before it is in the answer; until the
 * answer is queued, new stanzas for the account wait (BUS.md §8, order). The rows keep the ids of their messages and pass
 * the ledgers. account.last_row says what was given to a session; rows below it are asked for again only when such a
 * session has ended. */
#include "offline.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "xml/writer.h"

#define FETCH_MAX 100
#define FETCH_MS 30000

struct flush {
	struct list late;        /* in sd->late_flushes: storaged has not answered */
	struct account *account; /* pinned */
	struct act act;
	struct id128 sid;
};

static void fetch(struct flush *f);

/* This session if it still takes messages (of this sender; empty: of somebody), or any other that does. */
static struct session *
taker_of(const struct account *a, const struct id128 *sid, struct str from)
{
	struct session *taker = NULL;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (session_is_away(s) || !session_is_available(s) || s->priority < 0)
			continue;
		if (!str_empty(from) && session_denies(s, from, PRIVACY_MESSAGE))
			continue;
		if (!taker || id_eq(&s->sid, sid))
			taker = s;
	}
	return taker;
}

/* What came for a session while it was away stays behind the messages that came then. */
static void
unpark_all(struct account *a, const struct act *act)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_is_away(s))
			unpark(s, act);
	}
}

static void
flush_end(struct flush *f)
{
	struct account *a = f->account;

	if (a->is_owed_again && taker_of(a, &f->sid, (struct str){0})) {
		a->is_owed_again = false;
		a->last_row = 0;
		fetch(f);
		return;
	}
	if (a->is_owed_again)
		a->last_row = 0;
	a->is_owed_again = false;
	a->is_flushing = false;
	buf_deinit(&a->gone_rows);
	unpark_all(a, &f->act);
	account_run(a);
	act_drop(&f->act);
	account_unpin(a);
	free(f);
}

void
offline_drop(struct account *a, const struct act *act, const struct rec_row *rows, uint32_t n)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_OWED_DROP m = {.owner = a->jid, .rows = {.items = rows, .count = n}};

	for (uint32_t i = 0; a->is_flushing && i < n; i++)
		buf_add(&a->gone_rows, &rows[i].row, sizeof(rows[i].row));
	bus_send(bus_of(a->sd), &storaged, MSG_OWED_DROP, &m, NULL, act->custody, 0);
}

/* XEP-0203, from the domain that kept it. */
static void
give(struct session *s, const struct act *act, const struct rec_owed_item *item)
{
	struct buf payload = {0};
	char stamp[CLOCK_STAMP_MAX];
	struct xml_writer w;
	struct stanza st = item->st;
	struct delivery d = {.act = act, .st = &st, .stamp_us = item->stamp_us, .row = item->row};
	struct opid copy = {.origin = item->origin, .n = item->n, .kind = OP_CARBON};
	struct rec_row row = {.row = item->row};

	if (outbound_knows(s, &copy)) {
		offline_drop(s->account, act, &row, 1);
		return;
	}
	d.op = (struct opid){.origin = item->origin, .n = item->n, .kind = OP_DELIVERY};
	clock_stamp(item->stamp_us, stamp);
	xw_init(&w, &payload, S("jabber:client"));
	xw_raw(&w, st.payload);
	xw_open(&w, S("urn:xmpp:delay"), S("delay"));
	xw_attr(&w, "from", s->jid.domain);
	xw_attr(&w, "stamp", str_z(stamp));
	xw_text(&w, S("Offline Storage"));
	xw_close(&w);
	if (item->archived)
		archive_write_id(&payload, &item->origin, item->n, s->account->jid);
	st.payload = buf_str(&payload);
	outbound_send(s, &d);
	buf_deinit(&payload);
}

/* Is it on its way out of the archive, to a client that asked for it there? */
static bool
is_being_read(const struct session *s, uint64_t row)
{
	LIST_FOREACH(&s->out.sent, it)
		if (CONTAINER_OF(it, struct outgoing, link)->row == row)
			return true;
	LIST_FOREACH(&s->out.queue, it)
		if (CONTAINER_OF(it, struct outgoing, link)->row == row)
			return true;
	return false;
}

/* The page may have been read before it went. */
static bool
is_gone(const struct account *a, uint64_t row)
{
	struct str rows = buf_str(&a->gone_rows);

	for (const char *at = rows.p; at && at < rows.p + rows.n; at += sizeof(row))
		if (memcmp(at, &row, sizeof(row)) == 0)
			return true;
	return false;
}

/* Was it given to a session before (by an earlier sessiond, or it is under way)? Then its row goes with that. */
static bool
was_given(struct account *a, const struct act *act, const struct rec_owed_item *item)
{
	struct opid op = {.origin = item->origin, .n = item->n, .kind = OP_DELIVERY};
	struct rec_row row = {.row = item->row};

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);
		const struct ledger_entry *e = ledger_find(&s->out.ledger, &op);

		if (!e && is_being_read(s, item->row))
			return true;
		if (!e)
			continue;
		ledger_pin(&a->sd->ids, &op.origin, op.n);
		if (e->k && outbound_remember_row(s, e->k, item->row))
			offline_drop(a, act, &row, 1);
		return true;
	}
	return false;
}

/* Lists and blocks are those of now (XEP-0191 §3.3, XEP-0016 §2.2): what the user has denied since it came goes, and silently, for
 * an error would tell its sender that the user is here. What only the lists of these sessions keep away stays. */
static void
give_or_keep(struct flush *f, const struct rec_owed_item *item)
{
	struct account *a = f->account;
	struct session *s = taker_of(a, &f->sid, item->st.from);
	struct rec_row row = {.row = item->row};

	if (is_gone(a, item->row) || was_given(a, &f->act, item))
		return;
	if (s)
		give(s, &f->act, item);
	else if (account_denies(a, item->st.from, PRIVACY_MESSAGE))
		offline_drop(a, &f->act, &row, 1);
	else
		a->is_withheld = true;
}

bool
offline_waits_for_room(const struct account *a)
{
	return a->paused && list_empty(&a->paused->late);
}

/* What is new waits behind the page that the session has no room for, so it is a part of that session's queue. */
static void
wait_for_room(struct flush *f)
{
	f->account->paused = f;
	outbound_burden(f->account, f->account->tasks_bytes);
}

/* Whatever it waits for. */
static struct flush *
stop_waiting(struct account *a)
{
	struct flush *f = a->paused;

	if (offline_waits_for_room(a))
		outbound_unburden(a, a->tasks_bytes);
	a->paused = NULL;
	if (f)
		list_remove(&f->late);
	return f;
}

/* Without storaged it is a pause, however long it lasts: what comes for the account waits, or it would overtake. */
static void
wait_for_storaged(struct flush *f)
{
	log_warn("offline messages of %.*s cannot be read: storaged does not answer",
	    STR_ARG(f->account->jid));
	f->account->paused = f;
	list_add(&f->account->sd->late_flushes, &f->late);
}

static void
on_owed(void *arg, const struct bus_in *in, const void *msg)
{
	struct flush *f = arg;
	const struct msg_OWED *m = msg;
	struct session *s = taker_of(f->account, &f->sid, (struct str){0});
	struct bus_list list;
	struct rec_owed_item item;

	if (!in && s) {
		wait_for_storaged(f);
		return;
	}
	if (!in || in->message->type != MSG_OWED || !s) {
		if (s)
			log_warn(
			    "offline messages of %.*s cannot be read", STR_ARG(f->account->jid));
		flush_end(f);
		return;
	}
	list = m->items;
	while (bus_list_next(&list, &bus_record_owed_item, &item)) {
		give_or_keep(f, &item);
		f->account->last_row = item.row;
	}
	if (!m->more)
		flush_end(f);
	else if (s->out.queue_bytes == 0)
		fetch(f);
	else
		wait_for_room(f);
}

/* A page at a time: what a client has not room for waits in the store, not in its queue. */
void
offline_go_on(struct account *a)
{
	struct flush *f = stop_waiting(a);

	if (f)
		fetch(f);
}

void
offline_retry(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->late_flushes, it, nx)
		offline_go_on(CONTAINER_OF(it, struct flush, late)->account);
}

void
offline_forget(struct account *a)
{
	struct flush *f = stop_waiting(a);

	if (!f)
		return;
	act_drop(&f->act);
	free(f);
}

static void
fetch(struct flush *f)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_OWED_FETCH m = {
	    .owner = f->account->jid, .after = f->account->last_row, .max = FETCH_MAX};

	buf_clear(&f->account->gone_rows);
	bus_request(bus_of(f->account->sd), &storaged, MSG_OWED_FETCH, &m, NULL, f->act.custody,
	    FETCH_MS, on_owed, f);
}

void
offline_flush(struct account *a, const struct act *act, struct session *s)
{
	struct flush *f;

	if (a->is_flushing)
		return;
	if (a->is_withheld)
		a->last_row = 0;
	a->is_withheld = false;
	f = NEW(struct flush);
	list_init(&f->late);
	f->account = a;
	f->act = act_keep(act);
	f->sid = s->sid;
	account_pin(a);
	a->is_flushing = true;
	fetch(f);
}

static bool
has_unwritten_rows(const struct session *s)
{
	LIST_FOREACH(&s->out.sent, it) {
		if (CONTAINER_OF(it, struct outgoing, link)->row)
			return true;
	}
	LIST_FOREACH(&s->out.unacked, it) {
		if (CONTAINER_OF(it, struct outgoing, link)->row)
			return true;
	}
	LIST_FOREACH(&s->out.queue, it) {
		if (CONTAINER_OF(it, struct outgoing, link)->row)
			return true;
	}
	return false;
}

void
offline_again(struct account *a, const struct act *act, const struct id128 *sid)
{
	struct session *other = taker_of(a, sid, (struct str){0});

	if (a->is_flushing) {
		a->is_owed_again = true;
		return;
	}
	a->last_row = 0;
	if (other)
		offline_flush(a, act, other);
}

void
offline_lists_changed(struct account *a, const struct act *act)
{
	struct id128 any = {{0}};

	if (a->is_withheld)
		offline_again(a, act, &any);
}

void
offline_session_ended(struct account *a, const struct act *act, const struct session *s)
{
	if (has_unwritten_rows(s))
		offline_again(a, act, &s->sid);
}
