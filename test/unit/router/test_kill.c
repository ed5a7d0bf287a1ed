/* Two echoing endpoints over a real router process, with kill -9 under traffic: everything arrives once, in order.
 *
 * c2sd (this process) sends numbered STANZAs to sessiond (a process of its own), which gives each back as a DELIVER, held
 * together by custody. c2sd counts what comes back and what is acknowledged. After the death of sessiond what was in
 * flight is handled again by its successor, so a DELIVER may come again there: the ledger that prevents it
 * belongs to sessiond (BUS.md §7), so here the receiver drops it by its operation id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rig.h"

#define MESSAGES 60000
#define KILLS 5
#define IN_FLIGHT 500
#define DEADLINE_MS 60000

/* ---- sessiond: echoes ---- */

static void
handle_stanza(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_STANZA *s = msg;
	struct rec_target target = {.conn = s->conn, .k = s->n};
	struct msg_DELIVER d = {.targets = {.items = &target, .count = 1}, .st = s->st};
	(void)ctx;
	bus_send(in->bus, &in->from, MSG_DELIVER, &d, &in->op, in->custody, 0);
}

static const struct bus_handler echo_handlers[] = {
    {MSG_STANZA, 1u << ROLE_C2SD, handle_stanza}, {0, 0, NULL}};

static void
run_echo(void *arg)
{
	(void)arg;
	struct loop *loop = loop_new();
	struct bus_config config = {
	    .role = ROLE_SESSIOND,
	    .socket_path = rig_socket(ROLE_SESSIOND),
	    .handlers = echo_handlers,
	};
	bus_new(loop, &config);
	loop_run(loop);
}

/* ---- c2sd ---- */

static struct {
	struct loop *loop;
	struct bus *bus;
	struct loop_hook *hook;
	struct loop_timer *deadline;
	uint64_t sent, returned, acked, repeated;
	bool may_repeat;
	void (*at)(void); /* called at each step of progress */
	uint64_t at_step, next_at;
} t;

static void
on_acked(void *arg)
{
	uint64_t n = (uintptr_t)arg;
	/* custody: acknowledged only when it has come back */
	assert_true(n <= t.returned);
	t.acked++;
	if (t.acked == MESSAGES)
		loop_stop(t.loop);
}

static void
send_one(void)
{
	char payload[200];
	uint64_t n = ++t.sent;
	int len = snprintf(payload, sizeof(payload), "<body xmlns='jabber:client'>%0*u</body>",
	    (int)(n % 100), (unsigned)n);
	struct msg_STANZA s = {.conn = 7, .n = n, .st = {.payload = str_of(payload, (size_t)len)}};
	struct opid op = {.n = n};
	struct endpoint to = {.role = ROLE_SESSIOND};
	struct custody *c = custody_new(t.bus, NULL, on_acked, (void *)(uintptr_t)n);
	bus_send(t.bus, &to, MSG_STANZA, &s, &op, c, BUS_PATIENT);
	custody_release(c);
}

static void
on_turn(void *ctx)
{
	(void)ctx;
	while (t.sent < MESSAGES && t.sent - t.acked < IN_FLIGHT)
		send_one();
}

static void
handle_deliver(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_DELIVER *d = msg;
	struct bus_list it = d->targets;
	struct rec_target target;
	(void)ctx;
	assert_true(bus_list_next(&it, &bus_record_target, &target));
	assert_int_equal(target.k, in->op.n);
	if (in->op.n <= t.returned) {
		assert_true(t.may_repeat);
		t.repeated++;
		return;
	}
	assert_int_equal(in->op.n, t.returned + 1);
	t.returned++;
	if (t.at && t.returned >= t.next_at) {
		t.next_at += t.at_step;
		t.at();
	}
}

static void
on_deadline(void *ctx)
{
	(void)ctx;
	print_message("sent %u returned %u acked %u\n", (unsigned)t.sent, (unsigned)t.returned,
	    (unsigned)t.acked);
	loop_stop(t.loop);
}

static const struct bus_handler c2sd_handlers[] = {{MSG_DELIVER, 0, handle_deliver}, {0, 0, NULL}};

static void
exchange(void (*at)(void), bool may_repeat)
{
	struct bus_config config = {
	    .role = ROLE_C2SD,
	    .socket_path = rig_socket(ROLE_C2SD),
	    .handlers = c2sd_handlers,
	};
	memset(&t, 0, sizeof(t));
	t.at = at;
	t.at_step = t.next_at = MESSAGES / (KILLS + 1);
	t.may_repeat = may_repeat;
	t.loop = loop_new();
	t.bus = bus_new(t.loop, &config);
	t.hook = loop_hook_new(t.loop, on_turn, NULL);
	t.deadline = loop_timer_new(t.loop, on_deadline, NULL);
	loop_timer_start(t.deadline, DEADLINE_MS, 0);
	uint64_t start = clock_mono_us();
	loop_run(t.loop);
	uint64_t us = clock_mono_us() - start;
	print_message(
	    "%u messages there and back in %u ms: %u ns each; %u sent again, %u repeated\n",
	    MESSAGES, (unsigned)(us / 1000), (unsigned)(us * 1000 / MESSAGES),
	    (unsigned)bus_stats(t.bus).resent, (unsigned)t.repeated);
	assert_int_equal(t.returned, MESSAGES);
	assert_int_equal(t.acked, MESSAGES);
	loop_timer_free(&t.deadline);
	loop_hook_free(&t.hook);
	bus_free(&t.bus);
	loop_free(&t.loop);
}

/* ---- who is killed ---- */

static pid_t router, echo;

static int
setup(void **state)
{
	(void)state;
	rig_enter();
	router = rig_router();
	echo = rig_spawn(run_echo, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_kill(&echo);
	rig_kill(&router);
	rig_leave();
	return 0;
}

static void
kill_router(void)
{
	rig_kill(&router);
	router = rig_router();
}

static void
kill_echo(void)
{
	rig_kill(&echo);
	echo = rig_spawn(run_echo, NULL);
}

static void
kill_both(void)
{
	rig_kill(&router);
	rig_kill(&echo);
	router = rig_router();
	echo = rig_spawn(run_echo, NULL);
}

static void
test_nobody_is_killed(void **state)
{
	(void)state;
	exchange(NULL, false);
	assert_int_equal(t.repeated, 0);
}

static void
test_router_is_killed(void **state)
{
	(void)state;
	exchange(kill_router, false);
	assert_int_equal(t.repeated, 0);
}

static void
test_receiver_is_killed(void **state)
{
	(void)state;
	exchange(kill_echo, true);
}

static void
test_both_are_killed(void **state)
{
	(void)state;
	exchange(kill_both, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nobody_is_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_router_is_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_receiver_is_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_both_are_killed, setup, teardown),
	};
	log_set_level(LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
