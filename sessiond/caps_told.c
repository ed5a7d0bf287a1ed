/* What others say of the server and of accounts (nested.h), such that nobody takes the whole answer for ill-formed: XEP-0030 §3.1,
 * XEP-0115 §5.4. */
#include "caps.h"

#include <string.h>

#include "nested.h"

/* Written as in an escaped text: with it the string of XEP-0115 would be ambiguous. */
static bool
has_less_than(const struct xml_node *n)
{
	return memmem(n->slice.p, n->slice.n, "&lt;", 4) != NULL;
}

/* NULL: there is none that is hidden and has one value. */
static const struct xml_node *
form_type(const struct xml_node *x)
{
	for (const struct xml_node *f = x->children; f; f = f->next) {
		if (!str_is(xml_node_attr(f, "var", NULL), "FORM_TYPE"))
			continue;
		return str_is(xml_node_attr(f, "type", NULL), "hidden") && f->children &&
			!f->children->next
		    ? xml_child(f, "jabber:x:data", "value")
		    : NULL;
	}
	return NULL;
}

/* By two keys; of a form the second one is empty. */
static void
add(struct told *t, const struct xml_node *n, struct str first, struct str second)
{
	bool is_new = !str_empty(first) && t->n < TOLD_MAX && !has_less_than(n);

	for (unsigned i = 0; i < t->n && is_new; i++)
		is_new = !str_eq(t->v[i].first, first) || !str_eq(t->v[i].second, second);
	if (is_new)
		t->v[t->n++] = (struct told_one){.node = n, .first = first, .second = second};
}

static void
add_identity(void *told, const struct xml_node *n)
{
	struct str type = xml_node_attr(n, "type", NULL);

	if (!str_empty(type))
		add(told, n, xml_node_attr(n, "category", NULL), type);
}

static void
add_form(void *told, const struct xml_node *x)
{
	const struct xml_node *type = form_type(x);

	if (type)
		add(told, x, type->text, S(""));
}

void
caps_told_identities(struct told *t, const struct sessiond *sd, const struct account *a)
{
	t->n = 1;
	t->v[0] = a ? (struct told_one){NULL, S("account"), S("registered")}
		    : (struct told_one){NULL, S("server"), S("im")};
	nested_each(sd, a, "identity", add_identity, t);
}

void
caps_told_forms(struct told *t, const struct sessiond *sd, const struct account *a)
{
	t->n = 1;
	t->v[0] = (struct told_one){NULL, S(CAPS_SERVER_INFO), S("")};
	nested_each(sd, a, "x", add_form, t);
}
