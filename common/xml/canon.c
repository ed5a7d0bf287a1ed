/* The canonical form (DESIGN.md §2), written while the parser runs. An element's own prefix is dropped and its
 * namespace declared where it differs from the parent's; the implied namespace stays undeclared while every
 * ancestor has it. Attributes keep their order; those in a namespace get ns1, ns2 … in order of first use,
 * declared on the element itself. An empty element is `<x/>`. So the form depends on nothing but the
 * content, and reading and writing it again gives the same bytes. */
#include "base/buf.h"
#include "base/mem.h"
#include "xml/escape.h"
#include "xml/internal.h"

#define NS_CLIENT S("jabber:client")

static struct xml_level *
level_at(struct xml_reader *r, size_t depth)
{
	if (depth >= r->tools.levels_cap) {
		r->tools.levels_cap = depth + 8;
		r->tools.levels =
		    mem_grow(r->tools.levels, r->tools.levels_cap * sizeof(*r->tools.levels));
	}
	return &r->tools.levels[depth];
}

void
canon_begin(struct xml_reader *r, const struct xml_tag *top)
{
	bool implied = str_eq(top->ns, r->implied);
	*level_at(r, r->depth + 1) =
	    (struct xml_level){.ns = top->ns, .implied = implied, .unseen = !implied};
	r->tag_is_open = false;
}

void
canon_end_start_tag(struct xml_reader *r)
{
	if (r->tag_is_open)
		buf_add_c(&r->tools.payload, '>');
	r->tag_is_open = false;
}

static void
write_attr(struct buf *out, struct str name, struct str value)
{
	buf_add_c(out, ' ');
	buf_add_str(out, name);
	buf_add(out, "='", 2);
	escape_attr(out, value);
	buf_add_c(out, '\'');
}

static bool
needs_prefix(const struct xml_attr *a)
{
	return !str_empty(a->ns) && !str_is(a->ns, XML_NS);
}

/* The number that attribute i's namespace gets, given those of the attributes before it; *next is the next
 * free one. */
static uint16_t
prefix_of(const struct xml_tag *t, const uint16_t *numbers, size_t i, uint16_t *next)
{
	for (size_t j = 0; j < i; j++)
		if (str_eq(t->attrs[j].ns, t->attrs[i].ns))
			return numbers[j];
	return (*next)++;
}

/* Declares the attributes' namespaces and returns each attribute's number. 0: no prefix. */
static const uint16_t *
declare_prefixes(struct xml_reader *r, const struct xml_tag *t)
{
	uint16_t next = 1;
	buf_clear(&r->tools.prefixes);
	uint16_t *numbers =
	    (uint16_t *)(void *)buf_reserve(&r->tools.prefixes, t->n_attrs * sizeof(*numbers));
	for (size_t i = 0; i < t->n_attrs; i++) {
		uint16_t fresh = next;
		numbers[i] = needs_prefix(&t->attrs[i]) ? prefix_of(t, numbers, i, &next) : 0;
		if (next == fresh)
			continue;
		buf_printf(&r->tools.payload, " xmlns:ns%u='", numbers[i]);
		escape_attr(&r->tools.payload, t->attrs[i].ns);
		buf_add_c(&r->tools.payload, '\'');
	}
	return numbers;
}

static void
write_attrs(struct xml_reader *r, const struct xml_tag *t)
{
	const uint16_t *numbers = NULL;
	for (size_t i = 0; i < t->n_attrs && !numbers; i++)
		if (needs_prefix(&t->attrs[i]))
			numbers = declare_prefixes(r, t);
	for (size_t i = 0; i < t->n_attrs; i++) {
		const struct xml_attr *a = &t->attrs[i];
		if (str_empty(a->ns)) {
			write_attr(&r->tools.payload, a->name, a->value);
			continue;
		}
		if (numbers && needs_prefix(a))
			buf_printf(&r->tools.payload, " ns%u:", numbers[i]);
		else
			buf_add_z(&r->tools.payload, " xml:");
		buf_add_str(&r->tools.payload, a->name);
		buf_add(&r->tools.payload, "='", 2);
		escape_attr(&r->tools.payload, a->value);
		buf_add_c(&r->tools.payload, '\'');
	}
}

/* A component's own namespace below a foreign element means what jabber:client means to everyone else: a
 * forwarded stanza. */
static struct str
namespace_as_written(const struct xml_reader *r, struct str ns)
{
	return r->implied_everywhere && str_eq(ns, r->implied) ? NS_CLIENT : ns;
}

void
canon_start(struct xml_reader *r, const struct xml_tag *t)
{
	struct xml_level *self = level_at(r, r->depth + 1), *parent = self - 1;
	bool implied = parent->implied && str_eq(t->ns, r->implied);
	*self = (struct xml_level){.ns = t->ns, .implied = implied};
	if (!implied)
		self->ns = namespace_as_written(r, t->ns);
	bool declare =
	    !implied && (parent->implied || parent->unseen || !str_eq(self->ns, parent->ns));
	canon_end_start_tag(r);
	size_t at = buf_len(&r->tools.payload);
	buf_add_c(&r->tools.payload, '<');
	buf_add_str(&r->tools.payload, t->name);
	if (declare)
		write_attr(&r->tools.payload, S("xmlns"), self->ns);
	if (t->n_attrs > 0)
		write_attrs(r, t);
	r->tag_is_open = true;
	if (r->tree)
		tree_on_start(r->tree, t, at, !implied && !declare);
}

void
canon_text(struct xml_reader *r, struct str text)
{
	canon_end_start_tag(r);
	escape_text(&r->tools.payload, text);
	if (r->tree)
		tree_on_text(r->tree, text);
}

void
canon_end(struct xml_reader *r, struct str name)
{
	if (r->tag_is_open) {
		buf_add(&r->tools.payload, "/>", 2);
	} else {
		buf_add(&r->tools.payload, "</", 2);
		buf_add_str(&r->tools.payload, name);
		buf_add_c(&r->tools.payload, '>');
	}
	r->tag_is_open = false;
	if (r->tree)
		tree_on_end(r->tree, buf_len(&r->tools.payload));
}

static void
write_qualified(struct buf *out, struct str prefix, struct str name)
{
	if (!str_empty(prefix)) {
		buf_add_str(out, prefix);
		buf_add_c(out, ':');
	}
	buf_add_str(out, name);
}

void
canon_primer(struct buf *out, const struct xml_tag *root)
{
	buf_add_c(out, '<');
	write_qualified(out, root->prefix, root->name);
	for (size_t i = 0; i < root->n_decls; i++) {
		const struct xml_decl *d = &root->decls[i];
		buf_add_z(out, str_empty(d->prefix) ? " xmlns" : " xmlns:");
		buf_add_str(out, d->prefix);
		buf_add(out, "='", 2);
		escape_attr(out, d->ns);
		buf_add_c(out, '\'');
	}
	buf_add_c(out, '>');
}
