/* Incarnations, rule by rule (BUS.md §3, §6, §11), seen from a sessiond between an edge and storaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus_actor.h"

static struct bus_rig *const r = &actor.r;

static const struct endpoint storaged = {.role = ROLE_STORAGED};

static void
let_go(unsigned i)
{
	custody_release(actor.held[i]);
}

/* ---- absence and death ---- */

static void
test_bound_frames_wait_for_the_same_incarnation(void **state)
{
	(void)state;
	actor_send_release(7, 1, NULL);
	bus_rig_expect(r, MSG_RELEASE, 2);
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	actor_send_release(7, 2, NULL);
	actor_send_release(6, 3, NULL); /* never current again */
	bus_rig_expect_nothing(r);
	assert_int_equal(bus_incarnation_of(r->bus, ROLE_C2SD, 0), 7);
	bus_rig_up(r, ROLE_C2SD, 0, 7);
	bus_rig_expect(r, MSG_RELEASE, 2);
	assert_int_equal(r->frame.floor, 2);
	bus_rig_expect(r, MSG_RELEASE, 3);
	bus_rig_expect_nothing(r);
	actor_expect_log("");
}

static void
test_unknown_is_not_dead(void **state)
{
	(void)state;
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	bus_rig_pass(r, 2900);
	actor_expect_log("");
	bus_rig_pass(r, 100);
	actor_expect_log("gone c2sd 7;");
	assert_int_equal(bus_incarnation_of(r->bus, ROLE_C2SD, 0), 0);
	bus_rig_pass(r, 60000);
	actor_expect_log("");
}

/* Without our own link nobody dies, and with it all get 3 s. */
static void
test_nobody_dies_while_the_router_is_away(void **state)
{
	(void)state;
	bus_rig_unlink(r);
	assert_false(bus_is_linked(r->bus));
	bus_rig_pass(r, 30000);
	actor_expect_log("linked 0;");
	bus_rig_link(r);
	actor_expect_log("linked 1;");
	bus_rig_up(r, ROLE_C2SD, 0, 7);
	bus_rig_pass(r, 2999);
	actor_expect_log("");
	bus_rig_pass(r, 1);
	actor_expect_log("gone storaged 8;");
	assert_int_equal(bus_router_age_ms(r->bus), 3005);
}

static void
test_a_successor(void **state)
{
	(void)state;
	actor.hold = true;
	actor_gets_stanza(7, 1);
	actor_send_release(7, 1, actor.held[0]);
	bus_rig_expect(r, MSG_RELEASE, 2);
	let_go(0);
	actor.hold_lost = true;
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	bus_rig_up(r, ROLE_C2SD, 0, 9);
	actor_expect_log("gone c2sd 7;lost c2sd 1;new c2sd 9;");
	/* what peer_new sent, in a channel that begins again */
	bus_rig_expect(r, MSG_RELEASE, 1);
	assert_int_equal(r->frame.dst_inc, 9);
	/* the acknowledgement that the dead one is owed goes to nobody */
	custody_release(actor.held[1]);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	actor_gets_stanza(9, 1);
	assert_int_equal(actor.handled, 2);
}

static void
test_stable_frames_are_renumbered_for_the_successor(void **state)
{
	(void)state;
	struct opid op = {.n = 5, .kind = OP_OWED};
	struct msg_STORE s = {0};
	for (int i = 0; i < 4; i++)
		actor_send_store(NULL, 0);
	bus_send(r->bus, &storaged, MSG_STORE, &s, &op, NULL, 0);
	while (bus_rig_next(r))
		;
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, 3);
	bus_rig_up(r, ROLE_STORAGED, 0, 10);
	actor_expect_log("gone storaged 8;new storaged 10;");
	bus_rig_expect(r, MSG_STORE, 1);
	bus_rig_expect(r, MSG_STORE, 2);
	assert_int_equal(r->frame.n, 5);
	assert_int_equal(r->frame.kind, OP_OWED);
	assert_int_equal(r->frame.floor, 1);
	bus_rig_expect_nothing(r);
}

static void
test_frames_of_the_dead_that_wait_are_discarded(void **state)
{
	(void)state;
	actor_fill_window();
	actor_gets_stanza(7, 1);
	assert_int_equal(bus_stats(r->bus).waiting_frames, 1);
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	assert_int_equal(bus_stats(r->bus).waiting_frames, 1);
	bus_rig_pass(r, 3000);
	assert_int_equal(bus_stats(r->bus).waiting_frames, 0);
	assert_int_equal(actor.handled, 0);
}

/* Presumed dead, but it was not: it gets a NOP for what was taken back, and sends again what we have discarded. */
static void
test_the_dead_come_back(void **state)
{
	(void)state;
	actor_send_release(7, 1, NULL);
	actor_fill_window();
	actor_gets_stanza(7, 1);
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	bus_rig_pass(r, 3000);
	actor_expect_log("gone c2sd 7;lost c2sd 1;");
	bus_rig_up(r, ROLE_C2SD, 0, 7);
	actor_expect_log("new c2sd 7;");
	bus_rig_expect(r, MSG_RELEASE, 2);
	assert_int_equal(r->frame.flags, FRAME_NOP);
	bus_rig_expect(r, MSG_RELEASE, 3);
	assert_int_equal(r->frame.flags, 0);
	actor_gets_stanza(7, 1);
	assert_int_equal(bus_stats(r->bus).waiting_frames, 1);
}

static void
test_ack_state_is_told_when_a_peer_is_back(void **state)
{
	(void)state;
	actor_gets_stanza(7, 1);
	bus_rig_down(r, ROLE_C2SD, 0, 7);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_rig_up(r, ROLE_C2SD, 0, 7);
	bus_rig_expect_ack(r, 1, 1, 0);
}

/* ---- waiting and taking back ---- */

static void
test_stable_frames_fail_in_time(void **state)
{
	(void)state;
	actor_send_store(NULL, 0);
	bus_rig_expect(r, MSG_STORE, 1);
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	actor_send_store(NULL, BUS_PATIENT);
	bus_rig_pass(r, 1000);
	actor_send_store(NULL, 0);
	bus_rig_pass(r, 58999);
	actor_expect_log("gone storaged 8;");
	bus_rig_pass(r, 1);
	actor_expect_log("failed STORE 1;");
	bus_rig_pass(r, 1000);
	actor_expect_log("failed STORE 0;");
	bus_rig_pass(r, 600000);
	actor_expect_log("");
	/* the one that was written leaves a NOP, the other one nothing */
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_expect(r, MSG_STORE, 1);
	assert_int_equal(r->frame.flags, FRAME_NOP);
	bus_rig_expect(r, MSG_STORE, 2);
	assert_int_equal(r->frame.flags, 0);
	bus_rig_expect_nothing(r);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
test_withdraw(void **state)
{
	(void)state;
	int done = 0;
	struct custody *c = custody_new(r->bus, NULL, count, &done);
	actor_send_store(c, 0);
	bus_rig_expect(r, MSG_STORE, 1);
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	actor_send_store(c, 0);
	custody_release(c);
	assert_int_equal(done, 0);
	bus_withdraw(r->bus, c);
	assert_int_equal(done, 1);
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_expect(r, MSG_STORE, 1);
	assert_int_equal(r->frame.flags, FRAME_NOP);
	bus_rig_expect_nothing(r);
}

static void
test_own_custody_holds_the_inner_one(void **state)
{
	(void)state;
	int done = 0;
	actor.hold = true;
	actor_gets_stanza(7, 1);
	struct custody *own = custody_new(r->bus, actor.held[0], count, &done);
	let_go(0);
	actor_send_store(own, 0);
	custody_release(own);
	bus_rig_expect(r, MSG_STORE, 1);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_rig_ack(r, ROLE_STORAGED, 8, 5, 1);
	assert_int_equal(done, 1);
	bus_rig_expect_ack(r, 1, 1, 0);
}

static void
test_settled_ids_travel_lazily(void **state)
{
	(void)state;
	struct id128 origin = {{1}};
	bus_settle(r->bus, &storaged, &origin, 5);
	assert_true(bus_core_needs_ticks(r->bus));
	bus_rig_pass(r, 900);
	bus_rig_expect_nothing(r);
	bus_rig_pass(r, 100);
	bus_rig_expect(r, MSG_SETTLED, 0);
	assert_false(bus_core_needs_ticks(r->bus));
	struct rec_settled id = {origin, 42};
	struct msg_SETTLED msg = {.ids = {.items = &id, .count = 1}};
	bus_rig_peer(r, ROLE_C2SD, 7, 0, MSG_SETTLED, &msg);
	assert_true(actor.settled);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, actor_setup, actor_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_bound_frames_wait_for_the_same_incarnation),
	    TEST(test_unknown_is_not_dead),
	    TEST(test_nobody_dies_while_the_router_is_away),
	    TEST(test_a_successor),
	    TEST(test_stable_frames_are_renumbered_for_the_successor),
	    TEST(test_frames_of_the_dead_that_wait_are_discarded),
	    TEST(test_the_dead_come_back),
	    TEST(test_ack_state_is_told_when_a_peer_is_back),
	    TEST(test_stable_frames_fail_in_time),
	    TEST(test_withdraw),
	    TEST(test_own_custody_holds_the_inner_one),
	    TEST(test_settled_ids_travel_lazily),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
