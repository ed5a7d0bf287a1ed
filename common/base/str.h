/* A borrowed run of bytes with its length; never NUL-terminated by contract. Zeroed = empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A string literal, and a C string, as a str. */
#define S(lit) ((struct str){.p = ("" lit), .n = sizeof(lit) - 1})

/* For printf("%.*s"). */
#define STR_ARG(s) (int)(s).n, ((s).n ? (s).p : "")

static inline struct str
str_z(const char *z)
{
	return (struct str){.p = z, .n = z ? strlen(z) : 0};
}

static inline struct str
str_of(const void *p, size_t n)
{
	return (struct str){.p = (const char *)p, .n = n};
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || a.p == b.p || (a.p && b.p && memcmp(a.p, b.p, a.n) == 0));
}

static inline bool
str_is(struct str a, const char *z)
{
	return str_eq(a, str_z(z));
}

static inline bool
str_empty(struct str s)
{
	return s.n == 0;
}

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b);

/* First position of c, or s.n. */
size_t str_find(struct str s, char c);

/* The part from `from` on; empty when from > s.n. */
struct str str_from(struct str s, size_t from);

/* Splits at the first c: *head gets what is before, the rest (after c) is returned through *rest.
 * False when there is no c: *head is all of s, *rest is empty. */
bool str_split(struct str s, char c, struct str *head_r, struct str *rest_r);

/* Without white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* A malloc'ed copy with a NUL behind it; the caller frees it. */
char *str_dup(struct str s);

/* Copies with a NUL behind; false, and nothing written, when it does not fit into cap bytes. */
bool str_copy(char *dst, size_t cap, struct str s);

/* Appends s to the memory at *at, which must have the room, and moves *at behind it. */
struct str str_put(char **at, struct str s);

/* Decimal, no sign, no blanks, nothing behind it; false on overflow or anything else. */
bool str_u64(struct str s, uint64_t *v_r);

/* Strict UTF-8: no overlong forms, surrogates, or code points over U+10FFFF (INV-4). */
bool str_is_utf8(struct str s);
/* How many bytes at its start are ASCII. */
size_t str_ascii_len(struct str s);

/* Bytes of the first character of s, 1 to 4; 0 when s is empty or does not start with strict UTF-8. */
size_t str_utf8_len(struct str s);
