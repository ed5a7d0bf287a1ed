/* A growable byte buffer: bytes are appended at the end and consumed from the front.
 * Zeroed memory is a valid empty buffer. Out of memory aborts (base/mem.h). */
#pragma once

#include <stddef.h>
#include <stdint.h>

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

/* Makes room for n more bytes and returns where they go; buf_commit says how many came. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_c(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Little-endian integers, as the bus uses them. */
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16(struct buf *b, uint16_t v);
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);

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
