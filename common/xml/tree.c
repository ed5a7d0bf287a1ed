/* A small tree of a payload, built while the same reader that edges use goes over it: the payload is wrapped
 * into a stream of one element. The reader's limits hold here too, since the edge that made the bytes may be
 * somebody else's by now. */
#include "xml/tree.h"

#include "base/mem.h"
#include "xml/escape.h"
#include "xml/internal.h"

#define TREE_ELEMENTS 16384
#define TREE_DEPTH 65 /* the wrapper, and what an edge allows */
#define TREE_ATTRIBUTES 128
#define TREE_NAMES (1024u * 1024u)

/* Character data comes in pieces and is joined when the element ends. */
struct text_piece {
	struct text_piece *next;
	struct str text;
};

struct tree_node {
	struct xml_node node;
	struct tree_node *parent, *last_child;
	struct text_piece *first_text, *last_text;
	size_t from;              /* of the slice, in the payload */
	struct tree_node *before; /* made before this one, anywhere */
};

struct tree_builder {
	struct arena *arena;
	struct tree_node *open; /* innermost; NULL outside */
	struct tree_node *newest;
	struct xml_node *first; /* top level */
	struct tree_node *last;
	unsigned payloads; /* complete wrappers: one, or somebody closed ours */
	struct str canonical;
};

static const struct xml_attr *
copy_attrs(struct arena *a, const struct xml_tag *t)
{
	if (t->n_attrs == 0)
		return NULL;
	struct xml_attr *attrs = arena_alloc(a, t->n_attrs * sizeof(*attrs));
	for (size_t i = 0; i < t->n_attrs; i++)
		attrs[i] = (struct xml_attr){.ns = arena_str(a, t->attrs[i].ns),
		    .name = arena_str(a, t->attrs[i].name),
		    .value = arena_str(a, t->attrs[i].value)};
	return attrs;
}

/* A child nearly always has its parent's namespace. */
static struct str
copy_ns(struct tree_builder *b, struct str ns)
{
	if (b->open && str_eq(ns, b->open->node.ns))
		return b->open->node.ns;
	return arena_str(b->arena, ns);
}

void
tree_on_start(struct tree_builder *b, const struct xml_tag *t, size_t at, bool inherits)
{
	struct tree_node *n = arena_alloc(b->arena, sizeof(*n));
	struct tree_node *elder = b->open ? b->open->last_child : b->last;
	n->node = (struct xml_node){.ns = copy_ns(b, t->ns),
	    .name = arena_str(b->arena, t->name),
	    .attrs = copy_attrs(b->arena, t),
	    .n_attrs = t->n_attrs,
	    .inherits = inherits};
	n->from = at;
	n->parent = b->open;
	n->before = b->newest;
	b->newest = n;
	if (elder)
		elder->node.next = &n->node;
	else if (b->open)
		b->open->node.children = &n->node;
	else
		b->first = &n->node;
	if (b->open)
		b->open->last_child = n;
	else
		b->last = n;
	b->open = n;
}

void
tree_on_text(struct tree_builder *b, struct str text)
{
	struct tree_node *n = b->open;
	if (!n)
		return;
	struct text_piece *piece = arena_alloc(b->arena, sizeof(*piece));
	piece->text = arena_str(b->arena, text);
	if (n->last_text)
		n->last_text->next = piece;
	else
		n->first_text = piece;
	n->last_text = piece;
}

static struct str
join_text(struct arena *a, const struct text_piece *first)
{
	size_t n = 0;
	if (!first)
		return (struct str){0};
	if (!first->next)
		return first->text;
	for (const struct text_piece *p = first; p; p = p->next)
		n += p->text.n;
	char *z = arena_alloc(a, n + 1);
	n = 0;
	for (const struct text_piece *p = first; p; p = p->next) {
		memcpy(z + n, p->text.p, p->text.n);
		n += p->text.n;
	}
	return str_of(z, n);
}

void
tree_on_end(struct tree_builder *b, size_t at)
{
	struct tree_node *n = b->open;
	n->node.text = join_text(b->arena, n->first_text);
	n->node.slice.n = at - n->from;
	b->open = n->parent;
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	(void)ctx;
	(void)root;
	return true;
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	struct tree_builder *b = ctx;
	b->canonical = arena_str(b->arena, e->payload);
	return ++b->payloads == 1;
}

static bool
on_close(void *ctx)
{
	(void)ctx;
	return false;
}

static bool
feed_payload(struct xml_reader *r, struct str payload, struct str implied_ns)
{
	struct buf header = {0};
	buf_add_z(&header, "<t xmlns='");
	escape_any_attr(&header, implied_ns);
	buf_add_z(&header, "'><t>");
	bool ok = xml_reader_feed(r, buf_str(&header), NULL) == XML_OK &&
	    xml_reader_feed(r, payload, NULL) == XML_OK &&
	    xml_reader_feed(r, S("</t>"), NULL) == XML_OK;
	buf_deinit(&header);
	return ok;
}

/* ---- what needs no parser ---- */

/* How many of the first bytes are letters, digits, or of these. */
static size_t
span(struct str s, const char *also)
{
	size_t n = 0;

	while (n < s.n && s.p[n] &&
	    ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= 'A' && s.p[n] <= 'Z') ||
		(s.p[n] >= '0' && s.p[n] <= '9') || strchr(also, s.p[n])))
		n++;
	return n;
}

/* One empty element that declares its namespace and nothing else, in plain letters, as most requests are:
 * <ping xmlns='urn:xmpp:ping'/>. libxml2 would need some microseconds for it. */
static bool
is_empty_element(struct str payload, struct str *name_r, struct str *ns_r)
{
	static const struct str open = {" xmlns='", 8}, close = {"'/>", 3};
	struct str rest = str_from(payload, 1);

	if (!str_starts(payload, S("<")) || rest.n == 0 || (rest.p[0] >= '0' && rest.p[0] <= '9'))
		return false;
	*name_r = str_of(rest.p, span(rest, "_"));
	rest = str_from(rest, name_r->n);
	if (name_r->n == 0 || !str_starts(rest, open))
		return false;
	rest = str_from(rest, open.n);
	*ns_r = str_of(rest.p, span(rest, ":/.#_-"));
	return ns_r->n > 0 && str_eq(str_from(rest, ns_r->n), close);
}

/* The namespaces of XML itself have rules of their own. */
static struct xml_node *
empty_element(struct arena *a, struct str payload, struct str implied_ns)
{
	struct str name, ns;
	struct xml_node *n;

	if (!is_empty_element(payload, &name, &ns) || str_eq(ns, implied_ns) ||
	    str_starts(ns, S("http://www.w3.org/")))
		return NULL;
	n = arena_alloc(a, sizeof(*n));
	*n = (struct xml_node){.slice = arena_str(a, payload)};
	n->name = str_of(n->slice.p + 1, name.n);
	n->ns = str_of(n->slice.p + (ns.p - payload.p), ns.n);
	return n;
}

static struct xml_limits
tree_limits(struct str payload, struct str implied_ns)
{
	return (struct xml_limits){.bytes = payload.n + implied_ns.n * 6 + 64,
	    .elements = TREE_ELEMENTS,
	    .depth = TREE_DEPTH,
	    .attributes = TREE_ATTRIBUTES,
	    .dict_bytes = TREE_NAMES};
}

struct xml_node *
xml_tree_parse(struct arena *a, struct str payload, struct str implied_ns)
{
	static const struct xml_events events = {
	    .open = on_open, .element = on_element, .close = on_close};
	struct tree_builder b = {.arena = a};
	struct xml_limits limits = tree_limits(payload, implied_ns);
	if (payload.n == 0)
		return NULL;
	struct xml_node *empty = empty_element(a, payload, implied_ns);
	if (empty)
		return empty;
	struct xml_reader *r = xml_reader_new(&events, &b, implied_ns, &limits);
	r->tree = &b;
	bool ok = feed_payload(r, payload, implied_ns) && b.payloads == 1;
	xml_reader_free(&r);
	if (!ok)
		return NULL;
	for (struct tree_node *n = b.newest; n; n = n->before)
		n->node.slice.p = b.canonical.p + n->from;
	return b.first;
}

static bool
on_facts(void *ctx, const struct xml_element *e)
{
	*(uint32_t *)ctx = e->facts;
	return true;
}

uint32_t
xml_payload_facts(struct str payload, struct str implied_ns)
{
	static const struct xml_events events = {
	    .open = on_open, .element = on_facts, .close = on_close};
	struct xml_limits limits = tree_limits(payload, implied_ns);
	uint32_t facts = 0;
	struct xml_reader *r = xml_reader_new(&events, &facts, implied_ns, &limits);
	bool ok = feed_payload(r, payload, implied_ns);
	xml_reader_free(&r);
	return ok ? facts : 0;
}

struct str
xml_node_raw(struct arena *a, const struct xml_node *n)
{
	if (!n->inherits)
		return n->slice;
	size_t head = 1 + n->name.n; /* "<name" */
	struct buf out = {0};
	buf_add(&out, n->slice.p, head);
	buf_add_z(&out, " xmlns='");
	escape_attr(&out, n->ns);
	buf_add_c(&out, '\'');
	buf_add_str(&out, str_from(n->slice, head));
	struct str raw = arena_str(a, buf_str(&out));
	buf_deinit(&out);
	return raw;
}

struct xml_node *
xml_find(struct xml_node *first, const char *ns, const char *name)
{
	for (struct xml_node *n = first; n; n = n->next)
		if (str_is(n->name, name) && str_is(n->ns, ns))
			return n;
	return NULL;
}

struct xml_node *
xml_child(const struct xml_node *parent, const char *ns, const char *name)
{
	return xml_find(parent->children, ns, name);
}

struct str
xml_node_attr(const struct xml_node *n, const char *name, bool *found_r)
{
	struct xml_element e = {.attrs = n->attrs, .n_attrs = n->n_attrs};
	return xml_element_attr(&e, (struct str){0}, name, found_r);
}
