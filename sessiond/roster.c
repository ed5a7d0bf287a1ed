/* jabber:iq:roster: RFC 6121 §2.2 to §2.6. */
#include "roster.h"

#include <stdlib.h>

#include "subscription.h"

/* ---- get ---- */

static void
write_roster(struct buf *out, const struct roster *r, struct str ver)
{
	struct xml_writer w;

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S("jabber:iq:roster"), S("query"));
	xw_attr_if(&w, "ver", ver);
	for (const struct contact *c = r->contacts; c; c = c->hh.next)
		if (c->is_listed)
			contact_write(&w, c);
	xw_close(&w);
}

/* From now on it gets the pushes (§2.2); the edge must know in case this process dies. */
static void
become_interested(const struct iq *iq)
{
	struct session *s = sessions_of_act(iq->act);

	if (!s || (s->flags & SESSION_INTERESTED))
		return;
	s->flags |= SESSION_INTERESTED;
	session_copy_presence(s, iq->act);
}

void
roster_iq_get(const struct iq *iq)
{
	const struct roster *r = &iq->account->roster;
	struct buf out = {0}, ver = {0};
	bool has_ver;
	struct str known = xml_node_attr(iq->node, "ver", &has_ver);

	become_interested(iq);
	buf_printf(&ver, "%llu", (unsigned long long)r->version);
	if (!has_ver || !str_eq(known, buf_str(&ver)))
		write_roster(&out, r, has_ver ? buf_str(&ver) : (struct str){0});
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
	buf_deinit(&ver);
}

/* ---- set ---- */

/* What an <item/> asks for; strings borrowed from the tree. */
struct wish {
	struct str jid; /* bare */
	struct jid_buf buf;
	struct str name;
	struct str groups[ROSTER_GROUPS_MAX];
	unsigned n_groups;
	size_t bytes; /* at most, written out */
};

static size_t
escaped(struct str s)
{
	size_t n = s.n;

	for (size_t i = 0; i < s.n; i++)
		n += strchr("&<>\"'", s.p[i]) ? 5 : 0;
	return n;
}

static enum stanza_error
read_group(struct wish *w, struct str group)
{
	if (str_empty(group) || group.n > ROSTER_TEXT_MAX || w->n_groups == ROSTER_GROUPS_MAX)
		return SE_NOT_ACCEPTABLE;
	for (unsigned i = 0; i < w->n_groups; i++)
		if (str_eq(w->groups[i], group))
			return SE_BAD_REQUEST;
	w->groups[w->n_groups++] = group;
	w->bytes += escaped(group) + 32;
	return SE_NONE;
}

/* §2.3.3 */
static enum stanza_error
read_wish(struct wish *w, const struct xml_node *item)
{
	enum stanza_error e = SE_NONE;
	struct jid j;

	if (!jid_prepare(&j, &w->buf, xml_node_attr(item, "jid", NULL)))
		return SE_JID_MALFORMED;
	w->jid = j.bare;
	w->name = xml_node_attr(item, "name", NULL);
	if (w->name.n > ROSTER_TEXT_MAX)
		return SE_NOT_ACCEPTABLE;
	w->bytes = escaped(w->name) + escaped(w->jid) + 128;
	for (const struct xml_node *n = item->children; n && e == SE_NONE; n = n->next)
		if (str_is(n->name, "group") && str_is(n->ns, "jabber:iq:roster"))
			e = read_group(w, n->text);
	return e;
}

static void
remove_item(const struct iq *iq, struct str jid)
{
	struct account *a = iq->account;
	struct contact *c = roster_find(&a->roster, jid);

	if (!c || !c->is_listed) {
		iq_error(iq, SE_ITEM_NOT_FOUND);
		return;
	}
	subscription_end(a, iq->act, c);
	/* What came back from a contact of this shard has found the state None: c is still there. */
	contact_set_details(&a->roster, c, (struct str){0}, NULL, 0);
	contact_set_unlisted(&a->roster, c);
	roster_save(a, iq->act, c, OP_ROSTER, true, iq_keep(iq));
}

static void
set_item(const struct iq *iq, const struct wish *w)
{
	struct account *a = iq->account;
	struct contact *c = roster_find(&a->roster, w->jid);
	size_t old = c ? c->bytes : 0;

	if (!(c && c->is_listed) && !roster_has_room(a, w->bytes)) {
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
		return;
	}
	if (a->roster.bytes - old + w->bytes > ROSTER_BYTES_MAX) {
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
		return;
	}
	c = c ? c : roster_touch(&a->roster, w->jid);
	contact_set_listed(&a->roster, c);
	contact_set_details(&a->roster, c, w->name, w->groups, w->n_groups);
	roster_save(a, iq->act, c, OP_ROSTER, true, iq_keep(iq));
}

/* §2.1.5: one item. */
static const struct xml_node *
only_item(const struct iq *iq)
{
	const struct xml_node *item = xml_child(iq->node, "jabber:iq:roster", "item");

	return item && !item->next && iq->node->children == item ? item : NULL;
}

void
roster_iq_set(const struct iq *iq)
{
	const struct xml_node *item = only_item(iq);
	struct wish w = {.n_groups = 0};
	enum stanza_error e = item ? read_wish(&w, item) : SE_BAD_REQUEST;

	if (e == SE_NONE && str_eq(w.jid, iq->account->jid))
		e = SE_NOT_ALLOWED;
	if (e != SE_NONE)
		iq_error(iq, e);
	else if (str_is(xml_node_attr(item, "subscription", NULL), "remove"))
		remove_item(iq, w.jid);
	else
		set_item(iq, &w);
}
