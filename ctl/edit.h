/* Changes a list (`domains = {"a", "b"}`) or a section (`component "a" { … }`) in a settings file in place, leaving every other
 * byte, comments too. Pure. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Whether a value of the list is the one that is meant. */
typedef bool edit_same_fn(struct str value, struct str wanted);

/* Appends to `out` the file `text` with `value` added to the last list named `key`, or, where there is none, with such a
 * statement behind the commented-out one, else at the end. Whether it is there already is the caller's question. */
void edit_list_add(struct str text, const char *key, struct str value, struct buf *out);

/* Appends the file without the values of the lists named `key` that are the same as `value`; returns how many. */
unsigned edit_list_del(
    struct str text, const char *key, struct str value, edit_same_fn *same, struct buf *out);

/* Appends the file with this statement (and its newline) behind the commented-out one of that name, else at the end. */
void edit_add_statement(struct str text, const char *key, struct str statement, struct buf *out);

/* Appends the file with a section behind it that has one value; both are quoted as they need it. */
void edit_section_add(struct str text, const char *kind, struct str title, const char *key,
    struct str value, struct buf *out);
/* Appends the file without the sections of that kind and title; returns how many. */
unsigned edit_section_del(
    struct str text, const char *kind, struct str title, edit_same_fn *same, struct buf *out);
