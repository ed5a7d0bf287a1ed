/* Frames that kill their receiver, and proofs of acknowledgement, rule by rule (BUS.md §11, §2 floor, §7 settled), seen from
 * a sessiond between an edge and storaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus_actor.h"

static struct bus_rig *const r = &actor.r;

/* ---- the sender's side: STOREs to storaged.0, first incarnation 8 ---- */

static void
send_stores(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		actor_send_store(NULL, 0);
	while (bus_rig_next(r))
		;
}

static void
storaged_dies(uint64_t next_inc)
{
	bus_rig_up(r, ROLE_STORAGED, 0, next_inc);
	buf_clear(&actor.log);
}

static void
storaged_tells(uint64_t inc, uint64_t acked, uint64_t handled, uint64_t started)
{
	struct rec_channel_state state = {
	    .level = 5, .acked = acked, .handled = handled, .started = started};
	struct msg_ACK ack = {.channels = {.items = &state, .count = 1}};
	bus_rig_peer(r, ROLE_STORAGED, inc, 0, MSG_ACK, &ack);
}

static void
expect_store(uint64_t seq, unsigned flags)
{
	bus_rig_expect(r, MSG_STORE, seq);
	assert_int_equal(r->frame.flags, flags);
}

/* Three STOREs before a third incarnation, 10; the first one has been sent, alone. */
static void
after_two_deaths(void)
{
	send_stores(3);
	storaged_dies(9);
	for (uint64_t seq = 1; seq <= 3; seq++)
		expect_store(seq, 0);
	storaged_dies(10);
	expect_store(1, FRAME_ALONE);
	bus_rig_expect_nothing(r);
}

static void
test_11_after_two_deaths_one_at_a_time(void **state)
{
	(void)state;
	after_two_deaths();
	/* what is new waits behind */
	actor_send_store(NULL, 0);
	storaged_tells(10, 0, 0, 1);
	bus_rig_expect_nothing(r);
	/* the handler has returned: not acknowledged, but innocent */
	storaged_tells(10, 0, 1, 1);
	expect_store(2, FRAME_ALONE);
	storaged_tells(10, 0, 2, 2);
	expect_store(3, FRAME_ALONE);
	bus_rig_expect_nothing(r);
	/* behind the last suspect all is as before */
	storaged_tells(10, 2, 3, 3);
	expect_store(4, 0);
	send_stores(2);
	storaged_tells(10, 6, 6, 3);
	assert_int_equal(bus_stats(r->bus).kept_frames, 0);
	assert_int_equal(bus_stats(r->bus).dead_letters, 0);
}

static void
test_11_only_what_is_alone_and_has_started_is_set_aside(void **state)
{
	(void)state;
	after_two_deaths();
	storaged_tells(10, 0, 1, 1);
	expect_store(2, FRAME_ALONE);
	storaged_tells(10, 0, 1, 2);
	actor.replace = true;
	bus_rig_up(r, ROLE_STORAGED, 0, 11);
	actor_expect_log("gone storaged 10;new storaged 11;failed STORE 2;");
	assert_int_equal(bus_stats(r->bus).dead_letters, 1);
	/* the first one, which was not acknowledged; the one that replaces the second; the third */
	expect_store(1, FRAME_ALONE);
	storaged_tells(11, 1, 1, 1);
	expect_store(2, FRAME_ALONE);
	storaged_tells(11, 2, 2, 2);
	expect_store(3, FRAME_ALONE);
	storaged_tells(11, 3, 3, 3);
	assert_int_equal(bus_stats(r->bus).kept_frames, 0);
	assert_int_equal(bus_stats(r->bus).kept_bytes, 0);
}

static void
test_11_who_dies_before_it_has_started_has_not_died_of_it(void **state)
{
	(void)state;
	after_two_deaths();
	for (uint64_t inc = 11; inc < 20; inc++) {
		storaged_dies(inc);
		expect_store(1, FRAME_ALONE);
		bus_rig_expect_nothing(r);
	}
	assert_int_equal(bus_stats(r->bus).dead_letters, 0);
}

static void
test_11_what_was_handled_is_never_suspected(void **state)
{
	(void)state;
	send_stores(3);
	for (uint64_t inc = 8; inc < 20; inc++) {
		storaged_tells(inc, 0, 3, 0);
		storaged_dies(inc + 1);
		for (uint64_t seq = 1; seq <= 3; seq++)
			expect_store(seq, 0);
	}
}

static void
test_11_a_careful_channel_survives_the_router(void **state)
{
	(void)state;
	after_two_deaths();
	bus_rig_unlink(r);
	bus_rig_link(r);
	bus_rig_up(r, ROLE_STORAGED, 0, 10);
	expect_store(1, FRAME_ALONE);
	bus_rig_expect_nothing(r);
	storaged_tells(10, 1, 1, 1);
	expect_store(2, FRAME_ALONE);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

/* The cause of what is set aside is let go, and a request is told. */
static void
test_11_the_cause_is_let_go(void **state)
{
	int done = 0;
	(void)state;
	struct custody *c = custody_new(r->bus, NULL, count, &done);
	actor_send_store(c, BUS_PATIENT);
	custody_release(c);
	storaged_dies(9);
	storaged_dies(10);
	storaged_tells(10, 0, 0, 1);
	assert_int_equal(done, 0);
	storaged_dies(11);
	assert_int_equal(done, 1);
	assert_int_equal(bus_stats(r->bus).dead_letters, 1);
}

/* Numbers that were never given do not open the way. */
static void
test_11_inv_29_a_receiver_that_tells_nonsense(void **state)
{
	(void)state;
	after_two_deaths();
	storaged_tells(10, 0, UINT64_MAX, UINT64_MAX);
	expect_store(2, FRAME_ALONE);
	bus_rig_expect_nothing(r);
}

/* ---- the receiver's side: a STANZA from c2sd.0, incarnation 7 ---- */

static void
stanza_comes(uint64_t seq, uint64_t floor, unsigned flags)
{
	struct msg_STANZA s = {.n = seq, .st = {.payload = S("<body/>")}};
	struct frame f = {
	    .type = MSG_STANZA,
	    .flags = (uint8_t)flags,
	    .src = frame_endpoint(ROLE_C2SD, 0),
	    .src_inc = 7,
	    .dst = r->bus->number,
	    .dst_inc = RIG_INC,
	    .seq = seq,
	    .floor = floor,
	    .origin = {{1}},
	    .n = seq,
	};
	bus_rig_frame(r, &f, &s);
}

static void
expect_told(uint64_t handled, uint64_t started)
{
	struct msg_ACK ack;
	struct rec_channel_state state;
	bus_rig_expect(r, MSG_ACK, 0);
	bus_rig_decode(r, &ack);
	assert_true(bus_list_next(&ack.channels, &bus_record_channel_state, &state));
	assert_int_equal(state.handled, handled);
	assert_int_equal(state.started, started);
}

static void
test_11_what_comes_alone_starts_after_it_was_told(void **state)
{
	(void)state;
	actor.hold = true;
	r->bus->ack_wait_ms = 1000; /* others may wait for company, not these */
	stanza_comes(1, 1, FRAME_ALONE);
	bus_core_turn(r->bus);
	expect_told(0, 1);
	assert_int_equal(actor.handled, 0);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 1);
	/* its custody is not complete, but its handler has returned */
	expect_told(1, 1);
	r->bus->ack_wait_ms = 0;
	custody_release(actor.held[0]);
	bus_rig_expect_ack(r, 1, 1, 0);
}

/* Work that is done later, on a thread, or when something is loaded. */
static void
test_11_what_is_put_off_has_not_been_handled(void **state)
{
	(void)state;
	actor.hold = true;
	stanza_comes(1, 1, 0);
	stanza_comes(2, 1, 0);
	stanza_comes(3, 1, 0);
	custody_defer(actor.held[2]);
	custody_defer(actor.held[0]);
	custody_defer(actor.held[0]);
	custody_release(actor.held[1]);
	bus_core_turn(r->bus);
	expect_told(0, 0);
	custody_resume(actor.held[0]);
	custody_resume(actor.held[0]);
	stanza_comes(2, 1, 0);
	bus_core_turn(r->bus);
	expect_told(2, 0);
	/* the end ends it too */
	custody_release(actor.held[2]);
	bus_core_turn(r->bus);
	expect_told(3, 0);
	/* and nothing is left of it when its sender is another by now */
	stanza_comes(4, 1, 0);
	struct custody *own = custody_new(r->bus, actor.held[3], NULL, NULL);
	custody_defer(own);
	bus_rig_up(r, ROLE_C2SD, 0, 9);
	custody_resume(own);
	custody_release(own);
	custody_release(actor.held[3]);
	custody_release(actor.held[0]);
}

static void
test_11_what_comes_alone_and_is_put_off_is_told_when_it_goes_on(void **state)
{
	(void)state;
	actor.hold = true;
	actor.defer = true;
	stanza_comes(1, 1, FRAME_ALONE);
	bus_core_turn(r->bus);
	expect_told(0, 1);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 1);
	expect_told(0, 1);
	custody_resume(actor.held[0]);
	bus_core_turn(r->bus);
	expect_told(1, 1);
	custody_release(actor.held[0]);
}

static void
test_11_what_may_not_start_is_not_told(void **state)
{
	static const enum msg_type types[] = {MSG_REG, 0};
	(void)state;
	bus_admit_only(r->bus, types);
	stanza_comes(1, 1, FRAME_ALONE);
	bus_core_turn(r->bus);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_admit_only(r->bus, NULL);
	bus_core_turn(r->bus);
	expect_told(0, 1);
	bus_core_turn(r->bus);
	assert_int_equal(actor.handled, 1);
}

/* ---- proofs ---- */

static void
test_7_the_floor_proves_what_its_sender_knows(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= 3; seq++)
		stanza_comes(seq, 1, 0);
	actor_expect_log("");
	stanza_comes(4, 3, 0);
	actor_expect_log("proven c2sd 1;proven c2sd 2;");
	stanza_comes(4, 3, 0);
	actor_expect_log("");
	stanza_comes(5, 5, 0);
	actor_expect_log("proven c2sd 3;proven c2sd 4;");
	/* a successor proves nothing about what its predecessor brought */
	bus_rig_up(r, ROLE_C2SD, 0, 9);
	buf_clear(&actor.log);
	actor_gets_stanza(9, 1);
	actor_gets_stanza(9, 2);
	actor_expect_log("");
}

static void
test_7_what_was_taken_back_proves_nothing(void **state)
{
	(void)state;
	actor.hold = true;
	stanza_comes(1, 1, 0);
	stanza_comes(2, 2, 0);
	actor_expect_log("");
	custody_release(actor.held[0]);
	custody_release(actor.held[1]);
	stanza_comes(3, 3, 0);
	actor_expect_log("proven c2sd 2;");
	custody_release(actor.held[2]);
}

static void
test_7_proofs_are_bounded(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= UNPROVEN_MAX + 3; seq++)
		stanza_comes(seq, 1, 0);
	assert_int_equal(
	    peer_of(r->bus, frame_endpoint(ROLE_C2SD, 0))->in[1].n_unproven, UNPROVEN_MAX);
	/* the oldest were forgotten */
	stanza_comes(UNPROVEN_MAX + 4, 6, 0);
	actor_expect_log("proven c2sd 4;proven c2sd 5;");
}

/* ---- settled ids ---- */

static void
test_7_settled_ids_are_told_at_once_when_there_are_many(void **state)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_SETTLED m;
	(void)state;
	for (uint64_t n = 0; n < SETTLE_MAX; n++)
		bus_settle(r->bus, &storaged, &(struct id128){{1}}, n);
	bus_rig_expect(r, MSG_SETTLED, 0);
	bus_rig_decode(r, &m);
	assert_int_equal(m.ids.count, SETTLE_MAX);
	assert_false(bus_core_needs_ticks(r->bus));
}

/* Its ledger has a cap of its own. */
static void
test_7_settled_ids_do_not_wait_for_who_is_away(void **state)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	(void)state;
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	bus_settle(r->bus, &storaged, &(struct id128){{1}}, 5);
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_pass(r, 2 * SETTLE_AFTER_MS);
	bus_rig_expect_nothing(r);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, actor_setup, actor_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_11_after_two_deaths_one_at_a_time),
	    TEST(test_11_only_what_is_alone_and_has_started_is_set_aside),
	    TEST(test_11_who_dies_before_it_has_started_has_not_died_of_it),
	    TEST(test_11_what_was_handled_is_never_suspected),
	    TEST(test_11_a_careful_channel_survives_the_router),
	    TEST(test_11_the_cause_is_let_go),
	    TEST(test_11_inv_29_a_receiver_that_tells_nonsense),
	    TEST(test_11_what_comes_alone_starts_after_it_was_told),
	    TEST(test_11_what_is_put_off_has_not_been_handled),
	    TEST(test_11_what_comes_alone_and_is_put_off_is_told_when_it_goes_on),
	    TEST(test_11_what_may_not_start_is_not_told),
	    TEST(test_7_the_floor_proves_what_its_sender_knows),
	    TEST(test_7_what_was_taken_back_proves_nothing),
	    TEST(test_7_proofs_are_bounded),
	    TEST(test_7_settled_ids_are_told_at_once_when_there_are_many),
	    TEST(test_7_settled_ids_do_not_wait_for_who_is_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
