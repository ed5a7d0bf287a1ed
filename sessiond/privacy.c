/* XEP-0016 for clients that know nothing newer. There is one list, "blocked", which is the default and the active one of
 * every session: the block list of XEP-0191 as that tells us to map it, items of type "jid" with action "deny" for all
 * stanzas. Rules that are more than that are refused, so the two can never disagree. */
#include <stdio.h>

#include "answers.h"
#include "blocking.h"

#define NS_PRIVACY S("jabber:iq:privacy")
#define LIST_NAME "blocked"

static bool
is_our_list(const struct xml_node *n)
{
	return str_is(xml_node_attr(n, "name", NULL), LIST_NAME);
}

/* ---- get ---- */

static void
named(struct xml_writer *w, struct str element)
{
	xw_open(w, (struct str){0}, element);
	xw_attr(w, "name", S(LIST_NAME));
	xw_close(w);
}

static void
write_items(struct xml_writer *w, const struct block_list *b)
{
	char order[16];
	int n = 0;

	xw_open(w, (struct str){0}, S("list"));
	xw_attr(w, "name", S(LIST_NAME));
	for (const struct blocked *i = b->items; i; i = i->hh.next) {
		snprintf(order, sizeof(order), "%d", ++n);
		xw_open(w, (struct str){0}, S("item"));
		xw_attr(w, "type", S("jid"));
		xw_attr(w, "value", i->jid);
		xw_attr(w, "action", S("deny"));
		xw_attr(w, "order", str_z(order));
		xw_close(w);
	}
	xw_close(w);
}

void
privacy_get(const struct iq *iq)
{
	const struct xml_node *list = iq->node->children;
	const struct block_list *b = &iq->account->block;
	struct buf out = {0};
	struct xml_writer w;

	if (list && (list->next || !str_is(list->name, "list"))) {
		iq_error(iq, SE_BAD_REQUEST);
		return;
	}
	if (list && (!is_our_list(list) || !b->items)) {
		iq_error(iq, SE_ITEM_NOT_FOUND);
		return;
	}
	blocking_remember_asker(iq, SESSION_PRIVACY);
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, NS_PRIVACY, S("query"));
	if (list) {
		write_items(&w, b);
	} else if (b->items) {
		named(&w, S("active"));
		named(&w, S("default"));
		named(&w, S("list"));
	}
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

void
privacy_push(struct account *a, const struct act *act)
{
	struct buf out = {0};
	struct xml_writer w;

	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, NS_PRIVACY, S("query"));
	named(&w, S("list"));
	xw_close(&w);
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (s->flags & SESSION_PRIVACY)
			session_push(s, act, buf_str(&out));
	}
	buf_deinit(&out);
}

/* ---- set ---- */

/* One that only says what holds anyway: everything else is allowed. */
static bool
is_fall_through(const struct xml_node *item)
{
	bool has_type;

	xml_node_attr(item, "type", &has_type);
	return !has_type && str_is(xml_node_attr(item, "action", NULL), "allow");
}

static enum stanza_error
read_item(const struct iq *iq, const struct xml_node *item, struct str *jid_r)
{
	struct jid_buf buf;
	struct jid j;
	uint64_t order;
	struct str action = xml_node_attr(item, "action", NULL);

	if (!str_is(item->name, "item") || !str_u64(xml_node_attr(item, "order", NULL), &order) ||
	    (!str_is(action, "allow") && !str_is(action, "deny")))
		return SE_BAD_REQUEST;
	if (!str_is(xml_node_attr(item, "type", NULL), "jid") || !str_is(action, "deny") ||
	    item->children)
		return SE_FEATURE_NOT_IMPLEMENTED;
	if (!jid_prepare(&j, &buf, xml_node_attr(item, "value", NULL)))
		return SE_JID_MALFORMED;
	*jid_r = arena_str(iq->arena, j.full);
	return SE_NONE;
}

static bool
contains(const struct str *list, unsigned n, struct str jid)
{
	while (n > 0)
		if (str_eq(list[--n], jid))
			return true;
	return false;
}

/* What the new list has not is dropped, what it has is added. */
static void
replace(const struct iq *iq, const struct str *wanted, unsigned n)
{
	unsigned n_old;
	struct str *old = blocking_all(iq, &n_old);
	struct block_change c = {.adds = wanted, .drops = old};

	for (unsigned i = 0; i < n_old; i++)
		if (!contains(wanted, n, old[i]))
			old[c.n_drops++] = old[i];
	c.n_adds = n;
	blocking_change(iq, &c);
}

static void
set_list(const struct iq *iq, const struct xml_node *list)
{
	struct str *wanted = arena_alloc(iq->arena, (BLOCK_ITEMS_MAX + 1) * sizeof(*wanted));
	enum stanza_error e = SE_NONE;
	unsigned n = 0;

	if (!is_our_list(list))
		e = str_empty(xml_node_attr(list, "name", NULL)) ? SE_BAD_REQUEST
								 : SE_FEATURE_NOT_IMPLEMENTED;
	for (const struct xml_node *i = list->children; i && e == SE_NONE; i = i->next) {
		if (is_fall_through(i))
			continue;
		e = n < BLOCK_ITEMS_MAX ? read_item(iq, i, &wanted[n]) : SE_RESOURCE_CONSTRAINT;
		n++;
	}
	if (e != SE_NONE)
		iq_error(iq, e);
	else
		replace(iq, wanted, n);
}

/* Which list is in force: it is ours, always. */
static void
choose(const struct iq *iq, const struct xml_node *choice)
{
	bool is_empty = !iq->account->block.items, declines;

	xml_node_attr(choice, "name", &declines);
	declines = !declines;
	if (!declines && (is_empty || !is_our_list(choice)))
		iq_error(iq, SE_ITEM_NOT_FOUND);
	else if (declines && !is_empty && str_is(choice->name, "default"))
		iq_error(iq, SE_NOT_ALLOWED);
	else
		iq_result(iq, (struct str){0});
}

void
privacy_set(const struct iq *iq)
{
	const struct xml_node *n = iq->node->children;

	if (!n || n->next)
		iq_error(iq, SE_BAD_REQUEST);
	else if (str_is(n->name, "list"))
		set_list(iq, n);
	else if (str_is(n->name, "active") || str_is(n->name, "default"))
		choose(iq, n);
	else
		iq_error(iq, SE_BAD_REQUEST);
}
