/* See blocking.h. The memory is changed first; storaged's answer brings the pushes and the IQ's result. When it refuses,
 * the memory is wrong and is read again. */
#include "blocking.h"

#include <stdlib.h>

#include "answers.h"
#include "base/log.h"
#include "base/mem.h"
#include "presence.h"
#include "route.h"

#define NS_BLOCKING S("urn:xmpp:blocking")
#define BLOCK_MS 60000

struct change_saving {
	struct act act;
	struct account *account; /* pinned */
	struct iq_later *answer;
	struct buf block, unblock; /* payloads of the pushes; empty: none */
};

/* ---- who sees what ---- */

static void
hide_from(struct account *a, const struct act *act, struct str item)
{
	for (struct contact *c = a->roster.contacts; c; c = c->hh.next)
		if (contact_has_from(c) && block_item_covers(item, c->jid) &&
		    !account_blocks(a, c->jid))
			presence_hide_from(a, act, c->jid);
	if (!str_empty(jid_split(item).resource) && account_lets_see(a, item) &&
	    !account_blocks(a, item))
		presence_hide_from(a, act, item);
}

/* RFC 6121 §4.6: those who were sent it directly, too. */
static void
hide_directed(struct session *s, const struct act *act, struct str item)
{
	struct directed *d, *next;

	HASH_ITER(hh, s->directed, d, next) {
		struct stanza st = {.kind = STANZA_PRESENCE,
		    .type = TYPE_UNAVAILABLE,
		    .from = s->jid.full,
		    .to = d->jid};

		if (!block_item_covers(item, d->jid))
			continue;
		route_stanza(act, OP_PRESENCE, &st);
		session_remove_directed(s, d->jid);
	}
}

static void
show_to(struct account *a, const struct act *act, struct str item)
{
	for (struct contact *c = a->roster.contacts; c; c = c->hh.next)
		if (contact_has_from(c) && block_item_covers(item, c->jid) &&
		    !account_blocks(a, c->jid))
			presence_show_to(a, act, c->jid);
	if (!str_empty(jid_split(item).resource) && account_lets_see(a, item) &&
	    !account_blocks(a, item))
		presence_show_to(a, act, item);
}

/* Nobody can block the own account: its other sessions are not hidden from one another. */
static bool
is_own(const struct account *a, struct str item)
{
	return str_eq(jid_split(item).bare, a->jid);
}

static bool
add(const struct iq *iq, struct str item)
{
	struct account *a = iq->account;

	if (block_has(&a->block, item))
		return true;
	if (!is_own(a, item)) {
		hide_from(a, iq->act, item);
		LIST_FOREACH(&a->sessions, it)
			hide_directed(CONTAINER_OF(it, struct session, link), iq->act, item);
	}
	return block_add(&a->block, item);
}

static void
drop(const struct iq *iq, struct str item)
{
	struct account *a = iq->account;

	if (!block_has(&a->block, item))
		return;
	block_remove(&a->block, item);
	if (!is_own(a, item))
		show_to(a, iq->act, item);
}

/* ---- kept and told ---- */

static void
write_push(struct buf *out, struct str name, const struct str *items, unsigned n)
{
	struct xml_writer w;

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, NS_BLOCKING, name);
	for (unsigned i = 0; i < n; i++) {
		xw_open(&w, (struct str){0}, S("item"));
		xw_attr(&w, "jid", items[i]);
		xw_close(&w);
	}
	xw_close(&w);
}

static void
push(struct account *a, const struct act *act, struct str payload)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!str_empty(payload) && (s->flags & SESSION_BLOCKLIST))
			session_push(s, act, payload);
	}
}

static void
saving_free(struct change_saving *v)
{
	account_unpin(v->account);
	act_drop(&v->act);
	buf_deinit(&v->block);
	buf_deinit(&v->unblock);
	free(v);
}

static void
on_saved(void *arg, const struct bus_in *in, const void *msg)
{
	struct change_saving *v = arg;
	enum bus_error e = in && in->message->type == MSG_FAILED
	    ? (enum bus_error)((const struct msg_FAILED *)msg)->error
	    : BUS_ERROR_UNAVAILABLE;

	if (in && in->message->type == MSG_DONE) {
		push(v->account, &v->act, buf_str(&v->block));
		push(v->account, &v->act, buf_str(&v->unblock));
		privacy_push(v->account, &v->act);
		iq_later_result(v->answer, (struct str){0});
	} else {
		log_warn("whom %.*s blocks could not be kept", STR_ARG(v->account->jid));
		iq_later_error(v->answer, iq_error_of(e));
		account_reload(v->account);
	}
	saving_free(v);
}

static void
save(const struct iq *iq, struct change_saving *v)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct opid op = act_op(iq->act, OP_BLOB);
	struct buf data = {0};
	struct xml_writer w;
	struct msg_BLOB_PUT m = {.owner = iq->account->jid, .space = BLOB_BLOCK};

	xw_init(&w, &data, S("jabber:client"));
	xw_open(&w, NS_BLOCKING, S("blocklist"));
	block_write_items(&w, &iq->account->block);
	xw_close(&w);
	m.data = iq->account->block.items ? buf_str(&data) : (struct str){0};
	bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_PUT, &m, &op, iq->act->custody,
	    BLOCK_MS, on_saved, v);
	buf_deinit(&data);
}

void
blocking_change(const struct iq *iq, const struct block_change *c)
{
	struct block_list *b = &iq->account->block;
	struct change_saving *v;
	size_t bytes = b->bytes;

	for (unsigned i = 0; i < c->n_adds; i++)
		bytes += c->adds[i].n;
	/* Before anything is done: dropping first would show what is added again. */
	if (bytes > BLOCK_BYTES_MAX || HASH_CNT(hh, b->items) + c->n_adds > BLOCK_ITEMS_MAX) {
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
		return;
	}
	v = NEW(struct change_saving);
	v->act = act_keep(iq->act);
	v->account = iq->account;
	account_pin(v->account);
	for (unsigned i = 0; i < c->n_adds; i++)
		add(iq, c->adds[i]);
	for (unsigned i = 0; i < c->n_drops; i++)
		drop(iq, c->drops[i]);
	if (c->n_adds)
		write_push(&v->block, S("block"), c->adds, c->n_adds);
	if (c->n_drops || c->is_everything)
		write_push(&v->unblock, S("unblock"), c->drops, c->is_everything ? 0 : c->n_drops);
	v->answer = iq_keep(iq);
	save(iq, v);
}

struct str *
blocking_all(const struct iq *iq, unsigned *n_r)
{
	const struct block_list *b = &iq->account->block;
	struct str *list = arena_alloc(iq->arena, (HASH_CNT(hh, b->items) + 1) * sizeof(*list));
	unsigned n = 0;

	for (const struct blocked *i = b->items; i; i = i->hh.next)
		list[n++] = arena_str(iq->arena, i->jid);
	*n_r = n;
	return list;
}

void
blocking_remember_asker(const struct iq *iq, enum session_flag flag)
{
	struct session *s = sessions_of_act(iq->act);

	if (!s || (s->flags & flag))
		return;
	s->flags |= flag;
	session_copy_presence(s, iq->act);
}

/* ---- XEP-0191 ---- */

void
blocking_get(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	blocking_remember_asker(iq, SESSION_BLOCKLIST);
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, NS_BLOCKING, S("blocklist"));
	block_write_items(&w, &iq->account->block);
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

/* The items of <block/> or <unblock/>, prepared, in the arena. False: one of them is no JID; answered. */
static bool
read_items(const struct iq *iq, struct str **items_r, unsigned *n_r)
{
	struct jid_buf buf;
	struct jid j;
	unsigned n = 0;

	for (const struct xml_node *c = iq->node->children; c; c = c->next)
		n++;
	*items_r = arena_alloc(iq->arena, (n + 1) * sizeof(**items_r));
	*n_r = 0;
	for (const struct xml_node *c = iq->node->children; c; c = c->next) {
		if (!str_is(c->name, "item") || !str_eq(c->ns, NS_BLOCKING))
			continue;
		if (!jid_prepare(&j, &buf, xml_node_attr(c, "jid", NULL))) {
			iq_error(iq, SE_JID_MALFORMED);
			return false;
		}
		(*items_r)[(*n_r)++] = arena_str(iq->arena, j.full);
	}
	return true;
}

void
blocking_block(const struct iq *iq)
{
	struct block_change c = {0};
	struct str *items;

	if (!read_items(iq, &items, &c.n_adds))
		return;
	c.adds = items;
	if (c.n_adds == 0)
		iq_error(iq, SE_BAD_REQUEST);
	else
		blocking_change(iq, &c);
}

/* §3.4: without items it is all of them. */
void
blocking_unblock(const struct iq *iq)
{
	struct block_change c = {0};
	struct str *items;

	if (!read_items(iq, &items, &c.n_drops))
		return;
	c.is_everything = c.n_drops == 0;
	c.drops = c.is_everything ? blocking_all(iq, &c.n_drops) : items;
	blocking_change(iq, &c);
}
