/* One line, one write to stderr. A line is at most PIPE_BUF bytes, so that a write to a pipe that poll calls
 * writable goes through whole and at once; the descriptor's own flags are left alone because a terminal
 * shares them with other processes. Nothing here allocates: handshake threads and bug() log too. */
#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_LINE_MAX PIPE_BUF
#define LOG_TRACES 16

static char log_name[64] = "jackdaw";
static _Atomic int log_threshold = LOG_INFO;
static _Atomic uint64_t log_lost, log_lost_told;
static const char *log_traces[LOG_TRACES];

static const char *const log_level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

void
log_set_name(const char *name)
{
	snprintf(log_name, sizeof(log_name), "%s", name);
}

void
log_set_level(enum log_level level)
{
	log_threshold = (int)level;
}

enum log_level
log_get_level(void)
{
	return (enum log_level)log_threshold;
}

bool
log_level_parse(struct str s, enum log_level *level_r)
{
	for (unsigned i = 0; i < sizeof(log_level_names) / sizeof(log_level_names[0]); i++) {
		if (str_is(s, log_level_names[i])) {
			*level_r = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_trace_enable(const char *subsystem)
{
	for (unsigned i = 0; i < LOG_TRACES && !log_trace_on(subsystem); i++)
		if (!log_traces[i])
			log_traces[i] = str_dup(str_z(subsystem));
}

bool
log_trace_on(const char *subsystem)
{
	for (unsigned i = 0; i < LOG_TRACES && log_traces[i]; i++)
		if (strcmp(log_traces[i], subsystem) == 0)
			return true;
	return false;
}

uint64_t
log_dropped(void)
{
	return log_lost;
}

/* C1 controls, line and paragraph separators, and the marks that turn the direction of text: each can make a
 * terminal show another line than the one that was written. */
static bool
is_deceptive(const uint8_t *p, size_t n)
{
	if (n == 2)
		return p[0] == 0xC2 && p[1] < 0xA0;
	if (n != 3 || p[0] != 0xE2)
		return false;
	return (p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) ||
	    (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
}

/* Writes the first character of s, or its escape, to out (5 bytes). Returns how much of s it was. */
static size_t
log_escape_one(char out[5], size_t *n_r, struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = str_utf8_len(s);
	if (p[0] == '\n' || p[0] == '\\') {
		out[0] = '\\';
		out[1] = p[0] == '\n' ? 'n' : '\\';
		*n_r = 2;
		return 1;
	}
	if (n == 0 || p[0] < 0x20 || p[0] == 0x7F || is_deceptive(p, n)) {
		*n_r = (size_t)snprintf(out, 5, "\\x%02X", p[0]);
		return 1;
	}
	memcpy(out, p, n);
	*n_r = n;
	return n;
}

/* A character that starts with an escaped byte is escaped whole: its other bytes alone are no UTF-8. */
size_t
log_escape(char *out, size_t cap, struct str s)
{
	size_t n = 0, i = 0, len;
	char one[5];
	while (i < s.n) {
		i += log_escape_one(one, &len, str_from(s, i));
		if (len >= cap - n)
			break;
		memcpy(out + n, one, len);
		n += len;
	}
	out[n] = '\0';
	return n;
}

static void
log_send(const char *line, size_t n)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	/* POLLERR: a pipe without a reader, where a write would raise SIGPIPE. */
	if (poll(&p, 1, 0) != 1 || p.revents != POLLOUT ||
	    write(STDERR_FILENO, line, n) != (ssize_t)n)
		log_lost++;
}

static void
log_line(enum log_level level, const char *id, struct str text)
{
	char stamp[CLOCK_STAMP_MAX], who[160] = "", line[LOG_LINE_MAX];
	clock_stamp(clock_wall_us(), stamp);
	if (id) {
		char shown[128];
		log_escape(shown, sizeof(shown), str_z(id));
		snprintf(who, sizeof(who), "[%s] ", shown);
	}
	int head = snprintf(
	    line, sizeof(line), "%s %s %s %s", stamp, log_name, log_level_names[level], who);
	size_t n = (size_t)head;
	n += log_escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	log_send(line, n);
}

static void
log_tell_lost(void)
{
	uint64_t lost = log_lost, told = log_lost_told;
	char text[64];
	if (lost == told)
		return;
	int n = snprintf(text, sizeof(text), "%llu log lines dropped: stderr was full",
	    (unsigned long long)(lost - told));
	log_line(LOG_WARN, NULL, str_of(text, (size_t)n));
	if (log_lost == lost)
		log_lost_told = lost;
}

static void __attribute__((format(printf, 3, 0)))
log_vwrite(enum log_level level, const char *id, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	log_tell_lost();
	log_line(level, id, str_of(text, len < sizeof(text) ? len : sizeof(text) - 1));
}

void
log_write(enum log_level level, const char *id, const char *fmt, ...)
{
	if ((int)level < log_threshold)
		return;
	va_list ap;
	va_start(ap, fmt);
	log_vwrite(level, id, fmt, ap);
	va_end(ap);
}

void
log_about(enum log_level level, uint64_t number, const char *who, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX], id[24];

	if ((int)level < log_threshold)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)number);
	log_write(level, id, "%s: %s", who, text);
}

void
log_fatal(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_vwrite(LOG_ERROR, NULL, fmt, ap);
	va_end(ap);
	exit(1);
}
