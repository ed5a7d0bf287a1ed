/* XEP-0030. The features are those of the IQ table, and what is not asked by IQ. */
#include "answers.h"
#include "archive.h"
#include "caps.h"

#define NS_INFO S("http://jabber.org/protocol/disco#info")
#define NS_ITEMS S("http://jabber.org/protocol/disco#items")

static const char *const account_extras[] = {"urn:xmpp:carbons:2", "urn:xmpp:sid:0", NULL};

static const char *const archive_extras[] = {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended",
    "urn:xmpp:mam:2#groupchat-field", "http://jabber.org/protocol/rsm", NULL};

static void
identity(struct xml_writer *w, const char *category, const char *type, struct str name)
{
	xw_open(w, (struct str){0}, S("identity"));
	xw_attr(w, "category", str_z(category));
	xw_attr(w, "type", str_z(type));
	xw_attr_if(w, "name", name);
	xw_close(w);
}

static void
feature(struct xml_writer *w, const char *ns)
{
	xw_open(w, (struct str){0}, S("feature"));
	xw_attr(w, "var", str_z(ns));
	xw_close(w);
}

static void
account_features(struct xml_writer *w, const struct sessiond_settings *set)
{
	for (const struct iq_entry *e = iq_table; e->name; e++)
		if (e->place == IQ_ACCOUNT && e->is_feature && !caps_is_off(e->ns, set))
			feature(w, e->ns);
	for (const char *const *f = account_extras; *f; f++)
		feature(w, *f);
}

static void
server_features(struct xml_writer *w, const struct sessiond_settings *set)
{
	const char *list[FEATURES_MAX];
	unsigned n = caps_server_features(list, set);

	for (unsigned i = 0; i < n; i++)
		feature(w, list[i]);
}

/* There are no nodes: XEP-0030 §3.2. */
static bool
has_node(const struct iq *iq)
{
	bool found;

	xml_node_attr(iq->node, "node", &found);
	if (found)
		iq_error(iq, SE_ITEM_NOT_FOUND);
	return found;
}

static void
begin(struct xml_writer *w, struct buf *out, struct str ns)
{
	xw_init(w, out, S("jabber:client"));
	xw_open(w, ns, S("query"));
}

static void
finish(const struct iq *iq, struct xml_writer *w, struct buf *out)
{
	xw_close(w);
	iq_result(iq, buf_str(out));
	buf_deinit(out);
}

/* XEP-0115 §6.2: the node of our caps stands for the server itself, whatever hash the asker saw. */
static bool
is_caps_node(struct str node)
{
	return str_starts(node, S(CAPS_NODE "#"));
}

void
disco_info_server(const struct iq *iq)
{
	struct str node = xml_node_attr(iq->node, "node", NULL);
	struct buf out = {0};
	struct xml_writer w;

	if (!is_caps_node(node) && has_node(iq))
		return;
	begin(&w, &out, NS_INFO);
	xw_attr_if(&w, "node", node);
	identity(&w, "server", "im", S("Jackdaw"));
	server_features(&w, settings_of(iq->act->sd));
	caps_write_contacts(&w, settings_of(iq->act->sd));
	finish(iq, &w, &out);
}

void
disco_info_account(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	if (has_node(iq))
		return;
	begin(&w, &out, NS_INFO);
	identity(&w, "account", "registered", (struct str){0});
	account_features(&w, settings_of(iq->act->sd));
	for (const char *const *f = archive_extras; *f && archive_is_on(iq->account); f++)
		feature(&w, *f);
	if (archive_is_searchable(iq->account))
		feature(&w, "urn:xmpp:fulltext:0");
	finish(iq, &w, &out);
}

/* Is this name below the domain? */
static bool
is_below(struct str name, struct str domain)
{
	return str_ends(name, domain) && name.n > domain.n && name.p[name.n - domain.n - 1] == '.';
}

/* The components below the domain that is asked; those with names of their own are not its business (F-38). */
void
disco_items_server(const struct iq *iq)
{
	const struct suite *suite = &iq->act->sd->daemon->suite;
	struct str domain = jid_split(iq->st->to).domain;
	struct buf out = {0};
	struct xml_writer w;

	if (has_node(iq))
		return;
	begin(&w, &out, NS_ITEMS);
	for (size_t i = 0; i < suite->n_components; i++) {
		if (!is_below(str_z(suite->components[i]), domain))
			continue;
		xw_open(&w, (struct str){0}, S("item"));
		xw_attr(&w, "jid", str_z(suite->components[i]));
		xw_close(&w);
	}
	finish(iq, &w, &out);
}

/* XEP-0030 §8: whoever may not see the sessions finds none, and none where there is no account. */
void
disco_items_none(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	begin(&w, &out, NS_ITEMS);
	xw_attr_if(&w, "node", xml_node_attr(iq->node, "node", NULL));
	finish(iq, &w, &out);
}

/* XEP-0030 §4.4 lets us name the sessions; who may see presence knows them anyway. */
void
disco_items_account(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	if (has_node(iq))
		return;
	begin(&w, &out, NS_ITEMS);
	LIST_FOREACH(&iq->account->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_is_available(s))
			continue;
		xw_open(&w, (struct str){0}, S("item"));
		xw_attr(&w, "jid", s->jid.full);
		xw_close(&w);
	}
	finish(iq, &w, &out);
}
