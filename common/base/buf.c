/* The growable byte buffer. Consumed room at the front is used again before the buffer grows, but only
 * when at least as many bytes were consumed as must be moved: so appending stays linear. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

#define BUF_MIN 256

void
buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void
buf_deinit_secret(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->cap);
	buf_deinit(b);
}

static void
buf_grow(struct buf *b, size_t need)
{
	if (need > SIZE_MAX / 2)
		bug("buf: %zu bytes", need);
	size_t cap = b->cap ? b->cap : BUF_MIN;
	while (cap < need)
		cap *= 2;
	b->data = mem_grow(b->data, cap);
	b->cap = cap;
}

uint8_t *
buf_make_room(struct buf *b, size_t n)
{
	size_t len = buf_len(b);

	if (n > SIZE_MAX / 2 - len)
		bug("buf: %zu + %zu bytes", len, n);
	if (n == 0)
		return NULL; /* where nothing is, nothing goes */
	if (b->data && b->start >= len && len + n <= b->cap) {
		memmove(b->data, b->data + b->start, len);
		b->start = 0;
		b->end = len;
	} else {
		buf_grow(b, b->end + n);
	}
	return b->data + b->end;
}

void
buf_commit(struct buf *b, size_t n)
{
	if (n > b->cap - b->end)
		bug("buf: commit of %zu bytes, room for %zu", n, b->cap - b->end);
	b->end += n;
}

void
buf_add_z(struct buf *b, const char *z)
{
	buf_add(b, z, strlen(z));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		bug("buf: bad format %s", fmt);
	vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	b->end += (size_t)n;
	va_end(again);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > buf_len(b))
		bug("buf: consume %zu of %zu bytes", n, buf_len(b));
	b->start += n;
	if (b->start == b->end)
		buf_clear(b);
}

void
buf_clear(struct buf *b)
{
	b->start = b->end = 0;
}

void
buf_trim(struct buf *b)
{
	if (buf_len(b) == 0)
		buf_deinit(b);
}
