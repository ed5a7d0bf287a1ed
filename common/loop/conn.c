/* A stream socket on the loop. Input goes through one buffer of the loop; output is collected in the connection's
 * own buffer and written once per turn; an empty one is lent back to the loop.
 *
 *   OPEN --conn_close--> FLUSHING --all written--> DRAINING --end of input--> CLOSED
 *     any --error, end of input, linger_ms over, conn_abort--> CLOSED
 *
 * DRAINING reads and forgets what the peer still sends: closing a TCP socket with unread input resets the connection,
 * and the peer would lose what we wrote last. conn_finish is the one teardown; the closed method is called from
 * libuv's close callback, so never from inside a call into this module. */
#include "loop/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop_private.h"

#define READS_PER_EVENT 4
#define DEFAULT_LOW (64 * 1024)
#define DEFAULT_HIGH (256 * 1024)

enum conn_state {
	CONN_OPEN,
	CONN_FLUSHING,
	CONN_DRAINING,
	CONN_CLOSED,
};

struct conn {
	uv_poll_t poll;
	struct loop *loop;
	const struct conn_methods *methods;
	struct list dirty;        /* in loop->dirty while there is something new to write */
	struct list lingering;    /* in loop->lingering from conn_close on */
	struct loop_timer *timer; /* of FLUSHING and DRAINING */
	struct loop_later later;  /* of a patient one that can be read */
	struct buf out;           /* bounded by its owner: see conn_is_congested */
	size_t low, high;
	size_t share; /* of a turn's input; 0: no bound */
	int fd;
	int error;   /* for the closed method */
	int watched; /* events of libuv */
	enum conn_state state;
	bool paused;
	bool is_patient;
	bool is_put_off; /* it is not asked for input until its time comes */
	bool congested;
	bool blocked; /* the kernel takes no more: wait for WRITABLE */
	_Alignas(16) uint8_t user[];
};

static void on_ready(uv_poll_t *handle, int status, int events);

static bool
conn_wants_input(const struct conn *c)
{
	return (c->state == CONN_OPEN && !c->paused) || c->state == CONN_DRAINING;
}

static void
conn_watch(struct conn *c)
{
	int events = c->blocked ? UV_WRITABLE : 0;
	if (conn_wants_input(c) && !c->is_put_off)
		events |= UV_READABLE;
	if (events == c->watched)
		return;
	c->watched = events;
	if (events)
		uv_poll_start(&c->poll, events, on_ready);
	else
		uv_poll_stop(&c->poll);
}

/* ---- end ---- */

static void
on_closed(uv_handle_t *handle)
{
	struct conn *c = CONTAINER_OF(handle, struct conn, poll);
	c->methods->closed(c, c->error);
	buf_deinit(&c->out);
	free(c);
}

static void
conn_finish(struct conn *c, int error)
{
	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	if (!c->error)
		c->error = error;
	list_remove(&c->dirty);
	list_remove(&c->lingering);
	loop_later_cancel(&c->later);
	loop_timer_free(&c->timer);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
	c->fd = -1;
}

static void
on_linger_over(void *ctx)
{
	struct conn *c = ctx;
	conn_finish(c, c->state == CONN_FLUSHING ? -ETIMEDOUT : 0);
}

void
conn_abort_lingering(struct loop *l)
{
	while (!list_empty(&l->lingering))
		conn_finish(CONTAINER_OF(l->lingering.next, struct conn, lingering), -ECANCELED);
}

/* ---- output ---- */

static void
conn_lend_out(struct conn *c)
{
	struct loop *l = c->loop;
	if (c->out.cap > 0 && c->out.cap <= LOOP_SPARE_BYTES && l->n_spares < LOOP_SPARES) {
		buf_clear(&c->out);
		l->spares[l->n_spares++] = c->out;
		c->out = (struct buf){0};
	}
	buf_trim(&c->out);
}

static void
conn_all_written(struct conn *c)
{
	conn_lend_out(c);
	if (c->state == CONN_FLUSHING) {
		c->state = CONN_DRAINING;
		shutdown(c->fd, SHUT_WR);
		conn_watch(c);
	} else if (c->state == CONN_OPEN && c->methods->flushed) {
		c->methods->flushed(c);
	}
}

static void
conn_told_written(struct conn *c)
{
	if (c->congested && buf_len(&c->out) <= c->low) {
		c->congested = false;
		if (c->state == CONN_OPEN && c->methods->drained)
			c->methods->drained(c);
	}
}

static void
conn_set_blocked(struct conn *c, bool blocked)
{
	if (c->blocked == blocked)
		return;
	c->blocked = blocked;
	conn_watch(c);
}

/* The descriptor does not block, but somebody who has handed it to us may have kept one of the same socket, and can change that
 * (edge/handover.h). */
static ssize_t
send_some(struct conn *c)
{
	return send(c->fd, buf_str(&c->out).p, buf_len(&c->out), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void conn_fail(struct conn *c, int error);

/* Writes what the kernel takes. The methods it calls may close the connection. */
static void
conn_flush(struct conn *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = send_some(c);
		if (n >= 0) {
			buf_consume(&c->out, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			conn_fail(c, -errno);
			return;
		}
		conn_set_blocked(c, true);
		conn_told_written(c);
		return;
	}
	conn_set_blocked(c, false);
	conn_told_written(c);
	if (c->state != CONN_CLOSED && buf_len(&c->out) == 0)
		conn_all_written(c);
}

/* Those that become dirty meanwhile come in the next round, so that no connection can hold the turn. */
void
conn_flush_dirty(struct loop *l)
{
	struct list *last = l->dirty.prev;
	bool done = list_empty(&l->dirty);
	while (!done && !list_empty(&l->dirty)) {
		struct conn *c = CONTAINER_OF(l->dirty.next, struct conn, dirty);
		done = &c->dirty == last;
		list_remove(&c->dirty);
		conn_flush(c);
	}
	if (!list_empty(&l->dirty))
		loop_again(l);
}

void
conn_kick(struct conn *c)
{
	if (c->state == CONN_CLOSED || c->state == CONN_DRAINING)
		return;
	if (buf_len(&c->out) > c->high)
		c->congested = true;
	if (c->blocked || c->dirty.next != &c->dirty)
		return;
	list_add(&c->loop->dirty, &c->dirty);
}

struct buf *
conn_out(struct conn *c)
{
	struct loop *l = c->loop;
	if (!c->out.data && l->n_spares > 0)
		c->out = l->spares[--l->n_spares];
	return &c->out;
}

void
conn_write(struct conn *c, struct str bytes)
{
	if (c->state != CONN_OPEN)
		return;
	buf_add_str(conn_out(c), bytes);
	conn_kick(c);
}

size_t
conn_queued(const struct conn *c)
{
	return buf_len(&c->out);
}

void
conn_set_water(struct conn *c, size_t low, size_t high)
{
	c->low = low;
	c->high = high;
}

bool
conn_is_congested(const struct conn *c)
{
	return c->congested;
}

/* ---- input ---- */

static int
conn_socket_error(const struct conn *c)
{
	int error = 0;
	socklen_t n = sizeof(error);
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	return error ? -error : -ECONNRESET;
}

/* The peer sends no more. What is queued is offered to the kernel once: it may still read. */
static void
conn_input_ended(struct conn *c)
{
	if (buf_len(&c->out) > 0)
		(void)!send_some(c);
	conn_finish(c, 0);
}

/* False when there is nothing more to read now. */
static bool
conn_read_once(struct conn *c)
{
	size_t most = c->share ? c->share : sizeof(c->loop->input);
	ssize_t n = recv(c->fd, c->loop->input, most, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			conn_finish(c, -errno);
		return false;
	}
	if (n == 0) {
		conn_input_ended(c);
		return false;
	}
	if (c->state == CONN_OPEN)
		c->methods->input(c, str_of(c->loop->input, (size_t)n));
	return (size_t)n == most && !c->share;
}

static void
conn_read(struct conn *c)
{
	for (int i = 0; i < READS_PER_EVENT && conn_wants_input(c); i++)
		if (!conn_read_once(c))
			return;
}

/* The peer takes no more, or its socket has an error: what it had said before still counts. */
static void
conn_fail(struct conn *c, int error)
{
	c->error = error;
	conn_read(c);
	conn_finish(c, error);
}

static void
on_later(struct loop_later *w)
{
	struct conn *c = CONTAINER_OF(w, struct conn, later);
	if (c->is_put_off) {
		c->is_put_off = false;
		conn_watch(c);
	}
	conn_read(c);
}

/* One that waits for longer than a turn is reported once more and then no longer. */
static void
conn_read_later(struct conn *c)
{
	if (loop_later_waits(&c->later)) {
		c->is_put_off = true;
		conn_watch(c);
	}
	loop_later(c->loop, &c->later);
}

static void
on_ready(uv_poll_t *handle, int status, int events)
{
	struct conn *c = CONTAINER_OF(handle, struct conn, poll);
	if (status < 0) {
		conn_fail(c, conn_socket_error(c));
		return;
	}
	if (events & UV_WRITABLE)
		conn_flush(c);
	if (!(events & UV_READABLE) || c->state == CONN_CLOSED)
		return;
	if (!conn_wants_input(c))
		conn_watch(c);
	else if (c->is_patient)
		conn_read_later(c);
	else
		conn_read(c);
}

void
conn_set_nodelay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void
conn_set_patient(struct conn *c, bool is_patient)
{
	c->is_patient = is_patient;
}

void
conn_set_share(struct conn *c, size_t bytes)
{
	c->share = bytes < LOOP_INPUT_BYTES ? bytes : LOOP_INPUT_BYTES;
}

/* Most pauses are over before anything comes: the socket is watched until something does. */
void
conn_pause(struct conn *c)
{
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->state == CONN_OPEN)
		conn_watch(c);
}

/* ---- life ---- */

struct conn *
conn_new(struct loop *l, int fd, const struct conn_methods *methods, size_t user_size)
{
	struct conn *c = mem_new(sizeof(*c) + user_size);
	c->loop = l;
	c->fd = fd;
	c->methods = methods;
	c->low = DEFAULT_LOW;
	c->high = DEFAULT_HIGH;
	list_init(&c->dirty);
	list_init(&c->lingering);
	loop_later_init(&c->later, on_later);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		bug("conn_new: not a descriptor");
	int status = uv_poll_init(&l->uv, &c->poll, fd);
	if (status < 0)
		bug("conn_new: %s", uv_strerror(status));
	conn_watch(c);
	return c;
}

void *
conn_user(struct conn *c)
{
	return c->user;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}

void
conn_abort(struct conn *c)
{
	conn_finish(c, -ECANCELED);
}

void
conn_close(struct conn *c, unsigned linger_ms)
{
	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_FLUSHING;
	list_add(&c->loop->lingering, &c->lingering);
	conn_flush(c);
	if (c->state == CONN_CLOSED)
		return;
	if (linger_ms == 0) {
		conn_finish(c, 0);
		return;
	}
	conn_watch(c);
	c->timer = loop_timer_new(c->loop, on_linger_over, c);
	loop_timer_start(c->timer, linger_ms, 0);
}
