/* XEP-0049: one element for each (name, namespace), for the user's own eyes. */
#include "blob.h"
#include "answers.h"

/* The one element that the query is about; answers with the error when it is not one. */
static const struct xml_node *
subject(const struct iq *iq, enum stanza_error when_missing)
{
	const struct xml_node *n = iq->node->children;

	if (!n || n->next) {
		iq_error(iq, n ? SE_BAD_REQUEST : when_missing);
		return NULL;
	}
	/* §2.2: a namespace of its own. */
	if (str_empty(n->ns) || str_is(n->ns, "jabber:client") ||
	    str_is(n->ns, "jabber:iq:private")) {
		iq_error(iq, SE_NOT_ACCEPTABLE);
		return NULL;
	}
	return n;
}

static struct str
key_of(const struct iq *iq, const struct xml_node *n)
{
	return arena_printf(iq->arena, "%.*s %.*s", STR_ARG(n->name), STR_ARG(n->ns));
}

static void
on_private(struct iq_later *l, struct str data)
{
	struct buf out = {0};
	struct xml_writer w;

	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S("jabber:iq:private"), S("query"));
	xw_raw(&w, data);
	xw_close(&w);
	iq_later_result(l, buf_str(&out));
	buf_deinit(&out);
}

void
private_get(const struct iq *iq)
{
	const struct xml_node *n = subject(iq, SE_BAD_REQUEST);
	struct buf none = {0};
	struct xml_writer w;

	if (!n)
		return;
	/* What was never stored is the element that was asked for, empty. */
	xw_init(&w, &none, S("jabber:client"));
	xw_leaf(&w, n->ns, arena_z(iq->arena, n->name), (struct str){0});
	blob_get(iq, BLOB_PRIVATE, key_of(iq, n), buf_str(&none), on_private);
	buf_deinit(&none);
}

void
private_set(const struct iq *iq)
{
	const struct xml_node *n = subject(iq, SE_NOT_ACCEPTABLE);

	if (n)
		blob_put(iq, BLOB_PRIVATE, key_of(iq, n), xml_node_raw(iq->arena, n));
}
