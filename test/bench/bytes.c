/* Growing byte buffers, slices, the clock, and the way out when the tool itself cannot go on. */
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
bytes_reserve(struct bytes *b, size_t more)
{
	if (b->len + more <= b->cap)
		return;
	b->cap = (b->len + more) * 2;
	b->p = realloc(b->p, b->cap);
	if (!b->p)
		die("out of memory");
}

void
bytes_add(struct bytes *b, const void *p, size_t n)
{
	bytes_reserve(b, n);
	memcpy(b->p + b->len, p, n);
	b->len += n;
}

void
bytes_addf(struct bytes *b, const char *format, ...)
{
	va_list args, again;

	bytes_reserve(b, 512);
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(b->p + b->len, b->cap - b->len, format, args);
	if (n > 0 && (size_t)n >= b->cap - b->len) {
		bytes_reserve(b, (size_t)n + 1);
		vsnprintf(b->p + b->len, b->cap - b->len, format, again);
	}
	va_end(again);
	va_end(args);
	b->len += n > 0 ? (size_t)n : 0;
}

void
bytes_drop(struct bytes *b, size_t n)
{
	if (n < b->len)
		memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

void
bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){0};
}

bool
slice_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

bool
slice_has(struct slice s, const char *text)
{
	return s.len > 0 && memmem(s.p, s.len, text, strlen(text)) != NULL;
}

uint64_t
slice_number(struct slice s, struct slice *rest_r)
{
	uint64_t n = 0;

	while (s.len > 0 && *s.p >= '0' && *s.p <= '9') {
		n = n * 10 + (uint64_t)(*s.p - '0');
		s.p++, s.len--;
	}
	if (s.len > 0 && *s.p == ' ')
		s.p++, s.len--;
	if (rest_r)
		*rest_r = s;
	return n;
}

uint64_t
clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}
