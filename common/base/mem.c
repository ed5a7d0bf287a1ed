/* Allocation that cannot fail from the caller's view, and the end for our own bugs. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

_Noreturn static void
mem_exhausted(size_t size)
{
	log_error("out of memory (%zu bytes)", size);
	abort();
}

void *
mem_new(size_t size)
{
	return mem_new_array(1, size);
}

void *
mem_new_array(size_t n, size_t size)
{
	/* calloc checks the product; a zero size would allow a NULL result. */
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		mem_exhausted(size);
	return p;
}

void *
mem_grow(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);
	if (!q)
		mem_exhausted(size);
	return q;
}

void *
mem_dup(const void *p, size_t n)
{
	void *q = malloc(n ? n : 1);
	if (!q)
		mem_exhausted(n);
	if (n > 0)
		memcpy(q, p, n);
	return q;
}

void
bug(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("bug: %s", text);
	abort();
}
