/* Text for people about what went wrong; filled by the callee, shown by whoever decides. */
#pragma once

struct err {
	char text[512];
};

/* Sets the text (an earlier one is replaced). Returns -1, so that `return err_set(…)` reads well. e may be NULL. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text that is there. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
