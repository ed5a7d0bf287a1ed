/* The one form in which each character is written. In text only what must be escaped is: `&`, `<`, `>` (for
 * the sake of "]]>") and CR, which a parser would turn into LF. In attributes also both quotes and all white
 * space that a parser would turn into spaces. */
#include "xml/escape.h"

#include <string.h>

#include "xml/writer.h"

enum mode {
	IN_TEXT = 1,
	IN_ATTR = 2,
};

/* Which bytes are not written as they are, by mode. */
static const uint8_t special[256] = {
    ['&'] = IN_TEXT | IN_ATTR,
    ['<'] = IN_TEXT | IN_ATTR,
    ['>'] = IN_TEXT | IN_ATTR,
    ['\r'] = IN_TEXT | IN_ATTR,
    ['\n'] = IN_ATTR,
    ['\t'] = IN_ATTR,
    ['\''] = IN_ATTR,
    ['"'] = IN_ATTR,
};

static struct str
escape_of(char c)
{
	switch (c) {
	case '&':
		return S("&amp;");
	case '<':
		return S("&lt;");
	case '>':
		return S("&gt;");
	case '\'':
		return S("&apos;");
	case '"':
		return S("&quot;");
	case '\r':
		return S("&#13;");
	case '\n':
		return S("&#10;");
	default:
		return S("&#9;");
	}
}

#define BLOCK 16

/* Sixteen bytes at a time, with the compilers' vectors. */
static bool
block_is_plain(const char *p)
{
	typedef uint8_t block __attribute__((vector_size(BLOCK)));
	block c;
	uint64_t odd[2];
	memcpy(&c, p, BLOCK);
	block hits = (block)(c < 0x20) | (block)(c > 0x7E) | (block)(c == '&') | (block)(c == '<') |
	    (block)(c == '>') | (block)(c == '\'') | (block)(c == '"');
	memcpy(odd, &hits, BLOCK);
	return (odd[0] | odd[1]) == 0;
}

/* Bytes at the start of s that need no look, in whole blocks: ASCII without anything special in any mode. */
static size_t
plain_len(struct str s)
{
	size_t i = 0;
	while (s.n - i >= BLOCK && block_is_plain(s.p + i))
		i += BLOCK;
	return i;
}

static void
escape(struct buf *out, struct str s, enum mode mode)
{
	size_t from = 0;
	for (size_t i = plain_len(s); i < s.n; i++) {
		if (!(special[(unsigned char)s.p[i]] & mode))
			continue;
		buf_add(out, s.p + from, i - from);
		buf_add_str(out, escape_of(s.p[i]));
		from = i + 1;
	}
	if (s.n > from)
		buf_add(out, s.p + from, s.n - from);
}

/* Bytes of the character at the start of s; 0 when XML 1.0 (§2.2) has no such character. */
static size_t
xml_char_len(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	if (c < 0x80)
		return 1;
	if (c == 0xEF && s.n >= 3 && memcmp(s.p, "\xEF\xBF", 2) == 0 && (unsigned char)s.p[2] >= 0xBE)
		return 0; /* U+FFFE, U+FFFF */
	return str_utf8_len(s);
}

static void
escape_any(struct buf *out, struct str s, enum mode mode)
{
	size_t from = 0, i = plain_len(s), n;
	for (; i < s.n; i += n ? n : 1) {
		n = xml_char_len(str_of(s.p + i, s.n - i));
		if (n == 0) {
			escape(out, str_of(s.p + from, i - from), mode);
			from = i + 1;
		}
	}
	escape(out, str_from(s, from), mode);
}

void
escape_text(struct buf *out, struct str s)
{
	escape(out, s, IN_TEXT);
}

void
escape_attr(struct buf *out, struct str s)
{
	escape(out, s, IN_ATTR);
}

void
escape_any_text(struct buf *out, struct str s)
{
	escape_any(out, s, IN_TEXT);
}

void
escape_any_attr(struct buf *out, struct str s)
{
	escape_any(out, s, IN_ATTR);
}

void
xml_escape(struct buf *out, struct str text)
{
	escape_any_attr(out, text);
}
