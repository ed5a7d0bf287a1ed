/* See bodies.h. */
#include "xml/bodies.h"

#include <string.h>

#include "base/mem.h"

struct scan {
	struct str rest;
	size_t depth;
	bool in_body; /* the top-level element at hand is one */
};

/* ---- text ---- */

/* What escape.c writes in text; anything else stays as it is. */
static const struct {
	struct str name;
	char c;
} references[] = {
    {{"&amp;", 5}, '&'},
    {{"&lt;", 4}, '<'},
    {{"&gt;", 4}, '>'},
    {{"&#13;", 5}, '\r'},
};

/* Bytes of the reference at the start of s, and what it means; 0: it is none. */
static size_t
reference_at(struct str s, char *c_r)
{
	for (size_t i = 0; i < COUNT(references); i++)
		if (str_starts(s, references[i].name)) {
			*c_r = references[i].c;
			return references[i].name.n;
		}
	return 0;
}

static void
add_text(struct buf *out, struct str text)
{
	while (text.n > 0) {
		const char *amp = memchr(text.p, '&', text.n);
		size_t n = amp ? (size_t)(amp - text.p) : text.n;
		char c = '&';

		buf_add(out, text.p, n);
		text = str_from(text, n);
		if (text.n == 0)
			break;
		n = reference_at(text, &c);
		buf_add_c(out, c);
		text = str_from(text, n ? n : 1);
	}
}

/* ---- tags ---- */

/* A start tag without its brackets: is it a body in the implied namespace? */
static bool
is_body(struct str tag)
{
	struct str behind = str_from(tag, 4);

	if (!str_starts(tag, S("body")) || str_starts(behind, S(" xmlns='")))
		return false;
	return behind.n == 0 || behind.p[0] == ' ' || behind.p[0] == '/';
}

static void
take_tag(struct scan *s, struct buf *out, struct str tag)
{
	if (str_starts(tag, S("/"))) {
		s->depth -= s->depth > 0;
		if (s->depth == 0 && s->in_body) {
			buf_add_c(out, ' ');
			s->in_body = false;
		}
		return;
	}
	if (str_ends(tag, S("/")))
		return;
	if (s->depth++ == 0)
		s->in_body = is_body(tag);
}

/* Up to this byte, which is taken too; everything when it does not come. */
static struct str
take_until(struct scan *s, char c)
{
	const char *at = s->rest.n ? memchr(s->rest.p, c, s->rest.n) : NULL;
	struct str piece = at ? str_of(s->rest.p, (size_t)(at - s->rest.p)) : s->rest;

	s->rest = str_from(s->rest, piece.n + (at != NULL));
	return piece;
}

void
xml_bodies(struct buf *out, struct str payload)
{
	struct scan s = {.rest = payload};

	while (s.rest.n > 0) {
		struct str text = take_until(&s, '<');

		if (s.in_body && s.depth == 1)
			add_text(out, text);
		if (s.rest.n > 0)
			take_tag(&s, out, take_until(&s, '>'));
	}
}
