/* What is looked at in a settings file before libconfuse sees it. Comments become blanks: it counts the lines of some of them more
 * than once, and then every error names a wrong line. And what it would take in silence is refused here: a quote or a bracket that
 * nothing closes, values from the environment, numeric escapes (one of a NUL cuts the text short), sections without a name.
 *
 * The text is walked token by token; the grammar itself is libconfuse's business. */
#include <string.h>

#include "service/settings_private.h"

#define DEPTH_MAX 2 /* a list in a section */
#define NOT_REPLACED \
	"${...} is not replaced here; write the value, in single quotes if it is meant so"

struct walk {
	char *p;
	int line;
	unsigned depth;
	int opened[DEPTH_MAX]; /* the lines of the open brackets */
	bool empty_name;       /* the last token was "" */
	struct settings_fault *fault;
};

static int
walk_fail(struct walk *w, int line, const char *what)
{
	w->fault->line = line;
	w->fault->what = what;
	return -1;
}

/* ---- comments ---- */

static size_t
comment_length(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return 0;
	end = strstr(p + 2, "*/");
	return end ? (size_t)(end - p) + 2 : strlen(p);
}

static int
walk_comment(struct walk *w, size_t n)
{
	int line = w->line;
	bool open = w->p[1] == '*' && (n < 4 || memcmp(w->p + n - 2, "*/", 2) != 0);

	for (; n > 0; n--, w->p++) {
		if (*w->p == '\n')
			w->line++;
		else
			*w->p = ' ';
	}
	return open ? walk_fail(w, line, "this comment is never closed; add */") : 0;
}

/* ---- texts ---- */

static int
check_escape(struct walk *w, char quote)
{
	char c = w->p[1];

	if (c == 0 || c == '\n')
		return walk_fail(
		    w, w->line, "a backslash must not end the line; write the text in one line");
	if (quote == '"' && ((c >= '0' && c <= '9') || c == 'x'))
		return walk_fail(
		    w, w->line, "numeric escapes are not understood; write the character itself");
	return 0;
}

static int
walk_quoted(struct walk *w)
{
	const char quote = *w->p++, *begin = w->p;

	for (; *w->p != quote; w->p++) {
		if (*w->p == 0 || *w->p == '\n')
			return walk_fail(
			    w, w->line, "this quote is not closed in its line; add the second one");
		if (quote == '"' && w->p[0] == '$' && w->p[1] == '{')
			return walk_fail(w, w->line, NOT_REPLACED);
		if (*w->p != '\\')
			continue;
		if (check_escape(w, quote) != 0)
			return -1;
		w->p++;
	}
	w->empty_name = w->p++ == begin;
	return 0;
}

/* ---- everything else ---- */

static int
walk_bracket(struct walk *w)
{
	if (*w->p == '}' && w->depth == 0)
		return walk_fail(w, w->line, "this } closes nothing; remove it");
	if (*w->p == '}') {
		w->depth--;
		return 0;
	}
	if (w->empty_name)
		return walk_fail(w, w->line, "a section needs a name between its quotes");
	if (w->depth == DEPTH_MAX)
		return walk_fail(w, w->line, "this { is one too deep; is a } missing before it?");
	w->opened[w->depth++] = w->line;
	return 0;
}

static int
walk_other(struct walk *w)
{
	unsigned char c = (unsigned char)*w->p;
	int rc = 0;

	if (c == '$' && w->p[1] == '{')
		rc = walk_fail(w, w->line, NOT_REPLACED);
	else if (c == '(' || c == ')')
		rc = walk_fail(w, w->line, "there are no ( and ) here; put texts into quotes");
	else if (c == '+' && w->p[1] != '=') /* libconfuse passes over it */
		rc = walk_fail(w, w->line, "a + is for += only; put texts into quotes");
	else if ((c < ' ' && !strchr("\t\r\n", c)) || c == 127)
		rc = walk_fail(w, w->line, "there is a control character; remove it");
	else if (c == '{' || c == '}')
		rc = walk_bracket(w);
	if (c == '\n')
		w->line++;
	if (!strchr(" \t\r\n", c))
		w->empty_name = false;
	w->p++;
	return rc;
}

static bool
begins_token(const char *text, const char *p)
{
	return p == text || strchr(" \t\r\n={}(),+\"'", p[-1]) != NULL;
}

int
settings_text_prepare(char *text, struct settings_fault *fault_r)
{
	struct walk w = {.p = text, .line = 1, .fault = fault_r};
	int rc = 0;

	while (*w.p && rc == 0) {
		size_t comment = begins_token(text, w.p) ? comment_length(w.p) : 0;

		if (comment)
			rc = walk_comment(&w, comment);
		else if (*w.p == '"' || *w.p == '\'')
			rc = walk_quoted(&w);
		else
			rc = walk_other(&w);
	}
	if (rc == 0 && w.depth > 0)
		rc = walk_fail(&w, w.opened[w.depth - 1], "this { is never closed; add a }");
	return rc;
}
