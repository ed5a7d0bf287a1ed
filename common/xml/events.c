/* What the parser reports, made into top-level elements: limits counted, attributes of the top-level element
 * kept, facts found, the payload handed to canon.c. Depth counts open elements: 0 before the root, 1 between
 * top-level elements, 2 directly in one. */
#include "base/mem.h"
#include "base/stanza.h"
#include "xml/facts.h"
#include "xml/internal.h"

/* Escapes and declarations make canonical bytes longer than what was sent; by more than this only in attacks
 * (a long namespace bound once to a prefix and used a thousand times). */
#define PAYLOAD_FACTOR 2

static bool
is_blank(struct str s)
{
	return str_empty(str_trim(s));
}

static bool
count_names(struct xml_reader *r)
{
	size_t used = xml_parser_names(r->tools.parser) - r->names_before;
	if (used > r->names_used)
		r->names_used = used;
	return used <= r->limits.dict_bytes;
}

bool
reader_may_start(struct xml_reader *r, size_t attributes)
{
	if (r->error || r->is_priming)
		return !r->error;
	if (r->depth > 0)
		r->elements++;
	if (attributes > r->limits.attributes || r->depth > r->limits.depth ||
	    r->elements > r->limits.elements || !count_names(r)) {
		reader_fail(r, XML_TOO_COMPLEX);
		return false;
	}
	return true;
}

static void
check_payload(struct xml_reader *r)
{
	if (buf_len(&r->tools.payload) / PAYLOAD_FACTOR > r->limits.bytes)
		reader_fail(r, XML_TOO_BIG);
}

/* The position is before the tag's '>' while its callback runs, so one byte more is used up. */
static void
root_begin(struct xml_reader *r, const struct xml_tag *t)
{
	struct buf primer = {0};
	struct xml_element e = {
	    .ns = t->ns, .name = t->name, .attrs = t->attrs, .n_attrs = t->n_attrs};
	for (size_t i = 0; i < t->n_decls; i++)
		if (str_empty(t->decls[i].prefix))
			e.default_ns = t->decls[i].ns;
	canon_primer(&primer, t);
	r->primer = buf_str(&primer);
	r->element_start = xml_parser_position(r->tools.parser) + 1;
	if (!r->events->open(r->ctx, &e)) {
		reader_fail(r, XML_STOPPED);
		r->stop_left -= r->stop_left > 0;
	}
}

static void
keep_attrs(struct xml_reader *r, const struct xml_tag *t)
{
	size_t n = 0;
	if (t->n_attrs > r->tools.attrs_cap) {
		r->tools.attrs_cap = t->n_attrs + 8;
		r->tools.attrs =
		    mem_grow(r->tools.attrs, r->tools.attrs_cap * sizeof(*r->tools.attrs));
	}
	for (size_t i = 0; i < t->n_attrs; i++)
		n += t->attrs[i].value.n;
	buf_clear(&r->tools.values);
	buf_reserve(&r->tools.values, n + 1); /* all of it now: the values must not move */
	for (size_t i = 0; i < t->n_attrs; i++) {
		struct str v = t->attrs[i].value;
		r->tools.attrs[i] = t->attrs[i];
		r->tools.attrs[i].value = str_of(r->tools.values.data + r->tools.values.end, v.n);
		buf_add_str(&r->tools.values, v);
	}
}

static void
top_begin(struct xml_reader *r, const struct xml_tag *t)
{
	if (t->n_attrs > 0)
		keep_attrs(r, t);
	buf_clear(&r->tools.payload);
	r->top = (struct xml_element){
	    .ns = t->ns, .name = t->name, .attrs = r->tools.attrs, .n_attrs = t->n_attrs};
	r->in_body = false;
	r->priority_at = 0;
	canon_begin(r, t);
}

static void
child_begin(struct xml_reader *r, const struct xml_tag *t)
{
	bool direct = r->depth == 2, of_stream = str_eq(t->ns, r->implied);
	canon_start(r, t);
	if (of_stream || !str_empty(t->ns))
		r->top.facts |=
		    facts_of_element(of_stream ? (struct str){0} : t->ns, t->name, direct);
	if (!direct)
		return;
	if (r->top.n_children++ == 0) {
		r->top.child_ns = t->ns;
		r->top.child_name = t->name;
	}
	r->in_body = of_stream && str_is(t->name, "body");
	/* Its text begins behind the '>' that is still to be written. */
	r->priority_at =
	    of_stream && str_is(t->name, "priority") ? buf_len(&r->tools.payload) + 1 : 0;
}

void
reader_on_start(struct xml_reader *r, const struct xml_tag *t)
{
	if (!r->is_priming) {
		if (r->depth == 0)
			root_begin(r, t);
		else if (r->depth == 1)
			top_begin(r, t);
		else
			child_begin(r, t);
		check_payload(r);
	}
	r->depth++;
}

/* A number from -128 to 127 (RFC 6121 §4.7.2.3); what is beyond is cut to that, what is none is 0. */
static int
parse_priority(struct str s)
{
	uint64_t v;
	s = str_trim(s);
	bool negative = str_starts(s, S("-"));
	if (negative || str_starts(s, S("+")))
		s = str_from(s, 1);
	if (!str_u64(s, &v))
		return 0;
	int limit = negative ? 128 : 127;
	int value = v > (uint64_t)limit ? limit : (int)v;
	return negative ? -value : value;
}

static void
child_end(struct xml_reader *r, struct str name)
{
	if (r->depth == 2) {
		if (r->priority_at > 0 && !r->tag_is_open)
			r->top.priority =
			    parse_priority(str_from(buf_str(&r->tools.payload), r->priority_at));
		r->priority_at = 0;
		r->in_body = false;
	}
	canon_end(r, name);
	check_payload(r);
}

static void
top_end(struct xml_reader *r)
{
	size_t end = xml_parser_position(r->tools.parser);
	if (end - r->element_start > r->limits.bytes) {
		reader_fail(r, XML_TOO_BIG);
		return;
	}
	canon_end_start_tag(r);
	r->top.payload = buf_str(&r->tools.payload);
	r->element_start = end;
	r->elements = 0;
	if (!r->events->element(r->ctx, &r->top))
		reader_fail(r, XML_STOPPED);
}

void
reader_on_end(struct xml_reader *r, struct str name)
{
	if (r->error)
		return;
	r->depth--;
	if (r->depth >= 2)
		child_end(r, name);
	else if (r->depth == 1)
		top_end(r);
	else if (!r->events->close(r->ctx))
		reader_fail(r, XML_STOPPED);
}

void
reader_on_text(struct xml_reader *r, struct str text)
{
	if (r->error)
		return;
	if (r->depth < 2) {
		if (!is_blank(text))
			reader_fail(r, XML_NOT_WELL_FORMED);
		else
			r->element_start = xml_parser_position(r->tools.parser);
		return;
	}
	canon_text(r, text);
	if (r->depth == 2 && !r->top.has_text)
		r->top.has_text = !is_blank(text);
	if (r->depth == 3 && r->in_body)
		r->top.facts |= FACT_BODY;
	check_payload(r);
}
