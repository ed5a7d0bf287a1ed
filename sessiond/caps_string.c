/* The string of XEP-0115 §5.1: identities, features, forms; each kind in the order of its octets, each piece followed by "<". What has a "<"
 * in itself would make it ambiguous, and stands nowhere. */
#include <stdlib.h>

#include "base/mem.h"
#include "caps.h"

#define LINES_MAX 64 /* of each kind; what is over it is left out */

struct lines {
	char *v[LINES_MAX]; /* owned */
	unsigned n;
};

/* Takes what is in b, and empties it. */
static void
lines_add(struct lines *l, struct buf *b)
{
	if (l->n < LINES_MAX)
		l->v[l->n++] = str_dup(buf_str(b));
	buf_clear(b);
}

/* By what is before the first "<": of forms and fields that is the name. */
static int
by_name(const void *a, const void *b)
{
	struct str x = str_z(*(char *const *)a), y = str_z(*(char *const *)b);

	return str_cmp(str_of(x.p, str_find(x, '<')), str_of(y.p, str_find(y, '<')));
}

/* Each behind a `before`, and followed by an `after`. */
static void
lines_write(struct lines *l, struct buf *out, const char *before, const char *after)
{
	qsort(l->v, l->n, sizeof(l->v[0]), by_name);
	for (unsigned i = 0; i < l->n; i++) {
		buf_printf(out, "%s%s%s", before, l->v[i], after);
		free(l->v[i]);
	}
	l->n = 0;
}

/* Nothing that others tell has a "<" (caps_told.c); of the settings it is left out. */
static void
add_plain(struct buf *out, struct str text)
{
	if (str_find(text, '<') == text.n)
		buf_add_str(out, text);
}

/* ---- identities ---- */

static void
add_identities(struct lines *lines, const struct sessiond *sd)
{
	struct buf line = {0};
	struct told t;

	caps_told_identities(&t, sd, NULL);
	for (unsigned i = 1; i < t.n; i++) {
		buf_printf(&line, "%.*s/%.*s//", STR_ARG(t.v[i].first), STR_ARG(t.v[i].second));
		buf_add_str(&line, xml_node_attr(t.v[i].node, "name", NULL));
		lines_add(lines, &line);
	}
	buf_deinit(&line);
}

/* ---- forms ---- */

static void
field_line(struct buf *out, const struct xml_node *field, struct str var)
{
	struct lines values = {.n = 0};
	struct buf value = {0};

	add_plain(out, var);
	for (const struct xml_node *v = field->children; v; v = v->next) {
		if (!str_is(v->name, "value"))
			continue;
		add_plain(&value, v->text);
		lines_add(&values, &value);
	}
	lines_write(&values, out, "<", "");
	buf_deinit(&value);
}

/* The name is the value of FORM_TYPE (XEP-0128). */
static void
add_form(struct lines *forms, const struct xml_node *x)
{
	struct lines fields = {.n = 0};
	struct buf line = {0}, field = {0};

	for (const struct xml_node *f = x->children; f; f = f->next) {
		const struct xml_node *value = xml_child(f, "jabber:x:data", "value");
		struct str var = xml_node_attr(f, "var", NULL);

		if (str_is(var, "FORM_TYPE")) {
			add_plain(&line, value ? value->text : S(""));
		} else if (str_is(f->name, "field")) {
			field_line(&field, f, var);
			lines_add(&fields, &field);
		}
	}
	lines_write(&fields, &line, "<", "");
	lines_add(forms, &line);
	buf_deinit(&line);
	buf_deinit(&field);
}

static void
add_contacts(struct lines *forms, const struct sessiond_settings *set)
{
	struct arena a = {0};
	struct buf out = {0};
	struct xml_writer w;
	const struct xml_node *x;

	xw_init(&w, &out, S("jabber:client"));
	caps_write_contacts(&w, set);
	x = xml_tree_parse(&a, buf_str(&out), S("jabber:client"));
	if (x)
		add_form(forms, x);
	arena_deinit(&a);
	buf_deinit(&out);
}

static void
add_told_forms(struct lines *forms, const struct sessiond *sd)
{
	struct told t;

	caps_told_forms(&t, sd, NULL);
	for (unsigned i = 1; i < t.n; i++)
		add_form(forms, t.v[i].node);
}

/* ---- all ---- */

void
caps_string(struct buf *out, const struct sessiond *sd)
{
	struct lines lines = {.n = 0};
	struct buf ours = {0};
	struct features f;

	buf_add_z(&ours, "server/im//Jackdaw");
	lines_add(&lines, &ours);
	add_identities(&lines, sd);
	lines_write(&lines, out, "", "<");
	caps_server_features(&f, sd);
	for (unsigned i = 0; i < f.n; i++)
		buf_printf(out, "%.*s<", STR_ARG(f.v[i]));
	add_contacts(&lines, settings_of(sd));
	add_told_forms(&lines, sd);
	lines_write(&lines, out, "", "<");
	buf_deinit(&ours);
}
