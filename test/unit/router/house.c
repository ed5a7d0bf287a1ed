/* See house.h. */
#include "house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_US 10000000 /* who comes may be let in only after a pause: listener.c */

struct loop *loop;
struct hub *hub;
struct client c2sd, sessiond, storaged;

void
house_turns(int n)
{
	for (int i = 0; i < n; i++)
		loop_run_once(loop);
}

/* ---- clients ---- */

int
house_dial(enum role role)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), str_z(rig_socket(role))));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void
client_dial(struct client *c, enum role role, uint64_t inc)
{
	*c = (struct client){.fd = house_dial(role), .number = frame_endpoint(role, 0), .inc = inc};
}

void
client_write(struct client *c, struct str bytes)
{
	ssize_t n;
	while (bytes.n > 0) {
		n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break; /* the router has closed it: the test will see */
		bytes = str_from(bytes, n > 0 ? (size_t)n : 0);
		house_turns(2);
	}
}

void
client_send(struct client *c, struct frame *f, enum msg_type type, const void *msg)
{
	struct buf b = {0};
	frame_add_message(&b, f, bus_message(type), msg);
	client_write(c, buf_str(&b));
	buf_deinit(&b);
}

void
client_reads(struct client *c)
{
	house_turns(3);
	for (;;) {
		ssize_t n = recv(c->fd, buf_reserve(&c->in, 65536), 65536, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->closed = true;
			return;
		}
		buf_commit(&c->in, (size_t)n);
	}
}

void
client_hang_up(struct client *c)
{
	if (c->fd > 0)
		close(c->fd);
	buf_deinit(&c->in);
	*c = (struct client){0};
}

static bool
keep(void *ctx, const struct frame *f)
{
	*(struct frame *)ctx = *f;
	return true;
}

/* The next frame; its body is borrowed from *copy. */
bool
client_next(struct client *c, struct frame *f_r, struct buf *copy)
{
	uint32_t length;
	const char *error;
	struct frame_cutter cutter = {{0}};
	client_reads(c);
	if (buf_len(&c->in) < sizeof(length))
		return false;
	memcpy(&length, buf_str(&c->in).p, sizeof(length));
	buf_clear(copy);
	buf_add(copy, buf_str(&c->in).p, length);
	buf_consume(&c->in, length);
	return frame_cut(&cutter, buf_str(copy), keep, f_r, &error);
}

void
client_expect(struct client *c, enum msg_type type)
{
	struct frame f;
	struct buf copy = {0};
	uint64_t until_us = clock_mono_us() + PATIENCE_US;
	while (!client_next(c, &f, &copy) && !c->closed && clock_mono_us() < until_us)
		;
	if (buf_len(&copy) == 0)
		fail_msg("nothing came instead of %s", bus_message(type)->body.name);
	if (f.type != type)
		fail_msg("%s came instead of %s", bus_message(f.type)->body.name,
		    bus_message(type)->body.name);
	assert_int_equal(f.dst, c->number);
	assert_int_equal(f.dst_inc, c->inc);
	buf_deinit(&copy);
}

void
client_expect_nothing(struct client *c)
{
	client_reads(c);
	assert_int_equal(buf_len(&c->in), 0);
	assert_false(c->closed);
}

/* The link is closed; the others see PEER_DOWN and nothing else, and can still talk. */
void
client_expect_closed(struct client *c)
{
	client_reads(c);
	assert_true(c->closed);
}

struct frame
client_header(const struct client *c, const struct client *to)
{
	return (struct frame){
	    .src = c->number,
	    .src_inc = c->inc,
	    .dst = to ? to->number : 0,
	    .dst_inc = to ? to->inc : 0,
	};
}

void
client_greet(struct client *c)
{
	struct msg_HELLO hello = {
	    bus_schema_hash(), (uint8_t)frame_role(c->number), frame_instance(c->number), c->inc};
	struct frame f = client_header(c, NULL);
	client_send(c, &f, MSG_HELLO, &hello);
}

void
client_send_stanza(struct client *c, const struct client *to)
{
	struct msg_STANZA s = {.n = 1};
	struct frame f = client_header(c, to);
	f.seq = 1;
	client_send(c, &f, MSG_STANZA, &s);
}

/* ---- the house: c2sd, sessiond and storaged are linked ---- */

int
house_setup(void **state)
{
	(void)state;
	rig_enter();
	loop = loop_new();
	hub = rig_hub(loop);
	client_dial(&sessiond, ROLE_SESSIOND, 20);
	client_greet(&sessiond);
	client_expect(&sessiond, MSG_WELCOME);
	client_dial(&storaged, ROLE_STORAGED, 30);
	client_greet(&storaged);
	client_expect(&storaged, MSG_WELCOME);
	client_dial(&c2sd, ROLE_C2SD, 10);
	client_greet(&c2sd);
	client_expect(&c2sd, MSG_WELCOME);
	client_expect(&sessiond, MSG_PEER_UP);
	client_expect(&sessiond, MSG_PEER_UP);
	client_expect_nothing(&storaged);
	return 0;
}

int
house_teardown(void **state)
{
	(void)state;
	client_hang_up(&c2sd);
	client_hang_up(&sessiond);
	client_hang_up(&storaged);
	house_turns(2);
	hub_free(&hub);
	loop_free(&loop);
	rig_leave();
	return 0;
}

/* What must hold after c2sd has broken a rule. */
void
house_only_c2sd_is_closed(void)
{
	client_expect_closed(&c2sd);
	client_expect(&sessiond, MSG_PEER_DOWN);
	client_expect_nothing(&sessiond);
	client_expect_nothing(&storaged);
	assert_int_equal(hub_n_links(hub), 2);
	assert_int_equal(hub_stats(hub).refused, 1);
}
