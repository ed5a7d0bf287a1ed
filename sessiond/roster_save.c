/* A changed roster item on its way to storaged, and the push that follows when it is kept (RFC 6121 §2.1.6): see roster.h.
 * The memory is changed first and the pushes come in the order of storaged's answers, each with what the item was when it
 * was sent. A refused write means that the memory is wrong: it is read again. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "privilege.h"
#include "roster.h"

#define ROSTER_MS 60000

struct saving {
	struct account *account; /* pinned */
	struct act act;
	struct iq_later *answer; /* may be NULL */
	struct buf item;         /* <item/> to push; empty: none */
};

/* ---- push ---- */

static void
write_push(struct buf *out, uint64_t version, struct str item)
{
	struct buf ver = {0};
	struct xml_writer w;

	buf_printf(&ver, "%llu", (unsigned long long)version);
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S("jabber:iq:roster"), S("query"));
	xw_attr(&w, "ver", buf_str(&ver));
	xw_raw(&w, item);
	xw_close(&w);
	buf_deinit(&ver);
}

static void
push(const struct saving *p)
{
	struct account *a = p->account;
	struct buf payload = {0};

	if (buf_len(&p->item) == 0)
		return;
	write_push(&payload, a->roster.version, buf_str(&p->item));
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (s->flags & SESSION_INTERESTED)
			session_push(s, &p->act, buf_str(&payload));
	}
	privilege_push_roster(a, &p->act, buf_str(&payload), buf_str(&p->item));
	buf_deinit(&payload);
}

/* ---- storaged's answer ---- */

static bool
is_gone_already(const struct bus_in *in, const void *msg)
{
	return in && in->message->type == MSG_FAILED &&
	    ((const struct msg_FAILED *)msg)->error == BUS_ERROR_NOT_FOUND;
}

static void
saved(struct saving *p)
{
	push(p);
	if (p->answer)
		iq_later_result(p->answer, (struct str){0});
}

static void
not_saved(struct saving *p, const struct bus_in *in, const void *msg)
{
	enum bus_error e = in && in->message->type == MSG_FAILED
	    ? (enum bus_error)((const struct msg_FAILED *)msg)->error
	    : BUS_ERROR_UNAVAILABLE;

	log_warn("the roster of %.*s could not be changed (error %u)", STR_ARG(p->account->jid), e);
	if (p->answer)
		iq_later_error(p->answer, iq_error_of(e));
	account_reload(p->account);
}

static void
on_roster_changed(void *arg, const struct bus_in *in, const void *msg)
{
	struct saving *p = arg;
	const struct msg_ROSTER_CHANGED *m = msg;

	if (in && in->message->type == MSG_ROSTER_CHANGED) {
		if (m->version > p->account->roster.version)
			p->account->roster.version = m->version;
		saved(p);
	} else if (is_gone_already(in, msg)) {
		saved(p);
	} else {
		not_saved(p, in, msg);
	}
	account_unpin(p->account);
	act_drop(&p->act);
	buf_deinit(&p->item);
	free(p);
}

/* ---- the change ---- */

static void
write_item(struct buf *out, const struct contact *c)
{
	struct xml_writer w;

	xw_init(&w, out, S("jabber:iq:roster"));
	if (c->is_listed) {
		contact_write(&w, c);
		return;
	}
	xw_open(&w, (struct str){0}, S("item"));
	xw_attr(&w, "jid", c->jid);
	xw_attr(&w, "subscription", S("remove"));
	xw_close(&w);
}

static void
put(struct saving *p, const struct contact *c, const struct opid *op)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct rec_group groups[ROSTER_GROUPS_MAX];
	struct msg_ROSTER_PUT m = {.owner = p->account->jid, .item = contact_record(c, groups)};

	bus_request(bus_of(p->act.sd), &storaged, MSG_ROSTER_PUT, &m, op, p->act.custody, ROSTER_MS,
	    on_roster_changed, p);
}

static void
del(struct saving *p, struct contact *c, const struct opid *op)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_ROSTER_DEL m = {.owner = p->account->jid, .contact = c->jid};

	bus_request(bus_of(p->act.sd), &storaged, MSG_ROSTER_DEL, &m, op, p->act.custody, ROSTER_MS,
	    on_roster_changed, p);
	roster_remove(&p->account->roster, c);
}

void
roster_save(struct account *a, const struct act *act, struct contact *c, enum op_kind kind,
    bool push_it, struct iq_later *answer)
{
	struct saving *p = NEW(struct saving);
	struct opid op = act_op(act, kind);

	p->account = a;
	p->act = act_keep(act);
	p->answer = answer;
	account_pin(a);
	if (push_it)
		write_item(&p->item, c);
	if (contact_is_empty(c))
		del(p, c, &op);
	else
		put(p, c, &op);
}

bool
roster_has_room(const struct account *a, size_t bytes)
{
	const struct roster *r = &a->roster;
	unsigned most = (unsigned)settings_of(a->sd)->roster_max;

	return r->n_listed < most && r->n_listed + r->n_requests < ROSTER_ITEMS_MAX &&
	    r->bytes + bytes + 256 <= ROSTER_BYTES_MAX;
}

void
roster_tell_interested(
    struct account *a, const struct act *act, const struct stanza *st, struct str what)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (s->flags & SESSION_INTERESTED)
			outbound_stanza(s, act, act_op_of(act, OP_SUBSCRIPTION, what), st);
	}
}
