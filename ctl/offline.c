/* See offline.h. Called by accounts.c. The password stands in the clear in the pipe, which is between the two processes
 * alone; the buffers that held it are wiped. */
#include "offline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "spawn.h"
#include "tool.h"

#define ANSWER_MS 60000
#define END_MS 30000
#define HEAD_BYTES 6

struct offline {
	pid_t pid;
	int to_fd, from_fd, errors_fd; /* -1: closed */
	uint64_t request;
	struct buf answer;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
start(struct offline *o, struct ctl *c, struct err *err)
{
	struct tool_argv argv;
	int in[2], out[2];

	o->errors_fd = spawn_scratch(err);
	if (o->errors_fd < 0)
		return -1;
	if (pipe2(in, O_CLOEXEC) != 0)
		return err_set(err, "pipe: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return err_set(err, "pipe: %s", strerror(errno));
	}
	struct spawn_files files = {.in = in[0], .out = out[1], .errors = o->errors_fd};
	tool_argv(&argv, c, program_of(ROLE_AUTHD), "--offline");
	o->pid = spawn_helper(argv.v, &files, err);
	tool_argv_deinit(&argv);
	close(in[0]);
	close(out[1]);
	o->to_fd = in[1];
	o->from_fd = out[0];
	return o->pid > 0 ? 0 : -1;
}

struct offline *
offline_open(struct ctl *c, struct err *err)
{
	struct offline *o = NEW(struct offline);
	struct err ignored;

	o->to_fd = o->from_fd = o->errors_fd = -1;
	if (start(o, c, err) != 0)
		offline_close(&o, &ignored);
	return o;
}

/* Its own last words say best why it ended. */
static int
explain(const struct offline *o, struct err *err)
{
	struct buf b = {0};

	spawn_read_scratch(o->errors_fd, &b);
	tool_last_words(buf_str(&b), err);
	buf_deinit(&b);
	return -1;
}

static int
send_all(struct offline *o, struct str bytes)
{
	while (!str_empty(bytes)) {
		ssize_t n = write(o->to_fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes = str_from(bytes, (size_t)n);
	}
	return 0;
}

/* Exactly n more bytes into o->answer, within the time that is left. */
static int
receive(struct offline *o, size_t n, struct err *err)
{
	uint8_t *p = buf_reserve(&o->answer, n);

	for (size_t got = 0; got < n;) {
		struct pollfd pfd = {.fd = o->from_fd, .events = POLLIN};
		int ready = poll(&pfd, 1, ANSWER_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return err_set(err, "authd --offline gives no answer");
		ssize_t r = read(o->from_fd, p + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return explain(o, err);
		got += (size_t)r;
	}
	buf_commit(&o->answer, n);
	return 0;
}

static int
send_request(struct offline *o, enum msg_type type, const void *msg, struct err *err)
{
	struct buf body = {0}, frame = {0};

	bus_encode(&body, bus_message(type), msg);
	buf_reserve(&frame, HEAD_BYTES + buf_len(&body));
	buf_add_u32(&frame, (uint32_t)(2 + buf_len(&body)));
	buf_add_u16(&frame, (uint16_t)type);
	buf_add_str(&frame, buf_str(&body));
	int rc = send_all(o, buf_str(&frame));
	buf_deinit_secret(&body);
	buf_deinit_secret(&frame);
	return rc == 0 ? 0 : explain(o, err);
}

static uint32_t
number(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

const struct bus_message *
offline_ask(struct offline *o, enum msg_type type, void *msg, union bus_any *msg_r, struct err *err)
{
	uint8_t head[HEAD_BYTES] = {0};

	*(uint64_t *)msg = ++o->request; /* `req` is the first field of every request */
	buf_clear(&o->answer);
	if (send_request(o, type, msg, err) != 0 || receive(o, sizeof(head), err) != 0)
		return NULL;
	struct str got = buf_str(&o->answer);
	if (got.p)
		memcpy(head, got.p, sizeof(head));
	uint32_t n = number(head, 4);
	const struct bus_message *m = bus_message(number(head + 4, 2));
	if (!m || n < 2 || n > BUS_FRAME_MAX) {
		err_set(err, "authd --offline gives no sensible answer");
		return NULL;
	}
	if (receive(o, n - 2, err) != 0)
		return NULL;
	if (!bus_decode(m, str_from(buf_str(&o->answer), HEAD_BYTES), msg_r)) {
		err_set(err, "authd --offline gives no sensible answer");
		return NULL;
	}
	return m;
}

int
offline_close(struct offline **op, struct err *err)
{
	struct offline *o = *op;
	int rc = 0;

	if (!o)
		return 0;
	*op = NULL;
	close_fd(&o->to_fd);
	if (o->pid > 0) {
		rc = spawn_wait(o->pid, "authd --offline", END_MS, err);
		if (rc > 0)
			rc = explain(o, err);
	}
	close_fd(&o->from_fd);
	close_fd(&o->errors_fd);
	buf_deinit(&o->answer);
	free(o);
	return rc;
}
