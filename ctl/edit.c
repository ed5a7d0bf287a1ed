/* See edit.h. The file is cut into libconfuse's tokens; only those of the lists that are meant are touched.
 * Called by names.c and component.c with files that the settings parser has accepted. */
#include "edit.h"

#include <string.h>

enum token_kind {
	TOKEN_END,
	TOKEN_BLANK, /* white space and comments */
	TOKEN_COMMENT,
	TOKEN_WORD, /* a name or value; quotes not included in `value` */
	TOKEN_SIGN, /* = += { } ( ) , */
};

struct token {
	enum token_kind kind;
	size_t start, end; /* in the file */
	struct str value;
};

struct lexer {
	struct str text;
	size_t at;
};

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static size_t
comment_end(struct str text, size_t from)
{
	struct str rest = str_from(text, from);

	if (!str_starts(rest, S("/*")))
		return from + str_find(rest, '\n');
	const char *close = memmem(rest.p + 2, rest.n - 2, "*/", 2);
	return close ? from + (size_t)(close - rest.p) + 2 : text.n;
}

static size_t
quoted_end(struct str text, size_t from)
{
	size_t i = from + 1;

	while (i < text.n && text.p[i] != text.p[from])
		i += text.p[i] == '\\' ? 2 : 1;
	return i < text.n ? i + 1 : text.n;
}

static bool
is_comment(struct str rest)
{
	return str_starts(rest, S("#")) || str_starts(rest, S("//")) || str_starts(rest, S("/*"));
}

static size_t
word_end(struct str text, size_t from)
{
	size_t i = from;

	while (i < text.n && !is_one_of(text.p[i], " \t\r\n={}(),+#\"'"))
		i++;
	return i > from ? i : from + 1;
}

static struct token
next_raw(const struct lexer *lx)
{
	struct str rest = str_from(lx->text, lx->at);
	struct token t = {.kind = TOKEN_END, .start = lx->at, .end = lx->at};

	if (str_empty(rest) || !rest.p)
		return t;
	t.kind = TOKEN_WORD;
	if (is_comment(rest)) {
		t.kind = TOKEN_COMMENT;
		t.end = comment_end(lx->text, lx->at);
	} else if (is_one_of(rest.p[0], " \t\r\n")) {
		t.kind = TOKEN_BLANK;
		t.end++;
	} else if (is_one_of(rest.p[0], "\"'")) {
		t.end = quoted_end(lx->text, lx->at);
	} else if (is_one_of(rest.p[0], "={}(),") || str_starts(rest, S("+="))) {
		t.kind = TOKEN_SIGN;
		t.end += rest.p[0] == '+' ? 2 : 1;
	} else {
		t.end = word_end(lx->text, lx->at);
	}
	return t;
}

static struct token
next(struct lexer *lx)
{
	struct token t;

	do {
		t = next_raw(lx);
		lx->at = t.end;
	} while (t.kind == TOKEN_BLANK || t.kind == TOKEN_COMMENT);
	if (t.kind == TOKEN_END || !lx->text.p)
		return t;

	t.value = str_of(lx->text.p + t.start, t.end - t.start);
	bool is_quoted = t.value.n >= 2 && (t.value.p[0] == '"' || t.value.p[0] == '\'');
	if (t.kind == TOKEN_WORD && is_quoted)
		t.value = str_of(t.value.p + 1, t.value.n - 2);
	return t;
}

static bool
is_sign(const struct token *t, const char *sign)
{
	return t->kind == TOKEN_SIGN && str_is(t->value, sign);
}

enum list_kind {
	LIST_NONE,
	LIST_BRACES, /* the lexer stands behind the `{` */
	LIST_WORD,   /* `key = value`: a list of one; the lexer stands behind it */
};

/* Finds the next list of this name at the top level; *word_r is the value of a LIST_WORD. */
static enum list_kind
find_list(struct lexer *lx, const char *key, struct token *word_r)
{
	unsigned depth = 0;
	bool is_key = false,
	     is_value = false; /* the token before was the name; the equal sign behind it */

	for (struct token t = next(lx); t.kind != TOKEN_END; t = next(lx)) {
		if (is_value && is_sign(&t, "{"))
			return LIST_BRACES;
		if (is_value && t.kind == TOKEN_WORD) {
			*word_r = t;
			return LIST_WORD;
		}
		if (is_sign(&t, "{"))
			depth++;
		else if (is_sign(&t, "}") && depth > 0)
			depth--;
		is_value = is_key && (is_sign(&t, "=") || is_sign(&t, "+="));
		is_key = depth == 0 && t.kind == TOKEN_WORD && str_is(t.value, key);
	}
	return LIST_NONE;
}

static void
add_quoted(struct buf *out, struct str value)
{
	buf_add_c(out, '"');
	buf_add_str(out, value);
	buf_add_c(out, '"');
}

/* Behind the line `# key = …` of a sample file; the end of the file when there is none. */
static size_t
place_for_statement(struct str text, const char *key)
{
	for (size_t at = 0; at < text.n;) {
		size_t end = at + str_find(str_from(text, at), '\n');
		struct str line = str_trim(str_of(text.p + at, end - at));

		if (str_starts(line, S("#"))) {
			struct str name;

			line = str_from(line, 1);
			if (str_split(line, '=', &name, &line) && str_is(str_trim(name), key))
				return end < text.n ? end + 1 : text.n;
		}
		at = end + 1;
	}
	return text.n;
}

void
edit_add_statement(struct str text, const char *key, struct str statement, struct buf *out)
{
	size_t at = place_for_statement(text, key);

	buf_add(out, text.p, at);
	if (at > 0 && text.p[at - 1] != '\n')
		buf_add_c(out, '\n');
	buf_add_str(out, statement);
	buf_add_str(out, str_from(text, at));
}

static void
add_list(struct str text, const char *key, struct str value, struct buf *out)
{
	struct buf statement = {0};

	buf_printf(&statement, "%s = {", key);
	add_quoted(&statement, value);
	buf_add_z(&statement, "}\n");
	edit_add_statement(text, key, buf_str(&statement), out);
	buf_deinit(&statement);
}

/* Copies up to `to`, then goes on behind `behind`. */
static void
skip(struct str text, size_t *copied, size_t to, size_t behind, struct buf *out)
{
	buf_add(out, text.p + *copied, to - *copied);
	*copied = behind;
}

/* The last token before the `}` that the lexer stands in front of. */
static struct token
last_in_braces(struct lexer *lx)
{
	struct token last = {.kind = TOKEN_SIGN, .end = lx->at, .value = S("{")};

	for (struct token t = next(lx); t.kind != TOKEN_END && !is_sign(&t, "}"); t = next(lx))
		last = t;
	return last;
}

void
edit_list_add(struct str text, const char *key, struct str value, struct buf *out)
{
	struct lexer lx = {.text = text};
	enum list_kind kind = LIST_NONE;
	struct token last = {.kind = TOKEN_END}, word;
	size_t copied = 0;

	for (enum list_kind k; (k = find_list(&lx, key, &word)) != LIST_NONE; kind = k)
		last = k == LIST_BRACES ? last_in_braces(&lx) : word;
	if (kind == LIST_NONE) {
		add_list(text, key, value, out);
		return;
	}
	if (kind == LIST_WORD) {
		skip(text, &copied, last.start, last.start, out);
		buf_add_c(out, '{');
	}
	skip(text, &copied, last.end, last.end, out);
	if (last.kind == TOKEN_WORD)
		buf_add_z(out, ", ");
	else if (is_sign(&last, ","))
		buf_add_c(out, ' ');
	add_quoted(out, value);
	if (kind == LIST_WORD)
		buf_add_c(out, '}');
	buf_add_str(out, str_from(text, copied));
}

/* Behind the blanks that followed a removed word. */
static size_t
behind_blanks(struct str text, size_t at)
{
	while (at < text.n && text.p[at] == ' ')
		at++;
	return at;
}

/* What one edit_list_del works on. */
struct removal {
	struct lexer lx;
	size_t copied;
	struct buf *out;
	struct str value;
	edit_same_fn *same;
	unsigned n;
};

/* Between the braces: the words that are meant go, each with the comma behind it, the last one with the comma before. */
static void
remove_in_braces(struct removal *r)
{
	struct token before = {.kind = TOKEN_END}, t = next(&r->lx), after;

	while (t.kind != TOKEN_END && !is_sign(&t, "}")) {
		after = next(&r->lx);
		if (t.kind != TOKEN_WORD || !r->same(t.value, r->value)) {
			before = t;
			t = after;
			continue;
		}
		r->n++;
		bool has_comma_before = is_sign(&before, ",") && before.start >= r->copied;
		if (is_sign(&after, ",")) {
			size_t behind = behind_blanks(r->lx.text, after.end);
			skip(r->lx.text, &r->copied, t.start, behind, r->out);
			after = next(&r->lx);
		} else {
			size_t from = has_comma_before ? before.start : t.start;
			skip(r->lx.text, &r->copied, from, t.end, r->out);
		}
		t = after;
	}
}

unsigned
edit_list_del(
    struct str text, const char *key, struct str value, edit_same_fn *same, struct buf *out)
{
	struct removal r = {.lx = {.text = text}, .out = out, .value = value, .same = same};
	struct token word;

	for (enum list_kind k; (k = find_list(&r.lx, key, &word)) != LIST_NONE;) {
		if (k == LIST_BRACES) {
			remove_in_braces(&r);
		} else if (same(word.value, value)) {
			r.n++;
			skip(text, &r.copied, word.start, word.end, out);
			buf_add_z(out, "{}");
		}
	}
	buf_add_str(out, str_from(text, r.copied));
	return r.n;
}

/* ---- sections ---- */

/* In single quotes nothing is expanded. */
static void
add_literal(struct buf *out, struct str value)
{
	buf_add_c(out, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (is_one_of(value.p[i], "\\'"))
			buf_add_c(out, '\\');
		buf_add_c(out, value.p[i]);
	}
	buf_add_c(out, '\'');
}

void
edit_section_add(struct str text, const char *kind, struct str title, const char *key,
    struct str value, struct buf *out)
{
	/* Grown once: growing would leave copies of a secret behind. */
	buf_reserve(out, text.n + title.n + 2 * value.n + 256);
	buf_add_str(out, text);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_add_c(out, '\n');
	buf_printf(out, "%s ", kind);
	add_quoted(out, title);
	buf_printf(out, " {\n\t%s = ", key);
	add_literal(out, value);
	buf_add_z(out, "\n}\n");
}

/* Behind the section whose `{` was the last token, and its line's end. */
static size_t
section_end(struct lexer *lx)
{
	unsigned depth = 1;
	struct token t = {.kind = TOKEN_SIGN};

	while (depth > 0 && (t = next(lx)).kind != TOKEN_END)
		depth = is_sign(&t, "{") ? depth + 1 : is_sign(&t, "}") ? depth - 1 : depth;
	if (lx->at < lx->text.n && lx->text.p[lx->at] == '\n')
		lx->at++;
	return lx->at;
}

unsigned
edit_section_del(
    struct str text, const char *kind, struct str title, edit_same_fn *same, struct buf *out)
{
	struct lexer lx = {.text = text};
	struct token a = {.kind = TOKEN_END}, b = {.kind = TOKEN_END}, t;
	size_t copied = 0;
	unsigned n = 0, depth = 0;

	/* Never more than once as long as the file: whoever wipes `out` wipes all of it. */
	buf_reserve(out, text.n + 1);
	for (; (t = next(&lx)).kind != TOKEN_END; a = b, b = t) {
		bool is_meant = depth == 0 && is_sign(&t, "{") && a.kind == TOKEN_WORD &&
		    b.kind == TOKEN_WORD && str_is(a.value, kind) && same(b.value, title);

		if (is_meant) {
			skip(text, &copied, a.start, section_end(&lx), out);
			n++;
		} else if (is_sign(&t, "{")) {
			depth++;
		} else if (is_sign(&t, "}") && depth > 0) {
			depth--;
		}
	}
	buf_add_str(out, str_from(text, copied));
	return n;
}
