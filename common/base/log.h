/* Log lines to stderr: `2026-11-20T18:00:00.123Z c2sd.0 info [a1b2c3] text`. Never blocks: a line that
 * does not fit into the pipe is dropped and counted, and the count is said with the next line that fits.
 * Bytes of strangers are escaped. common/ never logs above debug. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

/* Who writes ("c2sd.0"); until then "jackdaw". Copied. */
void log_set_name(const char *name);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "debug", "info", "warn", "error"; false when it is none of them. */
bool log_level_parse(struct str s, enum log_level *level_r);

/* Trace subsystems, switched by -T NAME: "bus", "xml", "tls" … */
void log_trace_enable(const char *subsystem);
bool log_trace_on(const char *subsystem);

/* id: session or connection id shown in brackets, or NULL. */
void log_write(enum log_level level, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define LOG_WHO_MAX 3600 /* a JID and more */
/* The same of an object: its number is shown in brackets, who it is (escaped, as all) before the text. */
void log_about(enum log_level level, uint64_t number, const char *who, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

#define log_debug(...) log_write(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, NULL, __VA_ARGS__)

/* Lines dropped since start because stderr was full. */
uint64_t log_dropped(void);

/* Writes s to out (cap bytes with the NUL) as log lines show it: control characters and bytes that are no UTF-8
 * as \xNN, newline as \n, backslash doubled. Cut between characters when it does not fit. Returns the length. */
size_t log_escape(char *out, size_t cap, struct str s);

/* Says what stopped the start, and exits with status 1. */
_Noreturn void log_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
