/* Requests and their answers, seen from a sessiond that asks storaged and is asked by ctl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "bus_rig.h"

static struct {
	struct bus_rig r;
	unsigned answers, failures;
	uint64_t version; /* of the last ROSTER_CHANGED */
	uint64_t cancel;  /* cancelled by the next answer function */
	struct custody *held;
	uint64_t asked; /* request number of the last SESSION_KICK */
	struct endpoint asker;
} t;

static struct bus_rig *const r = &t.r;
static const struct endpoint storaged = {.role = ROLE_STORAGED};

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	assert_ptr_equal(arg, &t);
	if (t.cancel)
		bus_cancel(r->bus, t.cancel);
	if (!in) {
		assert_null(msg);
		t.failures++;
		return;
	}
	t.answers++;
	if (in->message->type == MSG_ROSTER_CHANGED)
		t.version = ((const struct msg_ROSTER_CHANGED *)msg)->version;
}

static void
handle_kick(void *ctx, const struct bus_in *in, const void *msg)
{
	(void)ctx;
	t.asked = ((const struct msg_SESSION_KICK *)msg)->req;
	t.asker = in->from;
	t.held = custody_hold(in->custody);
}

static const struct bus_handler handlers[] = {
    {MSG_SESSION_KICK, 1u << ROLE_CTL, handle_kick}, {0, 0, NULL}};
static const struct bus_config config = {.role = ROLE_SESSIOND, .handlers = handlers};

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	bus_rig_start(r, &config);
	bus_rig_link(r);
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_up(r, ROLE_CTL, 0, 9);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bus_rig_stop(r);
	return 0;
}

static uint64_t
ask(uint32_t deadline_ms)
{
	struct msg_ROSTER_DEL del = {.owner = S("juliet@example.org")};
	return bus_request(
	    r->bus, &storaged, MSG_ROSTER_DEL, &del, NULL, NULL, deadline_ms, on_answer, &t);
}

static void
answer(uint64_t inc, uint64_t seq, uint64_t number)
{
	struct msg_ROSTER_CHANGED m = {.re = number, .version = 5};
	bus_rig_peer(r, ROLE_STORAGED, inc, seq, MSG_ROSTER_CHANGED, &m);
}

static void
test_answer(void **state)
{
	(void)state;
	uint64_t a = ask(1000), b = ask(1000);
	assert_true(a != b);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	struct msg_ROSTER_DEL sent;
	bus_rig_decode(r, &sent);
	assert_int_equal(sent.req, a);
	answer(8, 1, a);
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.version, 5);
	/* a second answer, an answer to nothing: no harm */
	answer(8, 2, a);
	answer(8, 3, 12345);
	assert_int_equal(t.answers, 1);
	bus_rig_pass(r, 1000);
	assert_int_equal(t.failures, 1);
	assert_int_equal(bus_stats(r->bus).pending_requests, 0);
}

static void
test_answer_of_another_is_refused(void **state)
{
	(void)state;
	uint64_t a = ask(0);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	struct msg_DONE done = {.re = a};
	bus_rig_peer(r, ROLE_CTL, 9, 1, MSG_DONE, &done);
	assert_int_equal(t.answers, 0);
	bus_rig_expect(r, MSG_COMPLAIN, 0);
	answer(8, 1, a);
	assert_int_equal(t.answers, 1);
}

/* The request goes to the successor with its number, and the successor's answer counts. */
static void
test_stable_request_is_replayed(void **state)
{
	(void)state;
	uint64_t a = ask(0);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	bus_rig_up(r, ROLE_STORAGED, 0, 18);
	assert_int_equal(t.failures, 0);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	assert_int_equal(r->frame.dst_inc, 18);
	answer(18, 1, a);
	assert_int_equal(t.answers, 1);
	bus_rig_expect_ack(r, 6, 1, 0);
}

static void
test_cancel(void **state)
{
	(void)state;
	uint64_t a = ask(0);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	bus_cancel(r->bus, a);
	answer(8, 1, a);
	assert_int_equal(t.answers, 0);
	/* what was not sent yet is not sent at all */
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	bus_cancel(r->bus, ask(0));
	uint64_t b = ask(2000);
	bus_rig_pass(r, 2000);
	assert_int_equal(t.failures, 1);
	bus_cancel(r->bus, b);
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_expect(r, MSG_ROSTER_DEL, 1);
	bus_rig_expect_nothing(r);
}

static void
test_request_that_waits_too_long(void **state)
{
	(void)state;
	bus_rig_down(r, ROLE_STORAGED, 0, 8);
	ask(0);
	bus_rig_pass(r, 59999);
	assert_int_equal(t.failures, 0);
	bus_rig_pass(r, 1);
	assert_int_equal(t.failures, 1);
	assert_int_equal(bus_stats(r->bus).pending_requests, 0);
	assert_int_equal(bus_stats(r->bus).kept_frames, 0);
}

static void
test_one_answer_may_cancel_another(void **state)
{
	(void)state;
	ask(100);
	t.cancel = ask(100);
	bus_rig_pass(r, 100);
	assert_int_equal(t.failures, 1);
	assert_int_equal(bus_stats(r->bus).pending_requests, 0);
}

static void
test_requests_end_with_the_bus(void **state)
{
	(void)state;
	ask(0);
	bus_core_free(&r->bus);
	assert_int_equal(t.failures, 1);
}

/* ---- bound requests: ctl asks sessiond ---- */

static const struct bus_config ctl_config = {.role = ROLE_CTL};

static uint64_t
kick(uint64_t inc)
{
	struct endpoint sessiond = {.role = ROLE_SESSIOND, .incarnation = inc};
	struct msg_SESSION_KICK m = {.jid = S("romeo@example.org")};
	return bus_request(r->bus, &sessiond, MSG_SESSION_KICK, &m, NULL, NULL, 0, on_answer, &t);
}

static void
test_bound_request_dies_with_its_peer(void **state)
{
	(void)state;
	bus_rig_stop(r);
	bus_rig_start(r, &ctl_config);
	bus_rig_link(r);
	bus_rig_up(r, ROLE_SESSIOND, 0, 5);
	/* never from inside the call */
	kick(4);
	assert_int_equal(t.failures, 0);
	bus_core_turn(r->bus);
	assert_int_equal(t.failures, 1);
	kick(5);
	bus_rig_expect(r, MSG_SESSION_KICK, 1);
	/* acknowledged, but not answered */
	kick(5);
	bus_rig_expect(r, MSG_SESSION_KICK, 2);
	bus_rig_ack(r, ROLE_SESSIOND, 5, 1, 1);
	bus_rig_down(r, ROLE_SESSIOND, 0, 5);
	assert_int_equal(t.failures, 1);
	bus_rig_up(r, ROLE_SESSIOND, 0, 6);
	assert_int_equal(t.failures, 3);
	bus_rig_expect_nothing(r);
}

/* ---- answering ---- */

/* The request is acknowledged when its answer is. */
static void
test_answering(void **state)
{
	(void)state;
	struct msg_SESSION_KICK m = {.req = 33, .jid = S("romeo@example.org")};
	bus_rig_peer(r, ROLE_CTL, 9, 1, MSG_SESSION_KICK, &m);
	assert_int_equal(t.asked, 33);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_answer_done(r->bus, &t.asker, t.asked, 2, t.held);
	custody_release(t.held);
	bus_rig_expect(r, MSG_DONE, 1);
	struct msg_DONE done;
	bus_rig_decode(r, &done);
	assert_int_equal(done.re, 33);
	assert_int_equal(done.count, 2);
	bus_core_turn(r->bus);
	bus_rig_expect_nothing(r);
	bus_rig_ack(r, ROLE_CTL, 9, 6, 1);
	bus_rig_expect_ack(r, 1, 1, 0);
}

static void
test_a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	char text[400] = "";
	struct endpoint ctl = {.role = ROLE_CTL, .incarnation = 9};
	for (unsigned i = 0; i < 130; i++)
		memcpy(text + 2 * i + 1, "\xc3\xa4", 2);
	text[0] = 'x';
	bus_answer_failed(r->bus, &ctl, 1, BUS_ERROR_LIMIT, text, NULL);
	bus_rig_expect(r, MSG_FAILED, 1);
	struct msg_FAILED failed;
	bus_rig_decode(r, &failed);
	assert_int_equal(failed.text.n, 255);
	bus_answer_failed(r->bus, &ctl, 1, BUS_ERROR_LIMIT, "no", NULL);
	bus_rig_expect(r, MSG_FAILED, 2);
}

/* ---- the routing table ---- */

static void
test_routes(void **state)
{
	(void)state;
	const struct rec_route routes[] = {
	    {S("example.org"), ROLE_SESSIOND, 3},
	    {S("echo.example.org"), ROLE_COMPONENTD, 1},
	    {S("example.net"), ROLE_SESSIOND, 3},
	};
	struct msg_ROUTES msg = {.routes = {.items = routes, .count = 3}};
	struct endpoint e;
	struct jid j = jid_split(S("romeo@example.org/orchard"));
	assert_false(bus_route(r->bus, &j, &e));
	assert_int_equal(bus_shards(r->bus), 0);
	assert_true(bus_rig_router(r, MSG_ROUTES, &msg));
	assert_int_equal(bus_shards(r->bus), 3);
	assert_true(bus_route(r->bus, &j, &e));
	assert_int_equal(e.role, ROLE_SESSIOND);
	assert_int_equal(e.instance, bus_shard(S("romeo@example.org"), 3));
	assert_true(bus_is_local_domain(r->bus, S("example.net")));
	assert_false(bus_is_local_domain(r->bus, S("echo.example.org")));
	j = jid_split(S("echo.example.org"));
	assert_true(bus_route(r->bus, &j, &e));
	assert_int_equal(e.role, ROLE_COMPONENTD);
	j = jid_split(S("x@elsewhere.example"));
	assert_false(bus_route(r->bus, &j, &e));
	const struct rec_route rest = {S(""), ROLE_S2SD, 1};
	msg.routes = (struct bus_list){.items = &rest, .count = 1};
	assert_true(bus_rig_router(r, MSG_ROUTES, &msg));
	assert_true(bus_route(r->bus, &j, &e));
	assert_int_equal(e.role, ROLE_S2SD);
	assert_false(bus_is_local_domain(r->bus, S("")));
}

/* The same in every process and every release: who is where must not change with a restart. */
static void
test_shards_are_spread_and_fixed(void **state)
{
	(void)state;
	unsigned count[4] = {0};
	char jid[32];
	for (unsigned i = 0; i < 4000; i++) {
		int n = snprintf(jid, sizeof(jid), "user%u@example.org", i);
		count[bus_shard(str_of(jid, (size_t)n), 4)]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(count[i], 900, 1100);
	assert_int_equal(bus_shard(S("juliet@example.org"), 1), 0);
	assert_int_equal(bus_shard(S("juliet@example.org"), 250), 190);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_answer),
	    TEST(test_answer_of_another_is_refused),
	    TEST(test_stable_request_is_replayed),
	    TEST(test_cancel),
	    TEST(test_request_that_waits_too_long),
	    TEST(test_one_answer_may_cancel_another),
	    TEST(test_requests_end_with_the_bus),
	    TEST(test_bound_request_dies_with_its_peer),
	    TEST(test_answering),
	    TEST(test_a_long_text_is_cut_between_characters),
	    TEST(test_routes),
	    TEST(test_shards_are_spread_and_fixed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
