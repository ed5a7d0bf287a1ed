/* The first bytes of a stream. XMPP knows only UTF-8 and XML 1.0 (RFC 6120 §11.6), and libxml2 would obey what
 * a declaration or a byte order mark says, so both are judged here before it sees them. Whether the
 * declaration is well-formed otherwise is left to the parser. */
#include <string.h>
#include <strings.h>

#include "xml/internal.h"

#define DECLARATION_MAX 256

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value of a pseudo-attribute in the text of a declaration; false when it is not there. */
static bool
declared(struct str *value_r, struct str text, struct str name)
{
	for (size_t i = 1; i + name.n < text.n; i++) {
		struct str rest = str_from(text, i);
		if (!is_blank(text.p[i - 1]) || !str_starts(rest, name))
			continue;
		rest = str_trim(str_from(rest, name.n));
		if (rest.n == 0 || rest.p[0] != '=')
			continue;
		rest = str_trim(str_from(rest, 1));
		if (rest.n == 0 || (rest.p[0] != '\'' && rest.p[0] != '"'))
			continue;
		struct str after;
		str_split(str_from(rest, 1), rest.p[0], value_r, &after);
		return true;
	}
	return false;
}

static enum head_verdict
judge_declaration(struct str text, enum xml_error *error_r)
{
	struct str v;
	*error_r = XML_NOT_WELL_FORMED;
	if (declared(&v, text, S("version")) && !str_is(v, "1.0"))
		return HEAD_BAD;
	*error_r = XML_UNSUPPORTED_ENCODING;
	if (declared(&v, text, S("encoding")) && (v.n != 5 || strncasecmp(v.p, "UTF-8", 5) != 0))
		return HEAD_BAD;
	return HEAD_OK;
}

/* UTF-16 and UTF-32, by mark or by the zero bytes around '<'. */
static bool
is_other_encoding(struct str head)
{
	unsigned char a = (unsigned char)head.p[0], b = head.n > 1 ? (unsigned char)head.p[1] : '<';
	return a == 0 || b == 0 || a >= 0xFE;
}

enum head_verdict
head_judge(struct str head, enum xml_error *error_r)
{
	const struct str begin = S("<?xml");
	if (head.n == 0)
		return HEAD_MORE;
	*error_r = is_other_encoding(head) ? XML_UNSUPPORTED_ENCODING : XML_NOT_WELL_FORMED;
	if (head.p[0] != '<' || *error_r == XML_UNSUPPORTED_ENCODING)
		return HEAD_BAD;
	size_t n = head.n < begin.n ? head.n : begin.n;
	if (memcmp(head.p, begin.p, n) != 0)
		return head.n < 2 ? HEAD_MORE : HEAD_OK;
	if (head.n <= begin.n)
		return HEAD_MORE;
	if (!is_blank(head.p[begin.n]))
		return HEAD_OK;
	const char *end = memmem(head.p, head.n, "?>", 2);
	if (end)
		return judge_declaration(
		    str_of(head.p + begin.n, (size_t)(end - head.p) - begin.n), error_r);
	return head.n < DECLARATION_MAX ? HEAD_MORE : HEAD_BAD;
}
