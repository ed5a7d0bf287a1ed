/* XEP-0016: named lists of rules, one of which is everybody's default and one may be active in a session. What they do is
 * block.h's, what a change of them does is privacy_change.h's; here is the protocol. */
#include "answers.h"
#include "privacy_change.h"

#define NS_PRIVACY "jabber:iq:privacy"

/* An operator may have switched them off: then those that are stored still count, but nobody sees them. */
static bool
is_on(const struct iq *iq)
{
	if (settings_of(iq->act->sd)->privacy_lists)
		return true;
	iq_error(iq, SE_SERVICE_UNAVAILABLE);
	return false;
}

/* ---- get ---- */

static void
named(struct xml_writer *w, struct str element, const struct privacy_list *l)
{
	if (!l)
		return;
	xw_open(w, (struct str){0}, element);
	xw_attr(w, "name", l->name);
	xw_close(w);
}

static void
write_names(struct xml_writer *w, const struct iq *iq)
{
	const struct privacy *p = &iq->account->privacy;
	const struct session *s = sessions_of_act(iq->act);

	named(w, S("active"), s ? privacy_by_id(p, session_active_list(s)) : NULL);
	named(w, S("default"), privacy_default(p));
	for (const struct privacy_list *l = p->lists; l; l = l->next)
		named(w, S("list"), l);
}

static void
answer(const struct iq *iq, const struct privacy_list *l)
{
	struct buf out = {0};
	struct xml_writer w;

	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S(NS_PRIVACY), S("query"));
	if (l)
		privacy_list_write(&w, l, false);
	else
		write_names(&w, iq);
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

static const struct privacy_list *
list_named_by(const struct iq *iq, const struct xml_node *n)
{
	return privacy_named(&iq->account->privacy, xml_node_attr(n, "name", NULL));
}

void
privacy_get(const struct iq *iq)
{
	const struct xml_node *n = iq->node->children;
	const struct privacy_list *l = n ? list_named_by(iq, n) : NULL;

	if (!is_on(iq))
		return;
	if (n && (n->next || !str_is(n->name, "list")))
		iq_error(iq, SE_BAD_REQUEST);
	else if (n && !l)
		iq_error(iq, SE_ITEM_NOT_FOUND);
	else
		answer(iq, l);
}

/* ---- set: lists ---- */

/* §2.2: what applies to another session of the user's is not taken from under it. */
static bool
applies_elsewhere(const struct iq *iq, const struct privacy_list *l)
{
	const struct session *own = sessions_of_act(iq->act);

	LIST_FOREACH(&iq->account->sessions, it) {
		const struct session *s = CONTAINER_OF(it, struct session, link);

		if (s != own && list_for(iq->account, s) == l)
			return true;
	}
	return false;
}

static bool
is_a_group(const struct account *a, struct str name)
{
	for (const struct contact *c = a->roster.contacts; c; c = c->hh.next)
		for (unsigned i = 0; i < c->n_groups; i++)
			if (str_eq(c->groups[i], name))
				return true;
	return false;
}

/* §2.1 */
static enum stanza_error
check_items(const struct iq *iq, struct privacy_item *items, unsigned n)
{
	privacy_sort(items, n);
	for (unsigned i = 1; i < n; i++)
		if (items[i].order == items[i - 1].order)
			return SE_BAD_REQUEST;
	for (unsigned i = 0; i < n; i++)
		if (items[i].type == PRIVACY_GROUP && !is_a_group(iq->account, items[i].value))
			return SE_ITEM_NOT_FOUND;
	return SE_NONE;
}

static void
edit(const struct iq *iq, const struct xml_node *list, struct str name)
{
	struct privacy_item *items = arena_alloc(iq->arena, PRIVACY_ITEMS_MAX * sizeof(*items));
	enum stanza_error e = SE_NONE;
	unsigned n = 0;

	for (const struct xml_node *i = list->children; i && e == SE_NONE; i = i->next) {
		e = n < PRIVACY_ITEMS_MAX ? privacy_read_item(iq->arena, i, &items[n])
					  : SE_RESOURCE_CONSTRAINT;
		n++;
	}
	if (e == SE_NONE)
		e = check_items(iq, items, n);
	if (e != SE_NONE)
		iq_error(iq, e);
	else
		privacy_edit(iq, privacy_list_new(name, items, n), NULL);
}

static void
set_list(const struct iq *iq, const struct xml_node *n)
{
	struct str name = xml_node_attr(n, "name", NULL);
	struct privacy_list *l = privacy_named(&iq->account->privacy, name);

	if (str_empty(name))
		iq_error(iq, SE_BAD_REQUEST);
	else if (name.n > PRIVACY_NAME_MAX)
		iq_error(iq, SE_NOT_ACCEPTABLE);
	else if (n->children)
		edit(iq, n, name);
	else if (!l)
		iq_error(iq, SE_ITEM_NOT_FOUND);
	else if (applies_elsewhere(iq, l))
		iq_error(iq, SE_CONFLICT);
	else
		privacy_drop(iq, l, NULL);
}

/* ---- set: which applies ---- */

/* False: there is no list with the name that is given, which was answered. *l_r: NULL without a name. */
static bool
find_choice(const struct iq *iq, const struct xml_node *n, const struct privacy_list **l_r)
{
	bool is_given;

	xml_node_attr(n, "name", &is_given);
	*l_r = is_given ? list_named_by(iq, n) : NULL;
	if (is_given && !*l_r)
		iq_error(iq, SE_ITEM_NOT_FOUND);
	return !is_given || *l_r;
}

static void
set_active(const struct iq *iq, const struct xml_node *n)
{
	const struct privacy_list *l;

	if (find_choice(iq, n, &l))
		privacy_choose_active(iq, l);
}

static void
set_default(const struct iq *iq, const struct xml_node *n)
{
	const struct privacy_list *now = privacy_default(&iq->account->privacy), *l;

	if (!find_choice(iq, n, &l))
		return;
	if (l == now)
		iq_result(iq, (struct str){0});
	else if (now && applies_elsewhere(iq, now))
		iq_error(iq, SE_CONFLICT);
	else
		privacy_choose_default(iq, l);
}

void
privacy_set(const struct iq *iq)
{
	static const struct {
		const char *name;
		void (*fn)(const struct iq *iq, const struct xml_node *n);
	} requests[] = {{"list", set_list}, {"active", set_active}, {"default", set_default}};
	const struct xml_node *n = iq->node->children;

	if (!is_on(iq))
		return;
	for (size_t i = 0; n && !n->next && i < COUNT(requests); i++) {
		if (!str_is(n->name, requests[i].name))
			continue;
		requests[i].fn(iq, n);
		return;
	}
	iq_error(iq, SE_BAD_REQUEST);
}
