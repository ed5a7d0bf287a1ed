/* Settings from a table: the same table parses (libconfuse), checks, prints the effective settings (-nn) and feeds the
 * manual page. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum setting_type {
	SETTING_INT,      /* int64_t, min…max */
	SETTING_BOOL,     /* bool */
	SETTING_STRING,   /* const char * */
	SETTING_ENUM,     /* int; text = "required|optional|off" in that order from 0 */
	SETTING_LIST,     /* struct setting_strings */
	SETTING_SECTIONS, /* struct setting_sections: named blocks with their own table */
};

struct setting_strings {
	const char *const *v;
	size_t n;
};

struct setting_sections {
	void *v; /* array of structs of the section's table; first member must be `const char *title` */
	size_t n;
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *def;  /* default as text; list: "{a, b}"; sections: NULL */
	int64_t min, max; /* int: bounds; string and list: longest */
	const char *text; /* enum: the words; string: NULL */
	bool secret;      /* printed as ***, wiped when it is freed */
	bool at_start;    /* read once: a new value is in force from the next start on */
	bool is_file; /* names a file, which a reload brings opened: at most SETTING_FILES_MAX of a table */
	const char *help;              /* one line */
	const struct setting *section; /* table of a section */
	size_t section_size;
	/* string, list: asked for each value of a file, beyond the bounds. 0, or -1 with *err filled; NULL: anything. */
	int (*check)(const char *value, struct err *err);
};

/* Rows for a whole number and for a switch. What else a row has may stand behind the help: `"…", .at_start = true`. */
#define SETTING_INT_ROW(name_, offset_, def_, min_, max_, ...)                                   \
	{                                                                                        \
		.name = name_, .type = SETTING_INT, .offset = offset_, .def = def_, .min = min_, \
		.max = max_, .help = __VA_ARGS__                                                 \
	}
#define SETTING_BOOL_ROW(name_, offset_, def_, ...)                                  \
	{                                                                            \
		.name = name_, .type = SETTING_BOOL, .offset = offset_, .def = def_, \
		.help = __VA_ARGS__                                                  \
	}

/* Parses `text` (a whole file, named for messages) into a zeroed struct; owned by *pool_r until settings_free. Unknown keys,
 * wrong types, values out of bounds: -1 and "FILE:LINE: what; what to do". */
struct settings_pool;
int settings_parse(const struct setting *table, void *out, const char *file_name, const char *text,
    struct settings_pool **pool_r, struct err *err);
/* Wipes what was read. */
void settings_free(struct settings_pool **pool);
/* Line in which a key (not one of a section) stands for the last time; 0: nowhere, the default is in force. */
int settings_line(const struct settings_pool *pool, const char *key);
/* For an error about relations, whose text begins with a key, or with SECTION "TITLE": KEY: puts "FILE:LINE: " before it, or
 * "FILE: ". Returns -1. */
int settings_err_where(const struct settings_pool *pool, const char *file_name, struct err *err);

/* All keys in effect with their defaults as comments, in the form of a settings file. */
void settings_print(const struct setting *table, const void *values, struct buf *out);
/* Appends the names, separated by commas, of the keys that are read at the start only and differ. */
void settings_pending(
    const struct setting *table, const void *old, const void *fresh, struct buf *names);
/* The files that are named, in the order of the table. Borrowed from both. Returns how many rows there are. */
#define SETTING_FILES_MAX 4
struct setting_file {
	const char *key;
	const char *path; /* empty: none */
};
size_t settings_files(
    const struct setting *table, const void *values, struct setting_file v[SETTING_FILES_MAX]);
/* The same as a sample file: every key commented out with its default and help. */
void settings_sample(const struct setting *table, struct buf *out);
/* As mdoc/man list items. */
void settings_man(const struct setting *table, struct buf *out);
