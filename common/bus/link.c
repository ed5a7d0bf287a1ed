/* The link to the router: connects, cuts the stream into frames for the core, writes once per turn, reconnects for ever.
 *
 *   WAITING --timer--> CONNECTING --connected--> GREETING (HELLO sent) --WELCOME--> LINKED
 *     GREETING, LINKED --closed, nonsense--> WAITING (20 ms, doubled up to 1 s until WELCOME comes)
 *     GREETING --5 s--> WAITING */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/bus_private.h"
#include "loop/conn.h"

#define RETRY_FIRST_MS 20
#define RETRY_LAST_MS 1000
#define GREETING_MS 5000
#define TICK_MS 100
#define ACK_WAIT_MS 2

struct link {
	struct loop *loop;
	struct bus *bus;
	struct sockaddr_un address;
	struct conn *conn; /* NULL in WAITING */
	struct frame_cutter cutter;
	struct loop_timer *retry; /* WAITING: connect; GREETING: give up */
	struct loop_timer *tick;
	struct loop_timer *acks; /* just wakes the loop: the turn looks whether it is time */
	bool ticking;
	struct loop_hook *hook;
	unsigned delay_ms;
};

/* The connection's pointer back, cleared when the link has let go of it. */
struct link_conn {
	struct link *link;
};

static void link_connect(void *ctx);

static void
link_wait(struct link *l)
{
	loop_timer_start(l->retry, l->delay_ms, 0);
	l->delay_ms = l->delay_ms * 2 < RETRY_LAST_MS ? l->delay_ms * 2 : RETRY_LAST_MS;
}

/* Lets go of the connection; on_closed finds no link any more. */
static void
link_drop(struct link *l)
{
	if (!l->conn)
		return;
	struct link_conn *lc = conn_user(l->conn);
	lc->link = NULL;
	conn_close(l->conn, 0);
	l->conn = NULL;
	frame_cutter_deinit(&l->cutter);
	bus_core_disconnected(l->bus);
}

static void
link_lost(struct link *l)
{
	link_drop(l);
	link_wait(l);
}

static void
on_greeting_over(void *ctx)
{
	struct link *l = ctx;
	if (l->conn)
		link_lost(l);
	else
		link_connect(l);
}

/* ---- the connection ---- */

static bool
on_frame(void *ctx, const struct frame *f)
{
	struct link *l = ctx;
	bool was_linked = l->bus->linked;
	if (!bus_core_frame(l->bus, f))
		return false;
	if (!was_linked && l->bus->linked) {
		loop_timer_stop(l->retry);
		l->delay_ms = RETRY_FIRST_MS;
	}
	return true;
}

static void
on_input(struct conn *c, struct str bytes)
{
	struct link *l = ((struct link_conn *)conn_user(c))->link;
	const char *error;
	if (!l || frame_cut(&l->cutter, bytes, on_frame, l, &error))
		return;
	log_debug("bus: the router talks nonsense: %s", error ? error : "bad frame");
	link_lost(l);
}

static void
on_closed(struct conn *c, int error)
{
	struct link *l = ((struct link_conn *)conn_user(c))->link;
	(void)error;
	if (l)
		link_lost(l);
}

static const struct conn_methods link_methods = {.input = on_input, .closed = on_closed};

static struct buf *
link_out(void *ctx)
{
	struct link *l = ctx;
	return conn_out(l->conn);
}

/* A Unix socket connects at once or not at all. */
static int
link_open_socket(struct link *l)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&l->address, sizeof(l->address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
link_connect(void *ctx)
{
	struct link *l = ctx;
	int fd = link_open_socket(l);
	if (fd < 0) {
		link_wait(l);
		return;
	}
	l->conn = conn_new(l->loop, fd, &link_methods, sizeof(struct link_conn));
	((struct link_conn *)conn_user(l->conn))->link = l;
	loop_timer_start(l->retry, GREETING_MS, 0);
	bus_core_connected(l->bus, link_out, l);
	conn_kick(l->conn);
}

/* ---- turns ---- */

static void
on_acks(void *ctx)
{
	(void)ctx;
}

static void
on_tick(void *ctx)
{
	struct link *l = ctx;
	bus_core_tick(l->bus);
}

static void
link_arm_tick(struct link *l)
{
	bool wanted = bus_core_needs_ticks(l->bus);
	if (wanted == l->ticking)
		return;
	l->ticking = wanted;
	if (wanted)
		loop_timer_start(l->tick, TICK_MS, TICK_MS);
	else
		loop_timer_stop(l->tick);
}

static void
on_turn(void *ctx)
{
	struct link *l = ctx;
	bus_core_turn(l->bus);
	link_arm_tick(l);
	if (bus_core_owes_acks(l->bus))
		loop_timer_start(l->acks, ACK_WAIT_MS, 0);
	if (l->conn && conn_queued(l->conn) > 0)
		conn_kick(l->conn);
}

struct link *
bus_link_new(struct loop *loop, struct bus *b, const char *socket_path)
{
	struct link *l = NEW(struct link);
	l->loop = loop;
	l->bus = b;
	l->delay_ms = RETRY_FIRST_MS;
	l->address.sun_family = AF_UNIX;
	if (!str_copy(l->address.sun_path, sizeof(l->address.sun_path), str_z(socket_path)))
		bug("bus: the socket's path is too long: %s", socket_path);
	l->retry = loop_timer_new(loop, on_greeting_over, l);
	l->tick = loop_timer_new(loop, on_tick, l);
	l->acks = loop_timer_new(loop, on_acks, l);
	b->ack_wait_ms = ACK_WAIT_MS;
	l->hook = loop_hook_new(loop, on_turn, l);
	loop_timer_start(l->retry, 0, 0);
	return l;
}

void
bus_link_free(struct link **lp)
{
	struct link *l = *lp;
	if (!l)
		return;
	link_drop(l);
	frame_cutter_deinit(&l->cutter);
	loop_timer_free(&l->retry);
	loop_timer_free(&l->tick);
	loop_timer_free(&l->acks);
	loop_hook_free(&l->hook);
	free(l);
	*lp = NULL;
}
