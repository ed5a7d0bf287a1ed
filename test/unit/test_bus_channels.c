/* Channels, rule by rule (BUS.md §4, §5), seen from a sessiond between an edge and storaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus_actor.h"

static struct bus_rig *const r = &actor.r;

static void
let_go(unsigned i)
{
	custody_release(actor.held[i]);
}

/* ---- receiving ---- */

static void
test_exactly_the_next_is_accepted(void **state)
{
	(void)state;
	actor_gets_stanza(7, 2);
	assert_int_equal(actor.handled, 0);
	actor_gets_stanza(7, 1);
	actor_gets_stanza(7, 2);
	assert_int_equal(actor.handled, 2);
	bus_rig_expect_ack(r, 1, 2, 0);
	actor_gets_stanza(7, 4);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
}

/* Alone an acknowledgement waits a little; it goes with what is sent, when its time has come, or when there are many. */
static void
test_acknowledgements_wait_for_company(void **state)
{
	(void)state;
	r->bus->ack_wait_ms = 2;
	bus_core_turn(r->bus); /* the one in which the peers came */
	actor_gets_stanza(7, 1);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	assert_true(bus_core_owes_acks(r->bus));
	r->bus->now_ms += 2;
	bus_rig_expect_ack(r, 1, 1, 0);
	assert_false(bus_core_owes_acks(r->bus));
	for (uint64_t n = 2; n < 2 + ACKS_TOGETHER; n++) {
		bus_core_turn(r->bus);
		bus_rig_expect_nothing(r);
		actor_gets_stanza(7, n);
	}
	bus_rig_expect_ack(r, 1, 1 + ACKS_TOGETHER, 0);
}

static void
test_seen_is_acknowledged_again_only_when_done(void **state)
{
	(void)state;
	actor.hold = true;
	actor_gets_stanza(7, 1);
	actor_gets_stanza(7, 1);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 1);
	bus_rig_expect_nothing(r);
	let_go(0);
	bus_rig_expect_ack(r, 1, 1, 0);
	actor_gets_stanza(7, 1);
	assert_int_equal(actor.handled, 1);
	bus_rig_expect_ack(r, 1, 1, 0);
}

static void
test_state_has_ranges(void **state)
{
	(void)state;
	actor.hold = true;
	for (uint64_t seq = 1; seq <= 6; seq++)
		actor_gets_stanza(7, seq);
	let_go(1);
	let_go(3);
	let_go(5);
	bus_rig_expect_ack(r, 1, 0, 3);
	let_go(2);
	bus_rig_expect_ack(r, 1, 0, 2);
	let_go(0);
	bus_rig_expect_ack(r, 1, 4, 1);
	let_go(4);
	bus_rig_expect_ack(r, 1, 6, 0);
}

/* More than an ACK holds: what has changed is told all the same, in two. */
static void
test_inv_23_what_is_held_hides_nothing_behind_it(void **state)
{
	const unsigned n = 120;

	(void)state;
	actor.hold = true;
	for (uint64_t seq = 1; seq <= n; seq++)
		actor_gets_stanza(7, seq);
	for (unsigned i = 1; i < n; i += 2)
		let_go(i);
	bus_rig_expect_ack(r, 1, 0, ACK_RANGES_MAX);
	bus_rig_expect_ack(r, 1, 0, 60 - ACK_RANGES_MAX);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	let_go(n - 2);
	bus_rig_expect_ack(r, 1, 0, 1);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	for (unsigned i = 0; i < n - 2; i += 2)
		let_go(i);
	bus_rig_expect_ack(r, 1, n, 0);
}

static void
test_other_incarnations_are_dropped(void **state)
{
	(void)state;
	actor_gets_stanza(6, 1);
	struct frame f = {
	    .type = MSG_REG_END,
	    .src = frame_endpoint(ROLE_C2SD, 0),
	    .dst = r->bus->number,
	    .src_inc = 7,
	    .dst_inc = RIG_INC - 1,
	    .seq = 1,
	};
	struct msg_REG_END end = {0};
	bus_rig_frame(r, &f, &end);
	f.src = frame_endpoint(ROLE_C2SD, 1); /* never seen */
	f.dst_inc = RIG_INC;
	bus_rig_frame(r, &f, &end);
	assert_int_equal(actor.handled, 0);
	assert_int_equal(bus_stats(r->bus).dropped, 3);
	/* acknowledgements too */
	actor_send_store(NULL, 0);
	bus_rig_ack(r, ROLE_STORAGED, 9, 5, 1);
	assert_int_equal(bus_stats(r->bus).kept_frames, 1);
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, 1);
	assert_int_equal(bus_stats(r->bus).kept_frames, 0);
}

static void
test_custody_holds_the_acknowledgement(void **state)
{
	(void)state;
	actor.emit = true;
	actor_gets_stanza(7, 1);
	bus_rig_expect(r, MSG_STORE, 1);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, 1);
	bus_rig_expect_ack(r, 1, 1, 0);
}

static void
test_withdrawn_frames_use_up_their_number(void **state)
{
	(void)state;
	struct frame f = {
	    .type = MSG_STANZA,
	    .flags = FRAME_NOP,
	    .src = frame_endpoint(ROLE_C2SD, 0),
	    .dst = r->bus->number,
	    .src_inc = 7,
	    .dst_inc = RIG_INC,
	    .seq = 1,
	};
	bus_rig_frame(r, &f, NULL);
	assert_int_equal(actor.handled, 0);
	bus_rig_expect_ack(r, 1, 1, 0);
	actor_gets_stanza(7, 2);
	assert_int_equal(actor.handled, 1);
}

static void
test_inv_29_what_is_refused_is_complained_about_and_done_with(void **state)
{
	(void)state;
	struct msg_REG_END end = {0};
	bus_rig_peer(r, ROLE_C2SD, 7, 1, MSG_STANZA, NULL);
	actor_expect_complaint(ROLE_C2SD, 7, "malformed body");
	bus_rig_expect_ack(r, 1, 1, 0);
	/* storaged may not register sessions */
	bus_rig_peer(r, ROLE_STORAGED, 8, 1, MSG_REG_END, &end);
	actor_expect_complaint(ROLE_STORAGED, 8, "not allowed");
	bus_rig_expect_ack(r, 1, 1, 0);
	struct msg_WRITTEN written = {0};
	bus_rig_peer(r, ROLE_C2SD, 7, 2, MSG_WRITTEN, &written);
	actor_expect_complaint(ROLE_C2SD, 7, "no handler");
	bus_rig_peer(r, ROLE_C2SD, 7, 0, MSG_ACK, NULL);
	actor_expect_complaint(ROLE_C2SD, 7, "malformed control frame");
	struct msg_PEER_DOWN down = {{ROLE_STORAGED, 0, 8}};
	bus_rig_peer(r, ROLE_C2SD, 7, 0, MSG_PEER_DOWN, &down);
	actor_expect_complaint(ROLE_C2SD, 7, "control frame of the router");
	assert_int_equal(actor.handled, 0);
	actor_gets_stanza(7, 3);
	assert_int_equal(actor.handled, 1);
}

static void
test_the_router_must_make_sense(void **state)
{
	(void)state;
	struct frame f = {.type = MSG_PEER_UP, .dst = r->bus->number, .body = S("x")};
	assert_false(bus_core_frame(r->bus, &f));
	f.dst = frame_endpoint(ROLE_AUTHD, 0);
	assert_false(bus_core_frame(r->bus, &f));
	struct msg_WELCOME again = {0};
	assert_false(bus_rig_router(r, MSG_WELCOME, &again));
	struct msg_PING ping = {5};
	assert_true(bus_rig_router(r, MSG_PING, &ping));
}

/* ---- windows ---- */

static void
test_a_handler_does_not_start_over_the_window(void **state)
{
	(void)state;
	actor_fill_window();
	size_t kept = bus_stats(r->bus).kept_frames;
	actor_gets_stanza(7, 1);
	actor_gets_stanza(7, 2);
	assert_int_equal(actor.handled, 0);
	assert_int_equal(bus_stats(r->bus).waiting_frames, 2);
	/* half of it is free again */
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, kept / 2 - 1);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 0);
	assert_int_equal(actor.credit, 0);
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, kept / 2 + 1);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 2);
	assert_int_equal(actor.last_n, 2);
	assert_int_equal(actor.credit, 1u << ROLE_STORAGED);
	assert_true(bus_has_credit(r->bus, ROLE_STORAGED));
	bus_rig_expect(r, MSG_ACK, 0);
}

static void
test_a_sender_that_ignores_its_window_is_refused(void **state)
{
	(void)state;
	static char big[512 * 1024];
	memset(big, 'x', sizeof(big));
	struct msg_STANZA s = {.st = {.payload = str_of(big, sizeof(big))}};
	actor_fill_window();
	uint64_t seq = 0;
	while (seq < 100 && buf_len(&r->out) == 0)
		bus_rig_peer(r, ROLE_C2SD, 7, ++seq, MSG_STANZA, &s);
	actor_expect_complaint(ROLE_C2SD, 7, "window ignored");
	assert_true(seq < 40);
	assert_int_equal(bus_stats(r->bus).waiting_frames, seq - 1);
}

static void
test_only_what_is_admitted_starts(void **state)
{
	(void)state;
	static const enum msg_type types[] = {MSG_REG, MSG_REG_END, 0};
	struct msg_REG_END end = {0};
	bus_admit_only(r->bus, types);
	bus_rig_peer(r, ROLE_C2SD, 7, 1, MSG_REG_END, &end);
	assert_int_equal(actor.handled, 1);
	actor_gets_stanza(7, 2);
	bus_rig_peer(r, ROLE_C2SD, 7, 3, MSG_REG_END, &end);
	assert_int_equal(actor.handled, 1);
	bus_admit_only(r->bus, NULL);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 3);
	assert_int_equal(actor.last_n, 3);
}

/* ---- our own bugs ---- */

static void
expect_abort(void (*fn)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* A RELEASE has level 5, and so has the STORE that it would be sent under. */
static void
send_without_rising(void)
{
	struct custody *c =
	    custody_for_frame(r->bus, peer_of(r->bus, frame_endpoint(ROLE_STORAGED, 0)), 5, 1);
	actor_send_release(7, 1, c);
}

static void
send_what_is_not_ours(void)
{
	struct msg_REDEEMED m = {0};
	struct endpoint authd = {.role = ROLE_AUTHD, .incarnation = 1};
	bus_send(r->bus, &authd, MSG_REDEEMED, &m, NULL, NULL, 0);
}

static void
test_levels_and_rights_are_checked_when_sending(void **state)
{
	(void)state;
	expect_abort(send_without_rising);
	expect_abort(send_what_is_not_ours);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, actor_setup, actor_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_exactly_the_next_is_accepted),
	    TEST(test_acknowledgements_wait_for_company),
	    TEST(test_seen_is_acknowledged_again_only_when_done),
	    TEST(test_state_has_ranges),
	    TEST(test_inv_23_what_is_held_hides_nothing_behind_it),
	    TEST(test_other_incarnations_are_dropped),
	    TEST(test_custody_holds_the_acknowledgement),
	    TEST(test_withdrawn_frames_use_up_their_number),
	    TEST(test_inv_29_what_is_refused_is_complained_about_and_done_with),
	    TEST(test_the_router_must_make_sense),
	    TEST(test_a_handler_does_not_start_over_the_window),
	    TEST(test_a_sender_that_ignores_its_window_is_refused),
	    TEST(test_only_what_is_admitted_starts),
	    TEST(test_levels_and_rights_are_checked_when_sending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
