/* See drain.h. One per child of the supervisor (child.c), and one for the supervisor itself.
 *
 * The queues: the pipe (64 KiB, the daemon drops and counts when it is full), one line being put together
 * (LINE_MAX_BYTES, longer ones are cut). A full disk or a screen that does not keep up loses lines, counted. */
#include "drain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "line.h"

#define READ_BYTES 16384
#define READS_PER_TURN 8

struct drain {
	struct drain_place place;
	char name[32];
	char program[32];
	int pipe_fd;
	int file_fd; /* -1: could not be opened, tried again with every line */
	struct loop_watch *watch;
	struct buf partial; /* of a line whose end has not come; at most LINE_MAX_BYTES */
	struct buf last[DRAIN_LAST];
	unsigned n_last;
	uint64_t lost; /* lines that the disk did not take */
};

static void
open_file(struct drain *d)
{
	char file[48];

	if (d->file_fd >= 0)
		close(d->file_fd);
	snprintf(file, sizeof(file), "%s.log", d->program);
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	d->file_fd = openat(d->place.log_dir, file, flags, 0640);
}

/* Into the file, whole or not at all as far as the disk allows. */
static bool
write_file(struct drain *d, struct str text)
{
	if (d->file_fd < 0)
		open_file(d);
	return d->file_fd >= 0 && write(d->file_fd, text.p, text.n) == (ssize_t)text.n;
}

/* A terminal that is stopped (Ctrl-S) or a full pipe must not stop the supervisor. */
static void
write_screen(struct str text)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	for (struct str part; !str_empty(text); text = str_from(text, part.n)) {
		part = str_of(text.p, text.n < PIPE_BUF ? text.n : PIPE_BUF);
		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT) || (p.revents & POLLERR) ||
		    write(STDOUT_FILENO, part.p, part.n) < 0)
			return;
	}
}

static void
tell_lost(struct drain *d, const char *stamp)
{
	struct buf b = {0};

	buf_printf(&b, "%s %s warn %llu lines were lost: the disk did not take them\n", stamp,
	    d->name, (unsigned long long)d->lost);
	if (write_file(d, buf_str(&b)))
		d->lost = 0;
	buf_deinit(&b);
}

static void
remember(struct drain *d, struct str line)
{
	struct buf *b = &d->last[d->n_last++ % DRAIN_LAST];

	buf_clear(b);
	buf_add_str(b, line);
}

static void
handle_line(struct drain *d, struct str line)
{
	char stamp[CLOCK_STAMP_MAX];
	struct buf b = {0};

	if (str_empty(str_trim(line)))
		return;
	clock_stamp(clock_wall_us(), stamp);
	if (d->lost > 0)
		tell_lost(d, stamp);
	line_for_file(&b, line, d->name, stamp);
	remember(d, buf_str(&b));
	buf_add_c(&b, '\n');
	if (!write_file(d, buf_str(&b)))
		d->lost++;
	if (d->place.on_screen) {
		buf_clear(&b);
		line_for_screen(&b, line, d->name, stamp);
		buf_add_c(&b, '\n');
		write_screen(buf_str(&b));
	}
	buf_deinit(&b);
}

/* Part of a line; what is too long for one line becomes several. */
static void
handle_part(struct drain *d, struct str part)
{
	buf_add_str(&d->partial, part);
	while (buf_len(&d->partial) > LINE_MAX_BYTES) {
		handle_line(d, str_of(buf_str(&d->partial).p, LINE_MAX_BYTES));
		buf_consume(&d->partial, LINE_MAX_BYTES);
	}
}

static void
handle_bytes(struct drain *d, struct str bytes)
{
	struct str line, rest = bytes;

	while (str_split(rest, '\n', &line, &rest)) {
		handle_part(d, line);
		handle_line(d, buf_str(&d->partial));
		buf_clear(&d->partial);
	}
	handle_part(d, line); /* what follows the last newline */
}

void
drain_flush(struct drain *d)
{
	char bytes[READ_BYTES];
	ssize_t n;

	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		n = read(d->pipe_fd, bytes, sizeof(bytes));
		if (n <= 0)
			return;
		handle_bytes(d, str_of(bytes, (size_t)n));
	}
}

static void
on_readable(void *ctx, int events)
{
	(void)events;
	drain_flush(ctx);
}

static int
open_pipe(int dir, const char *name, struct err *err)
{
	char file[48];
	struct stat st;

	snprintf(file, sizeof(file), "%s.log-pipe", name);
	if (mkfifoat(dir, file, 0600) != 0 && errno != EEXIST)
		return err_set(err, "cannot make the log pipe %s: %s", file, strerror(errno));
	int fd = openat(dir, file, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, "cannot open the log pipe %s: %s", file, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode)) {
		close(fd);
		return err_set(err, "%s in the run folder is no pipe; remove it", file);
	}
	return fd;
}

struct drain *
drain_new(struct loop *loop, const struct drain_place *place, const char *name, const char *program,
    struct err *err)
{
	int fd = open_pipe(place->run_dir, name, err);

	if (fd < 0)
		return NULL;
	struct drain *d = NEW(struct drain);
	d->place = *place;
	d->pipe_fd = fd;
	d->file_fd = -1;
	str_copy(d->name, sizeof(d->name), str_z(name));
	str_copy(d->program, sizeof(d->program), str_z(program));
	d->watch = loop_watch_new(loop, fd, on_readable, d);
	loop_watch_set(d->watch, LOOP_READ);
	return d;
}

void
drain_free(struct drain **dp)
{
	struct drain *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	drain_flush(d);
	loop_watch_free(&d->watch);
	close(d->pipe_fd);
	if (d->file_fd >= 0)
		close(d->file_fd);
	buf_deinit(&d->partial);
	for (unsigned i = 0; i < DRAIN_LAST; i++)
		buf_deinit(&d->last[i]);
	free(d);
}

int
drain_fd(const struct drain *d)
{
	return d->pipe_fd;
}

void
drain_say(struct drain *d, enum log_level level, const char *fmt, ...)
{
	static const char *const levels[] = {
	    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
	char stamp[CLOCK_STAMP_MAX], text[1024];
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clock_stamp(clock_wall_us(), stamp);
	buf_printf(&b, "%s %s %s %s", stamp, d->name, levels[level], text);
	handle_line(d, buf_str(&b));
	buf_deinit(&b);
}

void
drain_reopen(struct drain *d)
{
	open_file(d);
}

void
drain_last_lines(const struct drain *d, struct buf *out)
{
	unsigned first = d->n_last > DRAIN_LAST ? d->n_last - DRAIN_LAST : 0;

	for (unsigned i = first; i < d->n_last; i++) {
		buf_add_z(out, "    ");
		buf_add_str(out, buf_str(&d->last[i % DRAIN_LAST]));
		buf_add_c(out, '\n');
	}
}

void
drain_forget(struct drain *d)
{
	d->n_last = 0;
}
