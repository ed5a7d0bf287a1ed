/* The serializer for what we say ourselves, in the same canonical form as the reader's output. A start tag
 * stays open until it is clear whether the element is empty. */
#include "xml/writer.h"

#include "base/mem.h"
#include "xml/escape.h"

void
xw_init(struct xml_writer *w, struct buf *out, struct str implied_ns)
{
	w->out = out;
	w->ns[0] = implied_ns;
	w->depth = 0;
	w->open = false;
}

static void
xw_end_start_tag(struct xml_writer *w)
{
	if (w->open)
		buf_add_c(w->out, '>');
	w->open = false;
}

void
xw_open(struct xml_writer *w, struct str ns, struct str name)
{
	struct str outer = w->ns[w->depth];
	if (w->depth + 1 >= XML_WRITER_DEPTH)
		bug("xml writer: too deep");
	xw_end_start_tag(w);
	w->depth++;
	w->ns[w->depth] = str_empty(ns) ? outer : ns;
	w->name[w->depth] = name;
	w->open = true;
	buf_add_c(w->out, '<');
	buf_add_str(w->out, name);
	if (!str_empty(ns) && !str_eq(ns, outer))
		xw_attr(w, "xmlns", ns);
}

void
xw_attr(struct xml_writer *w, const char *name, struct str value)
{
	if (!w->open)
		bug("xml writer: attribute %s behind content", name);
	buf_add_c(w->out, ' ');
	buf_add_z(w->out, name);
	buf_add(w->out, "='", 2);
	escape_any_attr(w->out, value);
	buf_add_c(w->out, '\'');
}

void
xw_attr_if(struct xml_writer *w, const char *name, struct str value)
{
	if (!str_empty(value))
		xw_attr(w, name, value);
}

void
xw_text(struct xml_writer *w, struct str text)
{
	bool was_open = w->open;
	if (str_empty(text))
		return;
	xw_end_start_tag(w);
	size_t before = buf_len(w->out);
	escape_any_text(w->out, text);
	if (was_open && buf_len(w->out) == before) {
		/* Not one character of it was allowed: the element may still turn out empty. */
		w->out->end--;
		w->open = true;
	}
}

void
xw_raw(struct xml_writer *w, struct str canonical)
{
	if (str_empty(canonical))
		return;
	xw_end_start_tag(w);
	buf_add_str(w->out, canonical);
}

void
xw_close(struct xml_writer *w)
{
	if (w->depth == 0)
		bug("xml writer: nothing to close");
	if (w->open) {
		buf_add(w->out, "/>", 2);
	} else {
		buf_add(w->out, "</", 2);
		buf_add_str(w->out, w->name[w->depth]);
		buf_add_c(w->out, '>');
	}
	w->open = false;
	w->depth--;
}

void
xw_leaf(struct xml_writer *w, struct str ns, const char *name, struct str text)
{
	xw_open(w, ns, str_z(name));
	xw_text(w, text);
	xw_close(w);
}
