/* See privacy_change.h. */
#include "privacy_change.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "sight.h"

#define NS_BLOCKING S("urn:xmpp:blocking")
#define NS_PRIVACY S("jabber:iq:privacy")
#define SAVE_MS 60000
#define DEFAULT_BYTES 2048 /* room for what is stored beside the lists */

/* Until storaged has answered. */
struct saving {
	struct act act;
	struct account *account; /* pinned */
	struct iq_later *answer;
	struct buf block, unblock, list; /* payloads of the pushes; empty: none */
};

/* While the memory is changed. */
struct change {
	const struct iq *iq;
	struct sight sight;
	struct str *blocked; /* before */
	unsigned n_blocked;
};

/* ---- told ---- */

static void
write_blocks(struct buf *out, struct str name, const struct str *items, unsigned n)
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
write_told(struct saving *v, const struct block_change *c)
{
	if (c->n_adds)
		write_blocks(&v->block, S("block"), c->adds, c->n_adds);
	if (c->n_drops || c->is_everything)
		write_blocks(&v->unblock, S("unblock"), c->drops, c->is_everything ? 0 : c->n_drops);
}

/* Only the list's name (XEP-0016 §2.2). */
static void
write_list_push(struct buf *out, struct str name)
{
	struct xml_writer w;

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, NS_PRIVACY, S("query"));
	xw_open(&w, (struct str){0}, S("list"));
	xw_attr(&w, "name", name);
	xw_close(&w);
	xw_close(&w);
}

static bool
contains(const struct str *list, unsigned n, struct str jid)
{
	while (n > 0)
		if (str_eq(list[--n], jid))
			return true;
	return false;
}

static void
write_difference(struct saving *v, const struct change *c)
{
	const struct privacy_list *l = privacy_default(&v->account->privacy);
	struct arena arena = {0};
	unsigned n_now;
	struct str *now = block_jids(&arena, l, &n_now);
	struct str *adds = arena_alloc(&arena, (n_now + 1) * sizeof(*adds));
	struct str *drops = arena_alloc(&arena, (c->n_blocked + 1) * sizeof(*drops));
	struct block_change told = {.adds = adds, .drops = drops};

	for (unsigned i = 0; i < n_now; i++)
		if (!contains(c->blocked, c->n_blocked, now[i]))
			adds[told.n_adds++] = now[i];
	for (unsigned i = 0; i < c->n_blocked; i++)
		if (!block_has(l, c->blocked[i]))
			drops[told.n_drops++] = c->blocked[i];
	write_told(v, &told);
	arena_deinit(&arena);
}

/* flag: of the sessions that are told; 0: all. */
static void
push(struct account *a, const struct act *act, unsigned flag, struct str payload)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!str_empty(payload) && (s->flags & flag) == flag)
			session_push(s, act, payload);
	}
}

/* Of the block list to who has asked for it (XEP-0191 §3.3), of a list's name to "all connected resources" (XEP-0016 §2.2). */
static void
push_all(struct saving *v)
{
	push(v->account, &v->act, SESSION_BLOCKLIST, buf_str(&v->block));
	push(v->account, &v->act, SESSION_BLOCKLIST, buf_str(&v->unblock));
	push(v->account, &v->act, 0, buf_str(&v->list));
}

/* ---- kept ---- */

static struct saving *
saving_new(const struct iq *iq)
{
	struct saving *v = NEW(struct saving);

	v->act = act_keep(iq->act);
	v->account = iq->account;
	account_pin(v->account);
	v->answer = iq_keep(iq);
	return v;
}

static void
saving_free(struct saving *v)
{
	account_unpin(v->account);
	act_drop(&v->act);
	buf_deinit(&v->block);
	buf_deinit(&v->unblock);
	buf_deinit(&v->list);
	free(v);
}

static void
on_saved(void *arg, const struct bus_in *in, const void *msg)
{
	struct saving *v = arg;
	enum bus_error e = in && in->message->type == MSG_FAILED
	    ? (enum bus_error)((const struct msg_FAILED *)msg)->error
	    : BUS_ERROR_UNAVAILABLE;

	if (in && in->message->type == MSG_DONE) {
		push_all(v);
		iq_later_result(v->answer, (struct str){0});
	} else {
		log_warn("the privacy lists of %.*s could not be kept", STR_ARG(v->account->jid));
		iq_later_error(v->answer, iq_error_of(e));
		account_reload(v->account);
	}
	saving_free(v);
}

static void
save(const struct iq *iq, struct saving *v)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct opid op = act_op(iq->act, OP_BLOB);
	struct buf data = {0};
	struct msg_BLOB_PUT m = {.owner = iq->account->jid, .space = BLOB_BLOCK};

	privacy_store(&iq->account->privacy, NULL, &data);
	m.data = buf_str(&data);
	bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_PUT, &m, &op, iq->act->custody,
	    SAVE_MS, on_saved, v);
	buf_deinit(&data);
}

/* ---- changed ---- */

static void
begin(struct change *c, const struct iq *iq, const struct privacy_list *before,
    const struct privacy_list *after)
{
	struct account *a = iq->account;

	*c = (struct change){.iq = iq};
	c->blocked = block_jids(iq->arena, privacy_default(&a->privacy), &c->n_blocked);
	for (unsigned i = 0; i < c->n_blocked; i++)
		c->blocked[i] = arena_str(iq->arena, c->blocked[i]);
	sight_begin(&c->sight, a, NULL, before, after);
}

/* name: of the list that is another one now; empty: none is. */
static void
finish(struct change *c, struct str name, const struct block_change *told)
{
	struct saving *v = saving_new(c->iq);

	sight_end(&c->sight, c->iq->act);
	if (told)
		write_told(v, told);
	else
		write_difference(v, c);
	if (!str_empty(name) && settings_of(c->iq->act->sd)->privacy_lists)
		write_list_push(&v->list, name);
	save(c->iq, v);
}

static bool
is_taken(const struct account *a, unsigned id)
{
	bool is_active = false;

	LIST_FOREACH(&a->sessions, it)
		is_active |= session_active_list(CONTAINER_OF(it, struct session, link)) == id;
	return is_active || privacy_by_id(&a->privacy, id);
}

/* There are fewer lists and sessions than ids; if not, it shares one that a session has and no list. */
static uint8_t
free_id(const struct account *a)
{
	unsigned id = 1;

	while (id < UINT8_MAX && is_taken(a, id))
		id++;
	return (uint8_t)id;
}

/* Before anything is done. */
static bool
fits(const struct account *a, const struct privacy_list *l)
{
	struct buf data = {0};
	size_t bytes;

	if (!privacy_named(&a->privacy, l->name) && privacy_count(&a->privacy) >= PRIVACY_LISTS_MAX)
		return false;
	privacy_store(&a->privacy, l, &data);
	bytes = buf_len(&data);
	buf_deinit(&data);
	return bytes + DEFAULT_BYTES <= PRIVACY_BYTES_MAX;
}

void
privacy_edit(const struct iq *iq, struct privacy_list *l, const struct block_change *told)
{
	struct privacy *p = &iq->account->privacy;
	struct change c;

	if (!fits(iq->account, l)) {
		privacy_list_free(&l);
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
		return;
	}
	begin(&c, iq, privacy_named(p, l->name), l);
	privacy_put(p, l, free_id(iq->account));
	/* The first block makes the list that it is in. */
	if (told && !p->default_id)
		p->default_id = l->id;
	finish(&c, l->name, told);
}

static void
forget_active(struct account *a, const struct act *act, unsigned id)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (session_active_list(s) != id)
			continue;
		session_set_active_list(s, 0);
		session_copy_presence(s, act);
	}
}

void
privacy_drop(const struct iq *iq, struct privacy_list *l, const struct block_change *told)
{
	struct str name = arena_str(iq->arena, l->name);
	unsigned id = l->id;
	struct change c;

	begin(&c, iq, l, privacy_default(&iq->account->privacy));
	privacy_remove(&iq->account->privacy, l);
	forget_active(iq->account, iq->act, id);
	finish(&c, name, told);
}

void
privacy_choose_default(const struct iq *iq, const struct privacy_list *l)
{
	struct privacy *p = &iq->account->privacy;
	struct change c;

	begin(&c, iq, privacy_default(p), l);
	p->default_id = l ? l->id : 0;
	finish(&c, (struct str){0}, NULL);
}

void
privacy_choose_active(const struct iq *iq, const struct privacy_list *l)
{
	struct session *s = sessions_of_act(iq->act);
	struct sight sight;

	if (s) {
		sight_begin(&sight, iq->account, s, list_for(iq->account, s),
		    l ? l : privacy_default(&iq->account->privacy));
		session_set_active_list(s, l ? l->id : 0);
		sight_end(&sight, iq->act);
		session_copy_presence(s, iq->act);
	}
	iq_result(iq, (struct str){0});
}

void
privacy_keep(const struct iq *iq, const struct block_change *told)
{
	struct saving *v = saving_new(iq);

	write_told(v, told);
	push_all(v);
	iq_later_result(v->answer, (struct str){0});
	saving_free(v);
}

void
privacy_remember_asker(const struct iq *iq)
{
	struct session *s = sessions_of_act(iq->act);

	if (!s || (s->flags & SESSION_BLOCKLIST))
		return;
	s->flags |= SESSION_BLOCKLIST;
	session_copy_presence(s, iq->act);
}
