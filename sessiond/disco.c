/* XEP-0030. The features are those of the IQ table, and what is not asked by IQ. */
#include "answers.h"
#include "caps.h"

#define NS_INFO S("http://jabber.org/protocol/disco#info")
#define NS_ITEMS S("http://jabber.org/protocol/disco#items")

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
write_features(struct xml_writer *w, const struct features *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		xw_open(w, (struct str){0}, S("feature"));
		xw_attr(w, "var", f->v[i]);
		xw_close(w);
	}
}

/* What others say besides; of the account, or of the server (NULL). */
static void
write_told_identities(struct xml_writer *w, const struct sessiond *sd, const struct account *a)
{
	struct told t;

	caps_told_identities(&t, sd, a);
	for (unsigned i = 1; i < t.n; i++) {
		xw_open(w, (struct str){0}, S("identity"));
		xw_attr(w, "category", t.v[i].first);
		xw_attr(w, "type", t.v[i].second);
		xw_attr_if(w, "name", xml_node_attr(t.v[i].node, "name", NULL));
		xw_close(w);
	}
}

static void
write_told_forms(struct xml_writer *w, const struct sessiond *sd, const struct account *a)
{
	struct arena arena = {0};
	struct told t;

	caps_told_forms(&t, sd, a);
	for (unsigned i = 1; i < t.n; i++)
		xw_raw(w, xml_node_raw(&arena, t.v[i].node));
	arena_deinit(&arena);
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
	const struct sessiond *sd = iq->act->sd;
	struct buf out = {0};
	struct xml_writer w;
	struct features f;

	if (!is_caps_node(node) && has_node(iq))
		return;
	begin(&w, &out, NS_INFO);
	xw_attr_if(&w, "node", node);
	identity(&w, "server", "im", S("Jackdaw"));
	write_told_identities(&w, sd, NULL);
	caps_server_features(&f, sd);
	write_features(&w, &f);
	caps_write_contacts(&w, settings_of(sd));
	write_told_forms(&w, sd, NULL);
	finish(iq, &w, &out);
}

void
disco_info_account(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;
	struct features f;

	if (has_node(iq))
		return;
	begin(&w, &out, NS_INFO);
	identity(&w, "account", "registered", (struct str){0});
	write_told_identities(&w, iq->act->sd, iq->account);
	caps_account_features(&f, iq->account);
	write_features(&w, &f);
	write_told_forms(&w, iq->act->sd, iq->account);
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
