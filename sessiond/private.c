/* XEP-0049: one element for each (name, namespace), for the user's own eyes; a request may set several. */
#include "blob.h"
#include "answers.h"

#define ELEMENTS_MAX 32 /* in one request */

/* §2.2: a namespace of its own. */
static bool
is_acceptable(const struct xml_node *n)
{
	return !str_empty(n->ns) && !str_is(n->ns, "jabber:client") &&
	    !str_is(n->ns, "jabber:iq:private");
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
	const struct xml_node *n = iq->node->children;
	struct buf none = {0};
	struct xml_writer w;

	if (!n || n->next || !is_acceptable(n)) {
		iq_error(iq, !n || n->next ? SE_BAD_REQUEST : SE_NOT_ACCEPTABLE);
		return;
	}
	/* What was never stored is the element that was asked for, empty. */
	xw_init(&w, &none, S("jabber:client"));
	xw_leaf(&w, n->ns, arena_z(iq->arena, n->name), (struct str){0});
	blob_get(iq, BLOB_PRIVATE, key_of(iq, n), buf_str(&none), on_private);
	buf_deinit(&none);
}

static bool
is_there(const struct blob_item *items, unsigned n, struct str key)
{
	while (n > 0)
		if (str_eq(items[--n].key, key))
			return true;
	return false;
}

void
private_set(const struct iq *iq)
{
	struct blob_item items[ELEMENTS_MAX];
	unsigned n = 0;

	for (const struct xml_node *e = iq->node->children; e; e = e->next, n++) {
		struct str key = key_of(iq, e);

		if (n == ELEMENTS_MAX || !is_acceptable(e) || is_there(items, n, key)) {
			iq_error(iq, SE_NOT_ACCEPTABLE);
			return;
		}
		items[n] = (struct blob_item){.key = key, .data = xml_node_raw(iq->arena, e)};
	}
	if (n)
		blob_put(iq, BLOB_PRIVATE, items, n);
	else
		iq_error(iq, SE_NOT_ACCEPTABLE);
}
