/* Operations on borrowed byte runs; nothing here allocates but str_dup. */
#include "base/str.h"

#include "base/mem.h"

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c == 0 && a.n != b.n)
		c = a.n < b.n ? -1 : 1;
	return c;
}

size_t
str_find(struct str s, char c)
{
	const char *p = s.n ? memchr(s.p, c, s.n) : NULL;
	return p ? (size_t)(p - s.p) : s.n;
}

struct str
str_from(struct str s, size_t from)
{
	if (from > s.n || s.n == 0)
		return (struct str){0};
	return str_of(s.p + from, s.n - from);
}

bool
str_split(struct str s, char c, struct str *head_r, struct str *rest_r)
{
	size_t at = str_find(s, c);
	bool found = at < s.n;
	*head_r = str_of(s.p, at);
	*rest_r = found ? str_from(s, at + 1) : (struct str){0};
	return found;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

char *
str_dup(struct str s)
{
	char *z = mem_new(s.n + 1);
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	return z;
}

bool
str_copy(char *dst, size_t cap, struct str s)
{
	if (s.n >= cap)
		return false;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}

struct str
str_put(char **at, struct str s)
{
	struct str copy = str_of(*at, s.n);

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

bool
str_u64(struct str s, uint64_t *v_r)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*v_r = v;
	return true;
}

/* The lead byte alone fixes the length and the range of the second byte (Unicode, table 3-7), which is
 * where overlong forms, surrogates and code points over U+10FFFF are cut off. */
static size_t
utf8_lead(uint8_t c, uint8_t *low_r, uint8_t *high_r)
{
	*low_r = 0x80;
	*high_r = 0xBF;
	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	if (c < 0xE0)
		return 2;
	if (c == 0xE0)
		*low_r = 0xA0;
	if (c == 0xED)
		*high_r = 0x9F;
	if (c < 0xF0)
		return 3;
	if (c == 0xF0)
		*low_r = 0x90;
	if (c == 0xF4)
		*high_r = 0x8F;
	return 4;
}

size_t
str_utf8_len(struct str s)
{
	uint8_t low, high;
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = s.n ? utf8_lead(p[0], &low, &high) : 0;
	if (n == 0 || n > s.n)
		return 0;
	if (n > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

size_t
str_ascii_len(struct str s)
{
	size_t i = 0;
	uint64_t word;
	for (; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		if (word & 0x8080808080808080u)
			break;
	}
	while (i < s.n && (uint8_t)s.p[i] < 0x80)
		i++;
	return i;
}

bool
str_is_utf8(struct str s)
{
	for (size_t i = str_ascii_len(s), n; i < s.n; i += n) {
		n = str_utf8_len(str_from(s, i));
		if (n == 0)
			return false;
	}
	return true;
}
