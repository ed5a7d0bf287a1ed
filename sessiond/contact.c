/* See contact.h. */
#include "contact.h"

#include <stdlib.h>

#include "base/mem.h"

static const struct {
	enum subscription subscription;
	bool ask, request;
} states[SUB_STATE_COUNT] = {
    [SUB_NONE] = {SUBSCRIPTION_NONE, false, false},
    [SUB_NONE_OUT] = {SUBSCRIPTION_NONE, true, false},
    [SUB_NONE_IN] = {SUBSCRIPTION_NONE, false, true},
    [SUB_NONE_OUT_IN] = {SUBSCRIPTION_NONE, true, true},
    [SUB_TO] = {SUBSCRIPTION_TO, false, false},
    [SUB_TO_IN] = {SUBSCRIPTION_TO, false, true},
    [SUB_FROM] = {SUBSCRIPTION_FROM, false, false},
    [SUB_FROM_OUT] = {SUBSCRIPTION_FROM, true, false},
    [SUB_BOTH] = {SUBSCRIPTION_BOTH, false, false},
};

static const char *const subscription_names[] = {
    [SUBSCRIPTION_NONE] = "none",
    [SUBSCRIPTION_TO] = "to",
    [SUBSCRIPTION_FROM] = "from",
    [SUBSCRIPTION_BOTH] = "both",
};

static enum sub_state
state_of_record(const struct rec_roster_item *item)
{
	enum subscription s = item->subscription == SUBSCRIPTION_UNLISTED
	    ? SUBSCRIPTION_NONE
	    : (enum subscription)item->subscription;

	for (unsigned i = 0; i < SUB_STATE_COUNT; i++)
		if (states[i].subscription == s && states[i].ask == item->ask &&
		    states[i].request == item->pending_in)
			return (enum sub_state)i;
	/* A combination that has no meaning ("to" and asking for it): what is granted counts. */
	for (unsigned i = 0; i < SUB_STATE_COUNT; i++)
		if (states[i].subscription == s && !states[i].ask && !states[i].request)
			return (enum sub_state)i;
	return SUB_NONE;
}

/* ---- counts ---- */

static size_t
contact_bytes(const struct contact *c)
{
	struct buf scratch = {0};
	struct xml_writer w;
	size_t n;

	xw_init(&w, &scratch, S("jabber:client"));
	xw_open(&w, S("jabber:iq:roster"), S("query"));
	contact_write(&w, c);
	n = buf_len(&scratch) + c->pending.n + 64;
	buf_deinit(&scratch);
	return n;
}

static void
count(struct roster *r, struct contact *c)
{
	c->bytes = contact_bytes(c);
	r->bytes += c->bytes;
	r->n_listed += c->is_listed;
	r->n_requests += !c->is_listed;
}

static void
uncount(struct roster *r, const struct contact *c)
{
	r->bytes -= c->bytes;
	r->n_listed -= c->is_listed;
	r->n_requests -= !c->is_listed;
}

/* ---- the roster ---- */

struct contact *
roster_find(const struct roster *r, struct str bare)
{
	struct contact *c;

	HASH_FIND(hh, r->contacts, bare.p, bare.n, c);
	return c;
}

struct contact *
roster_touch(struct roster *r, struct str bare)
{
	struct contact *c = roster_find(r, bare);
	char *jid;

	if (c)
		return c;
	c = mem_new(sizeof(*c) + bare.n);
	jid = (char *)(c + 1);
	memcpy(jid, bare.p, bare.n);
	c->jid = str_of(jid, bare.n);
	HASH_ADD_KEYPTR(hh, r->contacts, jid, bare.n, c);
	count(r, c);
	return c;
}

void
roster_remove(struct roster *r, struct contact *c)
{
	uncount(r, c);
	HASH_DEL(r->contacts, c);
	free(c->text);
	free((char *)(uintptr_t)c->pending.p);
	free(c);
}

void
roster_clear(struct roster *r)
{
	while (r->contacts)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): roster_remove takes it out of the map */
		roster_remove(r, r->contacts);
	r->version = 0;
}

static void
roster_load_item(struct roster *r, const struct rec_roster_item *item)
{
	struct contact *c = roster_touch(r, item->jid);
	struct bus_list list = item->groups;
	struct str groups[ROSTER_GROUPS_MAX];
	struct rec_group group;
	unsigned n = 0;

	while (n < ROSTER_GROUPS_MAX && bus_list_next(&list, &bus_record_group, &group))
		groups[n++] = group.name;
	c->state = state_of_record(item);
	c->approved = item->approved;
	if (item->subscription != SUBSCRIPTION_UNLISTED)
		contact_set_listed(r, c);
	contact_set_details(r, c, item->name, groups, n);
	contact_set_pending(r, c, item->pending);
}

void
roster_load(struct roster *r, const struct msg_ROSTER *m)
{
	struct bus_list list = m->items;
	struct rec_roster_item item;

	roster_clear(r);
	while (bus_list_next(&list, &bus_record_roster_item, &item))
		roster_load_item(r, &item);
	r->version = m->version;
}

/* ---- one contact ---- */

void
contact_set_listed(struct roster *r, struct contact *c)
{
	uncount(r, c);
	c->is_listed = true;
	count(r, c);
}

void
contact_set_unlisted(struct roster *r, struct contact *c)
{
	uncount(r, c);
	c->is_listed = false;
	count(r, c);
}

/* One block: the array of groups, then all texts. */
void
contact_set_details(struct roster *r, struct contact *c, struct str name, const struct str *groups,
    unsigned n_groups)
{
	size_t n = n_groups * sizeof(struct str) + name.n;
	char *block, *at;

	for (unsigned i = 0; i < n_groups; i++)
		n += groups[i].n;
	block = mem_new(n + 1);
	at = block + n_groups * sizeof(struct str);
	uncount(r, c);
	memcpy(at, name.n ? name.p : "", name.n);
	c->name = str_of(at, name.n);
	at += name.n;
	c->groups = (struct str *)(void *)block;
	for (unsigned i = 0; i < n_groups; i++) {
		memcpy(at, groups[i].p, groups[i].n);
		c->groups[i] = str_of(at, groups[i].n);
		at += groups[i].n;
	}
	c->n_groups = n_groups;
	free(c->text);
	c->text = block;
	count(r, c);
}

void
contact_set_pending(struct roster *r, struct contact *c, struct str payload)
{
	char *copy = payload.n ? str_dup(payload) : NULL;

	uncount(r, c);
	free((char *)(uintptr_t)c->pending.p);
	c->pending = str_of(copy, payload.n);
	count(r, c);
}

bool
contact_has_to(const struct contact *c)
{
	return c &&
	    (states[c->state].subscription == SUBSCRIPTION_TO ||
		states[c->state].subscription == SUBSCRIPTION_BOTH);
}

bool
contact_has_from(const struct contact *c)
{
	return c &&
	    (states[c->state].subscription == SUBSCRIPTION_FROM ||
		states[c->state].subscription == SUBSCRIPTION_BOTH);
}

bool
contact_is_asked(const struct contact *c)
{
	return c && states[c->state].ask;
}

bool
contact_is_request(const struct contact *c)
{
	return c && states[c->state].request;
}

struct str
contact_jid(const struct contact *c, struct jid_buf *buf)
{
	memcpy(buf->text, c->jid.p, c->jid.n);
	return str_of(buf->text, c->jid.n);
}

bool
contact_is_empty(const struct contact *c)
{
	return !c->is_listed && !contact_is_request(c);
}

struct rec_roster_item
contact_record(const struct contact *c, struct rec_group *groups_r)
{
	for (unsigned i = 0; i < c->n_groups; i++)
		groups_r[i].name = c->groups[i];
	return (struct rec_roster_item){
	    .jid = c->jid,
	    .name = c->name,
	    .subscription = c->is_listed ? states[c->state].subscription : SUBSCRIPTION_UNLISTED,
	    .ask = states[c->state].ask,
	    .approved = c->approved,
	    .pending_in = states[c->state].request,
	    .pending = c->pending,
	    .groups = {.items = groups_r, .count = c->n_groups},
	};
}

void
contact_write(struct xml_writer *w, const struct contact *c)
{
	xw_open(w, (struct str){0}, S("item"));
	xw_attr(w, "jid", c->jid);
	xw_attr_if(w, "name", c->name);
	xw_attr(w, "subscription", str_z(subscription_names[states[c->state].subscription]));
	if (states[c->state].ask)
		xw_attr(w, "ask", S("subscribe"));
	if (c->approved)
		xw_attr(w, "approved", S("true"));
	for (unsigned i = 0; i < c->n_groups; i++)
		xw_leaf(w, (struct str){0}, "group", c->groups[i]);
	xw_close(w);
}
