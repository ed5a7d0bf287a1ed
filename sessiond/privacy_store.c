/* Privacy lists as XML: how they are kept, and what an item of a client says. See privacy_list.h. */
#include <stdio.h>

#include "base/mem.h"
#include "privacy_list.h"

#define NS_PRIVACY "jabber:iq:privacy"
#define NS_BLOCKING "urn:xmpp:blocking"

static const struct {
	const char *name;
	uint8_t kind;
} kinds[] = {
    {"message", PRIVACY_MESSAGE},
    {"iq", PRIVACY_IQ},
    {"presence-in", PRIVACY_PRESENCE_IN},
    {"presence-out", PRIVACY_PRESENCE_OUT},
};

static const char *const types[] = {
    [PRIVACY_ANYBODY] = NULL,
    [PRIVACY_JID] = "jid",
    [PRIVACY_GROUP] = "group",
    [PRIVACY_SUBSCRIPTION] = "subscription",
};

/* ---- written ---- */

static void
write_item(struct xml_writer *w, const struct privacy_item *item)
{
	char order[16];

	snprintf(order, sizeof(order), "%u", item->order);
	xw_open(w, (struct str){0}, S("item"));
	if (item->type != PRIVACY_ANYBODY) {
		xw_attr(w, "type", str_z(types[item->type]));
		xw_attr(w, "value", item->value);
	}
	xw_attr(w, "action", item->denies ? S("deny") : S("allow"));
	xw_attr(w, "order", str_z(order));
	for (size_t i = 0; i < COUNT(kinds) && item->kinds != PRIVACY_ALL; i++)
		if (item->kinds & kinds[i].kind)
			xw_leaf(w, (struct str){0}, kinds[i].name, (struct str){0});
	xw_close(w);
}

void
privacy_list_write(struct xml_writer *w, const struct privacy_list *l, bool with_id)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", l->id);
	xw_open(w, (struct str){0}, S("list"));
	xw_attr(w, "name", l->name);
	if (with_id)
		xw_attr(w, "id", str_z(id));
	for (unsigned i = 0; i < l->n_items; i++)
		write_item(w, &l->items[i]);
	xw_close(w);
}

static void
write_lists(struct xml_writer *w, const struct privacy *p, const struct privacy_list *fresh)
{
	for (const struct privacy_list *l = p->lists; l; l = l->next)
		if (!fresh || !str_eq(l->name, fresh->name))
			privacy_list_write(w, l, true);
	if (fresh)
		privacy_list_write(w, fresh, true);
}

void
privacy_store(const struct privacy *p, const struct privacy_list *fresh, struct buf *out)
{
	const struct privacy_list *d = privacy_default(p);
	struct xml_writer w;

	if (!p->lists && !fresh)
		return;
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_PRIVACY), S("query"));
	if (d) {
		xw_open(&w, (struct str){0}, S("default"));
		xw_attr(&w, "name", d->name);
		xw_close(&w);
	}
	write_lists(&w, p, fresh);
	xw_close(&w);
}

/* ---- read ---- */

/* No child means all stanzas; one that is unknown must not mean that. */
static bool
read_kinds(const struct xml_node *n, uint8_t *kinds_r)
{
	uint8_t found = 0;

	for (const struct xml_node *c = n->children; c; c = c->next) {
		size_t i = 0;

		while (i < COUNT(kinds) && !str_is(c->name, kinds[i].name))
			i++;
		if (i == COUNT(kinds) || !str_is(c->ns, NS_PRIVACY))
			return false;
		found |= kinds[i].kind;
	}
	*kinds_r = found ? found : PRIVACY_ALL;
	return true;
}

static bool
read_type(struct str name, bool is_given, uint8_t *type_r)
{
	*type_r = PRIVACY_ANYBODY;
	for (uint8_t t = PRIVACY_JID; is_given && t < COUNT(types); t++)
		if (str_is(name, types[t]))
			*type_r = t;
	return !is_given || *type_r != PRIVACY_ANYBODY;
}

static bool
is_subscription(struct str value)
{
	return str_is(value, "both") || str_is(value, "to") || str_is(value, "from") ||
	    str_is(value, "none");
}

static enum stanza_error
read_value(struct arena *a, struct privacy_item *item)
{
	struct jid_buf buf;
	struct jid j;

	if (item->type == PRIVACY_SUBSCRIPTION)
		return is_subscription(item->value) ? SE_NONE : SE_BAD_REQUEST;
	if (item->type != PRIVACY_JID)
		return SE_NONE;
	if (!jid_prepare(&j, &buf, item->value))
		return SE_JID_MALFORMED;
	item->value = arena_str(a, j.full);
	return SE_NONE;
}

enum stanza_error
privacy_read_item(struct arena *a, const struct xml_node *n, struct privacy_item *item_r)
{
	struct str action = xml_node_attr(n, "action", NULL);
	bool is_typed, has_value;
	struct str type = xml_node_attr(n, "type", &is_typed);
	uint64_t order;

	*item_r = (struct privacy_item){
	    .denies = str_is(action, "deny"), .value = xml_node_attr(n, "value", &has_value)};
	if (!str_is(n->name, "item") || !str_is(n->ns, NS_PRIVACY) ||
	    !str_u64(xml_node_attr(n, "order", NULL), &order) || order > UINT32_MAX ||
	    (!item_r->denies && !str_is(action, "allow")) ||
	    !read_type(type, is_typed, &item_r->type) || !read_kinds(n, &item_r->kinds) ||
	    (is_typed && !has_value))
		return SE_BAD_REQUEST;
	if (!is_typed)
		item_r->value = (struct str){0};
	item_r->order = (uint32_t)order;
	return read_value(a, item_r);
}

/* One that was stored was good: what is not is left out. */
static struct privacy_list *
read_list(struct arena *a, const struct xml_node *list)
{
	struct privacy_item *items = arena_alloc(a, PRIVACY_ITEMS_MAX * sizeof(*items));
	unsigned n = 0;

	for (const struct xml_node *i = list->children; i && n < PRIVACY_ITEMS_MAX; i = i->next)
		if (privacy_read_item(a, i, &items[n]) == SE_NONE)
			n++;
	return privacy_list_new(xml_node_attr(list, "name", NULL), items, n);
}

static void
load_lists(struct privacy *p, struct arena *a, const struct xml_node *query)
{
	const struct xml_node *d = xml_child(query, NS_PRIVACY, "default");
	const struct privacy_list *l;
	uint64_t id;

	for (const struct xml_node *n = query->children; n; n = n->next)
		if (str_is(n->name, "list") && str_u64(xml_node_attr(n, "id", NULL), &id) &&
		    id > 0 && id <= UINT8_MAX)
			privacy_put(p, read_list(a, n), (uint8_t)id);
	l = d ? privacy_named(p, xml_node_attr(d, "name", NULL)) : NULL;
	p->default_id = l ? l->id : 0;
}

static void
load_block_list(struct privacy *p, struct arena *a, const struct xml_node *list)
{
	struct privacy_item *items = arena_alloc(a, PRIVACY_ITEMS_MAX * sizeof(*items));
	unsigned n = 0;

	for (const struct xml_node *i = list->children; i && n < PRIVACY_ITEMS_MAX; i = i->next, n++)
		items[n] = (struct privacy_item){.order = n + 1,
		    .denies = true,
		    .kinds = PRIVACY_ALL,
		    .type = PRIVACY_JID,
		    .value = xml_node_attr(i, "jid", NULL)};
	if (n == 0)
		return;
	privacy_put(p, privacy_list_new(S(PRIVACY_BLOCKED), items, n), 1);
	p->default_id = 1;
}

void
privacy_load(struct privacy *p, struct str data)
{
	struct arena a = {0};
	const struct xml_node *root = xml_tree_parse(&a, data, S("jabber:client"));

	privacy_clear(p);
	if (root && str_is(root->ns, NS_PRIVACY))
		load_lists(p, &a, root);
	else if (root && str_is(root->ns, NS_BLOCKING))
		load_block_list(p, &a, root);
	arena_deinit(&a);
}
