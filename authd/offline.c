/* The offline mode (offline.h): one thing at a time, on the loop's thread, each change committed
 * before its answer. */
#include "offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/jid.h"
#include "base/log.h"
#include "base/mem.h"
#include "roles.h"

#define LENGTH_BYTES 4
#define TYPE_BYTES 2
#define READ_BYTES 65536

/* ---- one request ---- */

static void
answer_add(struct buf *out, enum msg_type type, const void *msg)
{
	struct buf body = {0};

	bus_encode(&body, bus_message(type), msg);
	buf_add_u32(out, (uint32_t)(TYPE_BYTES + buf_len(&body)));
	buf_add_u16(out, (uint16_t)type);
	buf_add_str(out, buf_str(&body));
	buf_deinit(&body);
}

static void
answer_failed(struct buf *out, uint64_t re, enum bus_error error, const char *text)
{
	const struct msg_FAILED failed = {.re = re, .error = error, .text = str_z(text)};

	answer_add(out, MSG_FAILED, &failed);
}

static void
answer_result(struct buf *out, uint64_t re, enum store_result result)
{
	const struct msg_DONE done = {.re = re};
	struct refusal why = refusal_of(result);

	if (result == STORE_OK)
		answer_add(out, MSG_DONE, &done);
	else
		answer_failed(out, re, why.error, why.text);
}

/* NULL: there is a password in r. */
static const char *
password_take(struct store_request *r, struct str plain, uint32_t iterations)
{
	size_t n;
	char *password = jid_prepare_password(plain, &n);

	if (!password)
		return PASSWORD_REFUSED;
	credentials_make(&r->credentials, str_of(password, n), iterations);
	secret_wipe(password, n);
	free(password);
	return NULL;
}

static void
do_change(
    struct authd *a, struct store_request *r, uint64_t req, struct str *password, struct buf *out)
{
	const char *why = account_refused(r->verb == STORE_ADD ? &a->daemon->suite : NULL, r->jid);

	if (!why && password)
		why = password_take(r, *password, (uint32_t)authd_settings(a)->iterations);
	if (why) {
		answer_failed(out, req, BUS_ERROR_BAD_REQUEST, why);
	} else {
		r->domain = jid_split(r->jid).domain;
		answer_result(out, req, store_run(a->store, r));
	}
	store_request_deinit(r);
}

static void
do_list(struct authd *a, const struct msg_USER_LIST *m, struct buf *out)
{
	struct store_request r = {.verb = STORE_LIST, .domain = m->domain, .after = m->after};
	enum store_result result = store_run(a->store, &r);
	struct rec_account *items = mem_new_array(r.n_rows, sizeof(*items));
	const struct msg_USERS users = {
	    .re = m->req, .more = r.more, .accounts = {.items = items, .count = (uint32_t)r.n_rows}};

	for (size_t i = 0; i < r.n_rows; i++)
		items[i].jid = str_of(r.rows[i].jid, r.rows[i].jid_n);
	if (result == STORE_OK)
		answer_add(out, MSG_USERS, &users);
	else
		answer_result(out, m->req, result);
	free(items);
	store_request_deinit(&r);
}

union request {
	struct msg_USER_ADD add;
	struct msg_USER_PASSWD passwd;
	struct msg_USER_DEL del;
	struct msg_USER_LIST list;
};

static bool
do_request(struct authd *a, unsigned type, struct str body, struct buf *out)
{
	const struct bus_message *m = bus_message(type);
	struct store_request r = {0};
	union request q;

	if (!m || !(m->from & (1u << ROLE_CTL)) || m->body.size > sizeof(q) ||
	    !bus_decode(m, body, &q))
		return false;
	if (type == MSG_USER_ADD) {
		r.verb = STORE_ADD;
		r.jid = q.add.jid;
		do_change(a, &r, q.add.req, &q.add.password, out);
	} else if (type == MSG_USER_PASSWD) {
		r.verb = STORE_PASSWD;
		r.jid = q.passwd.jid;
		r.close_sessions = true;
		do_change(a, &r, q.passwd.req, &q.passwd.password, out);
	} else if (type == MSG_USER_DEL) {
		r.verb = STORE_REMOVE;
		r.jid = q.del.jid;
		do_change(a, &r, q.del.req, NULL, out);
	} else if (type == MSG_USER_LIST) {
		do_list(a, &q.list, out);
	} else {
		return false;
	}
	return true;
}

static uint32_t
number(struct str bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes.n; i++)
		v |= (uint32_t)(uint8_t)bytes.p[i] << (8 * i);
	return v;
}

bool
offline_step(struct authd *a, struct buf *in, struct buf *out)
{
	while (in->data && buf_len(in) >= LENGTH_BYTES + TYPE_BYTES) {
		struct str all = buf_str(in);
		uint32_t n = number(str_of(all.p, LENGTH_BYTES));
		uint32_t type = number(str_of(all.p + LENGTH_BYTES, TYPE_BYTES));

		if (n < TYPE_BYTES || n > BUS_FRAME_MAX)
			return false;
		if (all.n < LENGTH_BYTES + n)
			return true;
		struct str body = str_of(all.p + LENGTH_BYTES + TYPE_BYTES, n - TYPE_BYTES);
		if (!do_request(a, type, body, out))
			return false;
		buf_consume(in, LENGTH_BYTES + n);
	}
	return true;
}

/* ---- the pipes ---- */

struct offline {
	struct loop_watch *input;
	struct loop_timer *end;
	struct buf in, out;
};

static struct offline offline; /* one for the process: the state that the skeleton keeps is authd's */

static bool
write_all(struct buf *out)
{
	while (buf_len(out) > 0) {
		ssize_t n = write(STDOUT_FILENO, buf_str(out).p, buf_len(out));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf_consume(out, (size_t)n);
	}
	return true;
}

static void
on_input(void *ctx, int events)
{
	struct authd *a = ctx;
	ssize_t n = read(STDIN_FILENO, buf_reserve(&offline.in, READ_BYTES), READ_BYTES);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		service_quit(a->daemon);
		return;
	}
	buf_commit(&offline.in, (size_t)n);
	if (!offline_step(a, &offline.in, &offline.out))
		log_fatal("standard input is no request of jackdawctl; see authd(8), --offline");
	if (!write_all(&offline.out))
		log_fatal("cannot write the answer: %s", strerror(errno));
}

static void
on_end(void *ctx)
{
	struct authd *a = ctx;

	service_quit(a->daemon);
}

int
offline_start(struct daemon *d, struct err *err)
{
	if (authd_open_files(d, err) != 0)
		return -1;
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0)
		return err_set(err, "standard input: %s", strerror(errno));
	offline.input = loop_watch_new(d->loop, STDIN_FILENO, on_input, d->state);
	loop_watch_set(offline.input, LOOP_READ);
	return 0;
}

int
make_keys_start(struct daemon *d, struct err *err)
{
	if (authd_open_files(d, err) != 0)
		return -1;
	offline.end = loop_timer_new(d->loop, on_end, d->state);
	loop_timer_start(offline.end, 0, 0);
	return 0;
}

void
offline_stop(struct daemon *d)
{
	loop_watch_free(&offline.input);
	loop_timer_free(&offline.end);
	buf_deinit_secret(&offline.in);
	buf_deinit_secret(&offline.out);
	authd_stop(d);
}
