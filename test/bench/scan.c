/* A scanner for XMPP streams that keeps no tree: it counts depth, so each byte is looked at once, and finds things in
 * a finished element by searching. That is enough as servers may send neither comments nor processing instructions
 * (RFC 6120, 11.1) and escape '<' and '>' of texts. A CDATA section would be BROKEN: a failed run, not a wrong one. */
#include "scan.h"

#include <string.h>

/* The tag [s->tag, s->pos) is complete. */
static enum scan_event
end_tag(struct scan *s, const struct bytes *b, struct slice *element_r)
{
	const char *tag = b->p + s->tag;
	bool closing = tag[1] == '/', empty = b->p[s->pos - 2] == '/';

	*element_r = (struct slice){b->p + s->start, s->pos - s->start};
	if (tag[1] == '?')
		return SCAN_MORE;
	if (tag[1] == '!')
		return SCAN_BROKEN;
	if (closing) {
		if (s->depth == 0)
			return SCAN_BROKEN;
		s->depth--;
		return s->depth == 1 ? SCAN_STANZA : s->depth == 0 ? SCAN_CLOSED : SCAN_MORE;
	}
	if (empty)
		return s->depth == 1 ? SCAN_STANZA : SCAN_MORE;
	return s->depth++ == 0 ? SCAN_OPENED : SCAN_MORE;
}

/* True if the '>' of the tag under way has come. */
static bool
skip_tag(struct scan *s, const struct bytes *b)
{
	while (s->pos < b->len) {
		char c = b->p[s->pos++];
		if (s->quote)
			s->quote = c == s->quote ? 0 : s->quote;
		else if (c == '>')
			return true;
		else if (c == '\'' || c == '"')
			s->quote = c;
	}
	return false;
}

static bool
skip_text(struct scan *s, const struct bytes *b)
{
	const char *found = s->pos < b->len ? memchr(b->p + s->pos, '<', b->len - s->pos) : NULL;

	s->pos = found ? (size_t)(found - b->p) + 1 : b->len;
	if (!found)
		return false;
	s->tag = s->pos - 1;
	s->in_tag = true;
	if (s->depth <= 1)
		s->start = s->tag;
	return true;
}

enum scan_event
scan_next(struct scan *s, const struct bytes *b, struct slice *element_r)
{
	for (;;) {
		if (!s->in_tag && !skip_text(s, b))
			return SCAN_MORE;
		if (!skip_tag(s, b))
			return SCAN_MORE;
		s->in_tag = false;
		enum scan_event e = end_tag(s, b, element_r);
		if (e != SCAN_MORE)
			return e;
	}
}

size_t
scan_forget(struct scan *s)
{
	size_t n = s->depth > 1 || s->in_tag ? s->start : s->pos;

	s->pos -= n;
	s->start -= s->start > n ? n : s->start;
	s->tag -= s->tag > n ? n : s->tag;
	return n;
}

struct slice
element_name(struct slice element)
{
	size_t n = 1;

	while (n < element.len && !strchr(" \t\r\n/>", element.p[n]))
		n++;
	return (struct slice){element.p + 1, n - 1};
}

static size_t
find(struct slice s, size_t from, char c)
{
	const char *found = from < s.len ? memchr(s.p + from, c, s.len - from) : NULL;

	return found ? (size_t)(found - s.p) : s.len;
}

struct slice
element_attribute(struct slice element, const char *name)
{
	size_t i = element_name(element).len + 1;

	for (;;) {
		while (i < element.len && strchr(" \t\r\n", element.p[i]))
			i++;
		if (i >= element.len || element.p[i] == '>' || element.p[i] == '/')
			return (struct slice){0};
		size_t eq = find(element, i, '=');
		if (eq + 2 >= element.len)
			return (struct slice){0};
		size_t end = find(element, eq + 2, element.p[eq + 1]);
		if (slice_is((struct slice){element.p + i, eq - i}, name))
			return (struct slice){element.p + eq + 2, end - eq - 2};
		i = end + 1;
	}
}

struct slice
element_text(struct slice element, const char *child)
{
	size_t n = strlen(child);

	for (size_t i = 0; i + n + 1 < element.len; i++) {
		i = find(element, i, '<');
		if (i + n + 1 >= element.len || memcmp(element.p + i + 1, child, n) != 0 ||
		    !strchr(" >", element.p[i + n + 1]))
			continue;
		size_t from = find(element, i, '>') + 1;
		return (struct slice){element.p + from, find(element, from, '<') - from};
	}
	return (struct slice){0};
}
