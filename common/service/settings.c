/* Settings: libconfuse reads, the table says what is allowed. One file is parsed at a time (start, or the control socket), so
 * the parse in progress stands in one static pointer that libconfuse's callbacks have no argument for. */
#include "service/settings.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/settings_private.h"

/* Where a key of a section stands. */
struct place {
	const char *section, *title, *key; /* the pool's */
	int line;
	struct place *next;
};

struct settings_pool {
	struct arena arena;          /* strings and arrays of the struct that was filled */
	const struct setting *table; /* the outermost */
	int *lines;                  /* of each of its keys; 0: it is not in the file */
	struct place *places;        /* of those of sections, the last one first */
};

struct parse {
	const char *file_name;
	struct settings_pool *pool;
	struct err *err;
	bool failed;
};

static struct parse *current;

/* ---- errors ---- */

static void parse_fail(int line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
parse_fail(int line, const char *fmt, ...)
{
	char text[400], shown[400];
	va_list ap;

	if (current->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* whatever bytes stand in the file: it goes to a terminal, and into one line of a log */
	log_escape(shown, sizeof(shown), str_z(text));
	current->failed = true;
	err_set(current->err, "%s:%d: %s", current->file_name, line, shown);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[400];

	vsnprintf(text, sizeof(text), fmt, ap);
	parse_fail(cfg ? cfg->line : 0, "%s", text);
}

/* ---- what a value may be ---- */

const struct setting *
setting_find(const struct setting *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* Position of a word in "a|b|c"; -1 when it is none of them. */
int
setting_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (int i = 0; *words; i++) {
		size_t len = strcspn(words, "|");

		if (len == n && strncmp(words, word, n) == 0)
			return i;
		words += len + (words[len] == '|');
	}
	return -1;
}

/* The table that an option's section belongs to: sections are not nested. */
static const struct setting *
table_of(cfg_t *cfg)
{
	const struct setting *s = cfg->name ? setting_find(current->pool->table, cfg->name) : NULL;

	return s && s->type == SETTING_SECTIONS ? s->section : current->pool->table;
}

static int
check_string(cfg_t *cfg, const struct setting *s, const char *value)
{
	struct err err;

	if (s->type == SETTING_ENUM && setting_word(s->text, value) < 0) {
		parse_fail(cfg->line, "%s: \"%s\" is not one of %s", s->name, value, s->text);
		return -1;
	}
	if (s->type != SETTING_ENUM && s->max > 0 && (int64_t)strlen(value) > s->max) {
		parse_fail(cfg->line, "%s: longer than %lld bytes", s->name, (long long)s->max);
		return -1;
	}
	if (s->check && s->check(value, &err) != 0) {
		parse_fail(cfg->line, "%s: %s", s->name,
		    s->secret ? "is not of the form that it must have" : err.text);
		return -1;
	}
	return 0;
}

/* 010 is 8 to libconfuse, and 0x1f a number. */
static bool
is_decimal(const char *value)
{
	const char *digits = value + (*value == '-');
	size_t n = strspn(digits, "0123456789");

	return n > 0 && n <= 18 && digits[n] == 0 && (digits[0] != '0' || n == 1);
}

/* libconfuse's: reads a number. */
static int
on_number(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (!is_decimal(value)) {
		parse_fail(cfg->line,
		    "%s: \"%s\" is no whole number; write it with decimal digits only",
		    cfg_opt_name(opt), value);
		return -1;
	}
	*(long *)result = strtol(value, NULL, 10);
	return 0;
}

static void
note_line(const cfg_t *cfg, const struct setting *s)
{
	current->pool->lines[s - current->pool->table] = cfg->line;
}

static void
note_place(cfg_t *cfg, const struct setting *s)
{
	struct settings_pool *pool = current->pool;
	struct place *p = arena_alloc(&pool->arena, sizeof(*p));

	*p = (struct place){.section = arena_z(&pool->arena, str_z(cfg->name)),
	    .title = arena_z(&pool->arena, str_z(cfg_title(cfg))),
	    .key = s->name,
	    .line = cfg->line,
	    .next = pool->places};
	pool->places = p;
}

/* libconfuse calls this behind each option it has read, so the line is the right one. */
static int
on_validate(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct setting *table = table_of(cfg), *s = setting_find(table, opt->name);
	unsigned last = cfg_opt_size(opt) - 1;
	long v;

	if (s && table == current->pool->table)
		note_line(cfg, s);
	else if (s)
		note_place(cfg, s);
	if (!s || cfg_opt_size(opt) == 0 || s->type == SETTING_BOOL || s->type == SETTING_SECTIONS)
		return 0;
	if (s->type != SETTING_INT)
		return check_string(cfg, s, cfg_opt_getnstr(opt, last));
	v = cfg_opt_getnint(opt, last);
	if (v < s->min || v > s->max) {
		parse_fail(cfg->line, "%s: %ld is not within %lld and %lld", s->name, v,
		    (long long)s->min, (long long)s->max);
		return -1;
	}
	return 0;
}

/* ---- table → libconfuse's options ---- */

static bool
default_is_true(const char *def)
{
	if (strcmp(def, "true") != 0 && strcmp(def, "false") != 0)
		bug("a default is true or false, not \"%s\"", def);
	return strcmp(def, "true") == 0;
}

static cfg_opt_t *options_of(const struct setting *table, struct arena *a);

static cfg_opt_t
option_of(const struct setting *s, struct arena *a)
{
	const char *text = s->def ? s->def : s->type == SETTING_LIST ? "{}" : "";
	char *def = arena_z(a, str_z(text));

	switch (s->type) {
	case SETTING_INT:
		return (cfg_opt_t)CFG_INT_CB(s->name, strtol(def, NULL, 10), CFGF_NONE, on_number);
	case SETTING_BOOL:
		return (cfg_opt_t)CFG_BOOL(
		    s->name, default_is_true(def) ? cfg_true : cfg_false, CFGF_NONE);
	case SETTING_STRING:
	case SETTING_ENUM:
		return (cfg_opt_t)CFG_STR(s->name, def, CFGF_NONE);
	case SETTING_LIST:
		return (cfg_opt_t)CFG_STR_LIST(s->name, def, CFGF_NONE);
	case SETTING_SECTIONS:
		return (cfg_opt_t)CFG_SEC(s->name, options_of(s->section, a),
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	}
	bug("setting %s has no type", s->name);
}

static cfg_opt_t *
options_of(const struct setting *table, struct arena *a)
{
	cfg_opt_t *opts, end = CFG_END();
	size_t n = 0;

	while (table[n].name)
		n++;
	opts = arena_alloc(a, (n + 1) * sizeof(*opts));
	for (size_t i = 0; i < n; i++)
		opts[i] = option_of(&table[i], a);
	opts[n] = end;
	return opts;
}

static void
validate_all(cfg_t *cfg, const struct setting *table, const char *prefix)
{
	char path[128];

	for (; table->name; table++) {
		snprintf(path, sizeof(path), "%s%s", prefix, table->name);
		cfg_set_validate_func(cfg, path, on_validate);
		if (table->type == SETTING_SECTIONS) {
			snprintf(path, sizeof(path), "%s|", table->name);
			validate_all(cfg, table->section, path);
		}
	}
}

/* ---- libconfuse's values → struct ---- */

static void fill(cfg_t *cfg, const struct setting *table, void *out, struct arena *a);

static void
fill_list(cfg_t *cfg, const struct setting *s, struct setting_strings *list, struct arena *a)
{
	size_t n = cfg_size(cfg, s->name);
	const char **v = arena_alloc(a, (n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = arena_z(a, str_z(cfg_getnstr(cfg, s->name, (unsigned)i)));
	list->v = v;
	list->n = n;
}

static void
fill_sections(
    cfg_t *cfg, const struct setting *s, struct setting_sections *sections, struct arena *a)
{
	size_t n = cfg_size(cfg, s->name);
	char *v = arena_alloc(a, n ? n * s->section_size : 1);

	for (size_t i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, s->name, (unsigned)i);
		char *title = arena_z(a, str_z(cfg_title(sec)));

		memcpy(v + i * s->section_size, &title, sizeof(title));
		fill(sec, s->section, v + i * s->section_size, a);
	}
	sections->v = v;
	sections->n = n;
}

static void
fill_one(cfg_t *cfg, const struct setting *s, void *at, struct arena *a)
{
	switch (s->type) {
	case SETTING_INT:
		*(int64_t *)at = cfg_getint(cfg, s->name);
		return;
	case SETTING_BOOL:
		*(bool *)at = cfg_getbool(cfg, s->name) == cfg_true;
		return;
	case SETTING_STRING:
		*(const char **)at = arena_z(a, str_z(cfg_getstr(cfg, s->name)));
		return;
	case SETTING_ENUM:
		*(int *)at = setting_word(s->text, cfg_getstr(cfg, s->name));
		return;
	case SETTING_LIST:
		fill_list(cfg, s, at, a);
		return;
	case SETTING_SECTIONS:
		fill_sections(cfg, s, at, a);
		return;
	}
}

static void
fill(cfg_t *cfg, const struct setting *table, void *out, struct arena *a)
{
	for (; table->name; table++)
		fill_one(cfg, table, (char *)out + table->offset, a);
}

/* ---- the whole ---- */

static void
wipe_values(cfg_opt_t *opt)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		char *value = cfg_opt_getnstr(opt, i);

		if (value)
			secret_wipe(value, strlen(value));
	}
}

/* libconfuse's own copies. */
static void
wipe(cfg_t *cfg, const struct setting *table)
{
	for (; table->name; table++) {
		if (table->secret)
			wipe_values(cfg_getopt(cfg, table->name));
		if (table->type != SETTING_SECTIONS)
			continue;
		for (unsigned i = 0; i < cfg_size(cfg, table->name); i++)
			wipe(cfg_getnsec(cfg, table->name, i), table->section);
	}
}

static int
parse_text(cfg_t *cfg, char *text)
{
	struct settings_fault fault;
	int rc;

	if (settings_text_prepare(text, &fault) != 0) {
		parse_fail(fault.line, "%s", fault.what);
		return -1;
	}
	cfg_set_error_function(cfg, on_error);
	validate_all(cfg, current->pool->table, "");
	rc = cfg_parse_buf(cfg, text);
	if (rc != CFG_SUCCESS || current->failed) {
		parse_fail(cfg->line, "cannot be read");
		return -1;
	}
	return 0;
}

static struct settings_pool *
pool_new(const struct setting *table)
{
	struct settings_pool *pool = NEW(struct settings_pool);
	size_t n = 0;

	while (table[n].name)
		n++;
	pool->table = table;
	pool->lines = mem_new_array(n + 1, sizeof(*pool->lines));
	return pool;
}

int
settings_parse(const struct setting *table, void *out, const char *file_name, const char *text,
    struct settings_pool **pool_r, struct err *err)
{
	struct settings_pool *pool = pool_new(table);
	struct parse parse = {.file_name = file_name, .pool = pool, .err = err};
	cfg_t *cfg = cfg_init(options_of(table, &pool->arena), CFGF_NONE);
	int rc;

	current = &parse;
	rc = parse_text(cfg, arena_z(&pool->arena, str_z(text)));
	if (rc == 0)
		fill(cfg, table, out, &pool->arena);
	wipe(cfg, table);
	cfg_free(cfg);
	current = NULL;
	if (rc != 0)
		settings_free(&pool);
	else
		*pool_r = pool;
	return rc;
}

void
settings_free(struct settings_pool **pool)
{
	if (!*pool)
		return;
	arena_deinit_secret(&(*pool)->arena);
	free((*pool)->lines);
	free(*pool);
	*pool = NULL;
}

/* ---- where ---- */

int
settings_line(const struct settings_pool *pool, const char *key)
{
	const struct setting *s = setting_find(pool->table, key);

	return s && s->type != SETTING_SECTIONS ? pool->lines[s - pool->table] : 0;
}

/* SECTION "TITLE": KEY …, the line of that key; 0: it is not in the file, or the text is not of that form. */
static int
line_in_section(const struct settings_pool *pool, struct str text)
{
	struct str section, title, key, rest;

	if (!str_split(text, '"', &section, &rest) || !str_split(rest, '"', &title, &rest) ||
	    !str_starts(rest, S(": ")))
		return 0;
	key = str_from(rest, 2);
	key.n = strcspn(key.p, ": ");
	for (const struct place *p = pool->places; p; p = p->next)
		if (str_is(str_trim(section), p->section) && str_is(title, p->title) &&
		    str_is(key, p->key))
			return p->line;
	return 0;
}

int
settings_err_where(const struct settings_pool *pool, const char *file_name, struct err *err)
{
	char key[64];
	size_t n = strcspn(err->text, ": ");
	int line = line_in_section(pool, str_z(err->text));

	if (!str_copy(key, sizeof(key), str_of(err->text, n)))
		key[0] = 0;
	if (!line)
		line = settings_line(pool, key);
	if (line)
		return err_prefix(err, "%s:%d", file_name, line);
	return err_prefix(err, "%s", file_name);
}
