/* What the settings table says to people: the values in effect (-nn), a sample file, the manual page. */
#include <stdio.h>

#include "service/settings_private.h"

static void
print_quoted(struct buf *out, const char *z)
{
	buf_add_c(out, '"');
	for (; *z; z++) {
		if (*z == '"' || *z == '\\' || (*z == '$' && z[1] == '{'))
			buf_add_c(out, '\\');
		if (*z == '\n')
			buf_add_z(out, "\\n");
		else
			buf_add_c(out, *z);
	}
	buf_add_c(out, '"');
}

static void
print_list(struct buf *out, const struct setting_strings *list)
{
	buf_add_c(out, '{');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_add_z(out, ", ");
		print_quoted(out, list->v[i]);
	}
	buf_add_c(out, '}');
}

static void
print_word(struct buf *out, const char *words, int index)
{
	for (; index > 0; index--) {
		while (*words && *words != '|')
			words++;
		words += *words == '|';
	}
	while (*words && *words != '|')
		buf_add_c(out, *words++);
}

static void
print_value(struct buf *out, const struct setting *s, const void *at)
{
	if (s->secret) {
		buf_add_z(out, s->type == SETTING_LIST ? "{\"***\"}" : "\"***\"");
		return;
	}
	switch (s->type) {
	case SETTING_INT:
		buf_printf(out, "%lld", (long long)*(const int64_t *)at);
		return;
	case SETTING_BOOL:
		buf_add_z(out, *(const bool *)at ? "true" : "false");
		return;
	case SETTING_STRING:
		print_quoted(out, *(const char *const *)at);
		return;
	case SETTING_ENUM:
		print_word(out, s->text, *(const int *)at);
		return;
	case SETTING_LIST:
		print_list(out, at);
		return;
	case SETTING_SECTIONS:
		return;
	}
}

static const char *
shown_default(const struct setting *s)
{
	return s->secret ? "***" : s->def ? s->def : "";
}

static void
print_sections(struct buf *out, const struct setting *s, const struct setting_sections *sections)
{
	for (size_t i = 0; i < sections->n; i++) {
		const char *section = (const char *)sections->v + i * s->section_size;

		buf_printf(out, "%s ", s->name);
		print_quoted(out, *(const char *const *)(const void *)section);
		buf_add_z(out, " {\n");
		for (const struct setting *t = s->section; t->name; t++) {
			buf_printf(out, "\t%s = ", t->name);
			print_value(out, t, section + t->offset);
			buf_printf(out, "\t# default: %s\n", shown_default(t));
		}
		buf_add_z(out, "}\n");
	}
}

void
settings_print(const struct setting *table, const void *values, struct buf *out)
{
	for (const struct setting *s = table; s->name; s++) {
		const void *at = (const char *)values + s->offset;

		if (s->type == SETTING_SECTIONS) {
			print_sections(out, s, at);
			continue;
		}
		buf_printf(out, "%s = ", s->name);
		print_value(out, s, at);
		buf_printf(out, "\t# default: %s\n", shown_default(s));
	}
}

static void
print_whole(struct buf *out, const struct setting *s, const void *values)
{
	const void *at = (const char *)values + s->offset;

	if (s->type == SETTING_SECTIONS)
		print_sections(out, s, at);
	else
		print_value(out, s, at);
}

void
settings_pending(const struct setting *table, const void *old, const void *fresh, struct buf *names)
{
	for (const struct setting *s = table; s->name; s++) {
		struct buf was = {.data = NULL}, is = {.data = NULL};

		if (!s->at_start)
			continue;
		print_whole(&was, s, old);
		print_whole(&is, s, fresh);
		if (!str_eq(buf_str(&was), buf_str(&is)))
			buf_printf(names, "%s%s", buf_len(names) ? ", " : "", s->name);
		buf_deinit(&was);
		buf_deinit(&is);
	}
}

size_t
settings_files(
    const struct setting *table, const void *values, struct setting_file v[SETTING_FILES_MAX])
{
	size_t n = 0;

	for (const struct setting *s = table; s->name && n < SETTING_FILES_MAX; s++) {
		const void *at = (const char *)values + s->offset;

		if (s->is_file)
			v[n++] = (struct setting_file){s->name, *(const char *const *)at};
	}
	return n;
}

/* A default as it would be written in the file. */
static void
sample_default(struct buf *out, const struct setting *s)
{
	bool quoted = s->type == SETTING_STRING || s->type == SETTING_ENUM;

	if (quoted)
		print_quoted(out, s->def ? s->def : "");
	else
		buf_add_z(out, s->def ? s->def : "{}");
}

static void
sample_one(struct buf *out, const struct setting *s, const char *indent)
{
	buf_printf(out, "%s# %s", indent, s->help ? s->help : "");
	if (s->type == SETTING_INT)
		buf_printf(out, " (%lld to %lld)", (long long)s->min, (long long)s->max);
	if (s->type == SETTING_ENUM)
		buf_printf(out, " (%s)", s->text);
	if (s->at_start)
		buf_add_z(out, "; from the next start on");
	buf_printf(out, "\n%s#%s = ", indent, s->name);
	sample_default(out, s);
	buf_add_z(out, "\n\n");
}

void
settings_sample(const struct setting *table, struct buf *out)
{
	for (const struct setting *s = table; s->name; s++) {
		if (s->type != SETTING_SECTIONS) {
			sample_one(out, s, "");
			continue;
		}
		buf_printf(out, "# %s%s\n#%s \"name\" {\n", s->help ? s->help : "",
		    s->at_start ? "; from the next start on" : "", s->name);
		for (const struct setting *t = s->section; t->name; t++)
			sample_one(out, t, "#\t");
		buf_add_z(out, "#}\n\n");
	}
}

static void
man_one(struct buf *out, const struct setting *s)
{
	buf_printf(out, ".It Cm %s", s->name);
	if (s->type == SETTING_SECTIONS)
		buf_add_z(out, " Ar \"name\" { ... }");
	buf_printf(out, "\n%s\n", s->help ? s->help : "");
	if (s->type == SETTING_ENUM)
		buf_printf(out, "One of %s.\n", s->text);
	if (s->type == SETTING_INT)
		buf_printf(out, "From %lld to %lld.\n", (long long)s->min, (long long)s->max);
	if (s->type != SETTING_SECTIONS)
		buf_printf(out, "Default: %s.\n", s->def && *s->def ? s->def : "empty");
	if (s->at_start)
		buf_add_z(out, "A new value is in force from the next start on.\n");
}

void
settings_man(const struct setting *table, struct buf *out)
{
	buf_add_z(out, ".Bl -tag -width Ds\n");
	for (const struct setting *s = table; s->name; s++) {
		man_one(out, s);
		if (s->type == SETTING_SECTIONS)
			settings_man(s->section, out);
	}
	buf_add_z(out, ".El\n");
}
