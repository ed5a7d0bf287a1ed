/* Growing byte buffers and slices of them. Out of memory ends the program: it is a measuring tool. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	char *p;
	size_t len, cap;
};

struct slice {
	const char *p;
	size_t len;
};

void bytes_reserve(struct bytes *b, size_t more);
void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_addf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bytes_drop(struct bytes *b, size_t n); /* from the front */
void bytes_free(struct bytes *b);

bool slice_is(struct slice s, const char *text);
bool slice_has(struct slice s, const char *text);
/* A decimal number; 0 without digits. *rest_r is what follows it and one space. */
uint64_t slice_number(struct slice s, struct slice *rest_r);

uint64_t clock_now_ns(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
