/* Two daemons for tests of the bus, run in the folder of a role, where router.sock is:
 *
 *   bus_echo back          a sessiond that gives every STANZA back as a DELIVER, held together by custody
 *   bus_echo there COUNT   a c2sd that sends COUNT stanzas, and checks that each comes back, the first time in order,
 *                          and is acknowledged after that; prints how many came again, exits with 0 at the end; on
 *                          SIGTERM it sends no more */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "loop/loop.h"

#define IN_FLIGHT 200
#define PAUSE_MS 1
#define PER_PAUSE 100

static struct {
	struct loop *loop;
	struct bus *bus;
	struct loop_timer *timer;
	uint64_t count, sent, returned, again, acked;
} t;

/* ---- back ---- */

static void
handle_stanza(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_STANZA *s = msg;
	struct rec_target target = {.conn = s->conn, .k = s->n};
	struct msg_DELIVER d = {.targets = {.items = &target, .count = 1}, .st = s->st};
	(void)ctx;
	bus_send(in->bus, &in->from, MSG_DELIVER, &d, &in->op, in->custody, 0);
}

/* ---- there ---- */

static void
handle_deliver(void *ctx, const struct bus_in *in, const void *msg)
{
	(void)ctx, (void)msg;
	if (in->op.n <= t.returned)
		t.again++;
	else if (in->op.n == t.returned + 1)
		t.returned++;
	else
		log_fatal("%u came after %u", (unsigned)in->op.n, (unsigned)t.returned);
}

static void
on_acked(void *arg)
{
	if ((uintptr_t)arg > t.returned)
		log_fatal("%u was acknowledged before it came back", (unsigned)(uintptr_t)arg);
	if (++t.acked == t.count)
		loop_stop(t.loop);
}

static void
send_one(uint64_t n)
{
	struct msg_STANZA s = {.conn = 1, .n = n, .st = {.payload = S("<body>secret words</body>")}};
	struct opid op = {.n = n};
	struct endpoint sessiond = {.role = ROLE_SESSIOND};
	struct custody *c = custody_new(t.bus, NULL, on_acked, (void *)(uintptr_t)n);
	bus_send(t.bus, &sessiond, MSG_STANZA, &s, &op, c, BUS_PATIENT);
	custody_release(c);
}

/* At a pace that leaves time to kill somebody. */
static void
on_timer(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < PER_PAUSE && t.sent < t.count && t.sent - t.acked < IN_FLIGHT; i++)
		send_one(++t.sent);
}

static void
on_enough(void *ctx)
{
	(void)ctx;
	t.count = t.sent;
	if (t.acked == t.count)
		loop_stop(t.loop);
}

static const struct bus_handler back_handlers[] = {
    {MSG_STANZA, 1u << ROLE_C2SD, handle_stanza}, {0, 0, NULL}};
static const struct bus_handler there_handlers[] = {{MSG_DELIVER, 0, handle_deliver}, {0, 0, NULL}};

int
main(int argc, char **argv)
{
	bool there = argc == 3 && strcmp(argv[1], "there") == 0;
	struct bus_config config = {
	    .role = there ? ROLE_C2SD : ROLE_SESSIOND,
	    .socket_path = "router.sock",
	    .handlers = there ? there_handlers : back_handlers,
	};
	if (!there && (argc != 2 || strcmp(argv[1], "back") != 0))
		log_fatal("usage: bus_echo back | there COUNT");
	if (there && !str_u64(str_z(argv[2]), &t.count))
		log_fatal("not a number: %s", argv[2]);
	t.loop = loop_new();
	t.bus = bus_new(t.loop, &config);
	t.timer = loop_timer_new(t.loop, on_timer, NULL);
	struct loop_signal *enough = loop_signal_new(t.loop, SIGTERM, on_enough, NULL);
	if (there)
		loop_timer_start(t.timer, 0, PAUSE_MS);
	loop_run(t.loop);
	loop_signal_free(&enough);
	printf("returned %u again %u acked %u resent %u\n", (unsigned)t.returned, (unsigned)t.again,
	    (unsigned)t.acked, (unsigned)bus_stats(t.bus).resent);
	loop_timer_free(&t.timer);
	bus_free(&t.bus);
	loop_free(&t.loop);
	return 0;
}
