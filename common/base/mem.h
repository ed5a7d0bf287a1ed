/* Memory that never fails: out of memory is the end of the process (STYLE 4.4). */
#pragma once

#include <stddef.h>

/* Zeroed. */
void *mem_new(size_t size);
/* Zeroed array; aborts when n * size overflows. */
void *mem_new_array(size_t n, size_t size);
void *mem_grow(void *p, size_t size);
void *mem_dup(const void *p, size_t n);

/* Our own bug: prints the text and aborts. */
_Noreturn void bug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define NEW(type) ((type *)mem_new(sizeof(type)))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
