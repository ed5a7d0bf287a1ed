/* Blocks in a chain, the one being filled first. A request that is large for a block gets its own, put
 * behind the first, so that the rest of the first is still used. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/mem.h"

#define ARENA_BLOCK 2048u
#define ARENA_BLOCK_MAX (64u * 1024u)
#define ARENA_ALIGN 16u

struct arena_block {
	struct arena_block *next;
	size_t cap, used;
	_Alignas(ARENA_ALIGN) char data[];
};

static struct arena_block *
block_new(size_t cap)
{
	struct arena_block *b = mem_new(sizeof(*b) + cap);
	b->cap = cap;
	return b;
}

static struct arena_block *
arena_add_block(struct arena *a, size_t n)
{
	struct arena_block *first = a->blocks;
	size_t cap = first ? first->cap * 2 : ARENA_BLOCK;
	if (cap > ARENA_BLOCK_MAX)
		cap = ARENA_BLOCK_MAX;
	struct arena_block *b = block_new(n > cap ? n : cap);
	if (first && n > cap / 2) {
		b->next = first->next;
		first->next = b;
	} else {
		b->next = first;
		a->blocks = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		bug("arena: %zu bytes", n);
	n = (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (n == 0)
		n = ARENA_ALIGN;
	struct arena_block *b = a->blocks;
	if (!b || n > b->cap - b->used)
		b = arena_add_block(a, n);
	void *p = b->data + b->used;
	b->used += n;
	return memset(p, 0, n);
}

char *
arena_z(struct arena *a, struct str s)
{
	char *z = arena_alloc(a, s.n + 1);
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	return z;
}

struct str
arena_str(struct arena *a, struct str s)
{
	return str_of(arena_z(a, s), s.n);
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		bug("arena: bad format %s", fmt);
	char *z = arena_alloc(a, (size_t)n + 1);
	vsnprintf(z, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return str_of(z, (size_t)n);
}

static void
arena_free_all_but(struct arena *a, struct arena_block *keep)
{
	struct arena_block *b = a->blocks;
	while (b) {
		struct arena_block *next = b->next;
		if (b != keep)
			free(b);
		b = next;
	}
	a->blocks = keep;
}

void
arena_clear(struct arena *a)
{
	if (!a->blocks)
		return;
	struct arena_block *first = a->blocks;
	while (first->next)
		first = first->next;
	arena_free_all_but(a, first);
	first->used = 0;
}

void
arena_deinit(struct arena *a)
{
	arena_free_all_but(a, NULL);
}

void
arena_deinit_secret(struct arena *a)
{
	for (struct arena_block *b = a->blocks; b; b = b->next)
		secret_wipe(b->data, b->used);
	arena_deinit(a);
}
