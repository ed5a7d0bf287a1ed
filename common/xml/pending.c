/* Markup that is not complete. libxml2 looks at a start tag only when it has all of it, goes over the whole tag
 * again with every piece that comes, and then compares the attributes pair by pair. So a long one is kept
 * here until its end is in sight, and its attributes are counted meanwhile. What can never be legal is not
 * waited for. */
#include <string.h>

#include "xml/internal.h"

#define LONG_TAG 2048u

/* Counts attributes (each has one '=' outside quotes) up to and with the byte that ends the tag: its '>', or
 * a '<', which is an error anywhere in it. Returns how many bytes that is, *ended_r whether it was there. */
static size_t
tag_scan(struct xml_reader *r, struct str s, bool *ended_r)
{
	*ended_r = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '<' || (c == '>' && !r->tag_quote)) {
			*ended_r = true;
			return i + 1;
		}
		if (r->tag_quote)
			r->tag_quote = c == r->tag_quote ? 0 : r->tag_quote;
		else if (c == '\'' || c == '"')
			r->tag_quote = c;
		else if (c == '=')
			r->tag_attributes++;
	}
	return s.n;
}

static void
check_attributes(struct xml_reader *r)
{
	if (r->tag_attributes > r->limits.attributes)
		reader_fail(r, XML_TOO_COMPLEX);
}

static void
long_tag_begin(struct xml_reader *r, struct str tag)
{
	r->tag_attributes = 0;
	r->tag_quote = 0;
	tag_scan(r, str_from(tag, 1), &(bool){false});
	r->in_long_tag = true;
	check_attributes(r);
}

/* A bare ampersand: libxml2 would wait for a semicolon, and the peer for an answer. */
static enum xml_error
judge_reference(struct str s)
{
	for (size_t i = 1; i < s.n && s.p[i] != ';'; i++)
		if (str_find(S("<>&'\" \t\r\n"), s.p[i]) < 9)
			return XML_NOT_WELL_FORMED;
	return s.n < LONG_TAG ? XML_OK : XML_RESTRICTED;
}

static enum xml_error
judge_markup(struct str s)
{
	if (s.n < 3)
		return XML_OK;
	if (s.p[1] == '?' || (s.p[1] == '!' && s.p[2] != '['))
		return XML_RESTRICTED;
	return s.n >= LONG_TAG && s.p[1] == '/' ? XML_NOT_WELL_FORMED : XML_OK;
}

void
pending_watch(struct xml_reader *r)
{
	struct str s = xml_parser_pending(r->tools.parser);
	enum xml_error error = XML_OK;
	if (s.n == 0 || r->in_long_tag)
		return;
	if (s.p[0] == '&')
		error = judge_reference(s);
	else if (s.p[0] == '<')
		error = judge_markup(s);
	else if (r->depth == 1 && !str_empty(str_trim(s)))
		error = XML_NOT_WELL_FORMED;
	if (error)
		reader_fail(r, error);
	else if (s.n >= LONG_TAG && s.p[0] == '<' && s.p[1] != '!')
		long_tag_begin(r, s);
}

size_t
pending_feed(struct xml_reader *r, struct str bytes)
{
	bool ended;
	size_t n = tag_scan(r, bytes, &ended);
	buf_add(&r->long_tag, bytes.p, n);
	check_attributes(r);
	if (r->error)
		return n;
	if (r->fed + buf_len(&r->long_tag) - r->element_start > r->limits.bytes) {
		reader_fail(r, XML_TOO_BIG);
	} else if (ended) {
		reader_feed_parser(r, buf_str(&r->long_tag));
		r->in_long_tag = false;
		buf_deinit(&r->long_tag);
	}
	return n;
}
