/* What is taken out of a settings file before libconfuse sees it: comments. It counts the lines of some of them more than once,
 * and then every error names a wrong line. */
#include <string.h>

#include "service/settings_private.h"

static size_t
comment_length(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return 0;
	end = strstr(p + 2, "*/");
	/* One without an end is left for libconfuse to complain of. */
	return end ? (size_t)(end - p) + 2 : 0;
}

/* Up to and with the closing quote. */
static size_t
quoted_length(const char *p)
{
	size_t n = 1;

	while (p[n] && p[n] != p[0])
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return p[n] ? n + 1 : n;
}

static bool
begins_token(const char *text, const char *p)
{
	return p == text || strchr(" \t\r\n={}(),+\"'", p[-1]) != NULL;
}

void
settings_blank_comments(char *text)
{
	for (char *p = text; *p;) {
		size_t n = *p == '"' || *p == '\'' ? quoted_length(p) : 1;
		size_t comment = begins_token(text, p) ? comment_length(p) : 0;

		for (size_t i = 0; i < comment; i++)
			if (p[i] != '\n')
				p[i] = ' ';
		p += comment ? comment : n;
	}
}
