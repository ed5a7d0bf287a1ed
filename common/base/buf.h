/* A growable byte buffer: bytes are appended at the end and consumed from the front.
 * Zeroed memory is a valid empty buffer. Out of memory aborts (base/mem.h). */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
	uint8_t *data; /* owned; NULL while empty and never grown */
	size_t start;  /* first byte not yet consumed */
	size_t end;    /* one past the last byte */
	size_t cap;
};

/* Frees the memory and leaves a valid empty buffer. */
void buf_deinit(struct buf *b);

/* Frees and wipes: for buffers that held secrets. */
void buf_deinit_secret(struct buf *b);

void buf_add_z(struct buf *b, const char *z);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first n bytes (n <= buf_len). An emptied buffer starts at the front again. */
void buf_consume(struct buf *b, size_t n);

/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);

/* Gives the memory back if the buffer is empty (idle connections). */
void buf_trim(struct buf *b);

static inline size_t
buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/* The content, borrowed until the next change of the buffer. */
static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){
	    .p = b->data ? (const char *)b->data + b->start : NULL, .n = b->end - b->start};
}

/* For buf_reserve: what to do when there is no room at the end. */
uint8_t *buf_make_room(struct buf *b, size_t n);

/* Makes room for n more bytes and returns where they go; buf_commit says how many came. */
static inline uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (!b->data || n > b->cap - b->end)
		return buf_make_room(b, n);
	return b->data + b->end;
}

void buf_commit(struct buf *b, size_t n);

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): only no bytes are nowhere */
	memcpy(buf_reserve(b, n), p, n);
	b->end += n;
}

static inline void
buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

static inline void
buf_add_c(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->end++;
}

/* Little-endian integers, as the bus uses them. */
static inline void
buf_add_le(struct buf *b, uint64_t v, unsigned bytes)
{
	uint64_t le = htole64(v);

	memcpy(buf_reserve(b, bytes), &le, bytes);
	b->end += bytes;
}

static inline void
buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add_le(b, v, sizeof(v));
}

static inline void
buf_add_u16(struct buf *b, uint16_t v)
{
	buf_add_le(b, v, sizeof(v));
}

static inline void
buf_add_u32(struct buf *b, uint32_t v)
{
	buf_add_le(b, v, sizeof(v));
}

static inline void
buf_add_u64(struct buf *b, uint64_t v)
{
	buf_add_le(b, v, sizeof(v));
}
