/* A session's numbers, ledger, window and end: BUS.md §5, §7, §8. */
#include <stdio.h>

#include "base/clock.h"
#include "inbound.h"
#include "scene.h"
#include "teardown.h"

static bool
brings(struct scene *s, struct client *c, uint64_t n, const char *stanza)
{
	struct msg_STANZA m = {.conn = c->conn, .sid = c->sid, .n = n, .st = stanza_from(s, stanza)};
	bool acked = fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, NULL);

	scene_pump(s);
	return acked;
}

#define TO_JULIET "<message to='juliet@h' type='chat'><body>1</body></message>"
#define JULIET_GETS \
	"juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>1</body></message>\n"

/* BUS.md §7, inbound. */
static void
test_numbers(void **state)
{
	struct scene *s = scene_new();
	struct client *c;

	(void)state;
	login(s, "juliet/balcony");
	c = login(s, "romeo/orchard");
	brings(s, c, 2, TO_JULIET);
	expect(s, JULIET_GETS);
	/* Done: acknowledged, not handled again. */
	assert_true(brings(s, c, 2, TO_JULIET));
	assert_true(brings(s, c, 1, TO_JULIET));
	expect_nothing(s);
	/* Under way: a replay waits with it. */
	s->hold_acks = true;
	assert_false(brings(s, c, 3, TO_JULIET));
	assert_false(brings(s, c, 3, TO_JULIET));
	expect(s, JULIET_GETS);
	scene_ack(s);
	assert_int_equal(sessions_by_sid(&s->sd, &c->sid)->done, 3);
	/* Out of order. */
	assert_int_equal(s->bus.errors, 0);
	brings(s, c, 5, TO_JULIET);
	assert_int_equal(s->bus.errors, 1);
	expect_nothing(s);
	scene_free(s);
}

static void
test_acknowledged_in_order(void **state)
{
	struct scene *s = scene_new();
	struct client *c;
	bool first, second;
	struct msg_STANZA m;

	(void)state;
	login(s, "juliet/balcony");
	c = login(s, "romeo/orchard");
	s->hold_acks = true;
	m = (struct msg_STANZA){
	    .conn = c->conn, .sid = c->sid, .n = 2, .st = stanza_from(s, TO_JULIET)};
	fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, &first);
	scene_pump(s);
	/* Nothing comes of it: done at once, but not acknowledged before the first. */
	m.n = 3;
	m.st = stanza_from(s, "<message to='h' type='error'/>");
	fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, &second);
	assert_false(first);
	assert_false(second);
	scene_ack(s);
	assert_true(first);
	assert_true(second);
	scene_free(s);
}

/* A stanza of a connection that has no session is void: RELEASE first, then the ack. */
static void
test_fence(void **state)
{
	struct scene *s = scene_new();
	struct msg_STANZA m = {.conn = 99, .n = 1, .st = stanza_from(s, TO_JULIET)};
	bool acked;
	struct sent *f;

	(void)state;
	login(s, "juliet/balcony");
	fake_receive(&s->bus, &s->edge, MSG_STANZA, &m, NULL, &acked);
	assert_false(acked);
	f = sent_take(&s->bus);
	assert_int_equal(f->message->type, MSG_RELEASE);
	sent_ack(&s->bus, f);
	assert_true(acked);
	scene_free(s);
}

static void
test_handle_of_another_session(void **state)
{
	struct scene *s = scene_new();
	struct client *romeo = login(s, "romeo/orchard"), *juliet = login(s, "juliet/balcony");
	struct msg_STANZA m = {.conn = romeo->conn, .sid = juliet->sid, .n = 2};

	(void)state;
	m.st = stanza_from(s, "<message to='nurse@h'><body>I am juliet</body></message>");
	fake_receive(&s->bus, &s->edge, MSG_STANZA, &m, NULL, NULL);
	scene_pump(s);
	assert_int_equal(s->bus.errors, 1);
	expect_nothing(s);
	scene_free(s);
}

/* What the edge found wrong is answered here: it writes no stanza of its own. */
static void
test_refused_by_the_edge(void **state)
{
	struct scene *s = scene_new();
	struct client *c = login(s, "romeo/orchard");
	struct msg_STANZA m = {
	    .conn = c->conn, .sid = c->sid, .n = ++c->n, .refuse = SE_JID_MALFORMED};

	(void)state;
	m.st = stanza_from(s, "<message id='m'><body>1</body></message>");
	assert_true(!fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, NULL));
	scene_pump(s);
	expect(s,
	    "romeo/orchard: <message from='romeo@h' to='romeo@h/orchard' id='m' type='error'>[jid-malformed]</message>\n");
	assert_int_equal(sessions_by_sid(&s->sd, &c->sid)->done, c->n);
	scene_free(s);
}

/* The same id never goes twice to a session, whoever brings it. */
static void
test_ledger(void **state)
{
	struct scene *s = scene_new();
	struct endpoint shard = {.role = ROLE_SESSIOND, .instance = 1, .incarnation = 1};
	struct opid op = {.origin = id_random(), .n = 7, .kind = OP_DELIVERY};
	struct msg_ROUTE m = {
	    .st = stanza_from(
		s, "<message from='xena@h/a' to='juliet@h' type='chat'><body>1</body></message>")};

	(void)state;
	s->bus.shards = 2;
	login(s, "juliet/balcony");
	fake_receive(&s->bus, &shard, MSG_ROUTE, &m, &op, NULL);
	scene_pump(s);
	expect(s,
	    "juliet/balcony: <message from='xena@h/a' to='juliet@h' type='chat'><body>1</body></message>\n");
	shard.incarnation = 2;
	fake_receive(&s->bus, &shard, MSG_ROUTE, &m, &op, NULL);
	scene_pump(s);
	expect_nothing(s);
	op.n = 8;
	fake_receive(&s->bus, &shard, MSG_ROUTE, &m, &op, NULL);
	scene_pump(s);
	assert_true(has(s, "juliet/balcony"));
	scene_free(s);
}

static void
test_unwritten_at_the_end(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard", TO_JULIET);
	reads(s, "juliet/balcony");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>2</body></message>");
	says(s, "romeo/orchard", "<message to='juliet@h' type='headline'><body>3</body></message>");
	forget(s);
	leaves(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 1);
	binds(s, "juliet/low");
	says(s, "juliet/low", "<presence/>");
	reads(s, "juliet/low");
	assert_int_equal(s->n_rows, 0);
	forget(s);
	/* To the one with the lower priority when the higher one goes. */
	binds(s, "juliet/high");
	says(s, "juliet/high", "<presence><priority>5</priority></presence>");
	reads(s, "juliet/high");
	forget(s);
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>4</body></message>");
	expect(s,
	    "juliet/high: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>4</body></message>\n");
	leaves(s, "juliet/high");
	assert_true(has(s,
	    "juliet/low: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>4</body></message>\n"));
	scene_free(s);
}

/* Two that both got it: when one goes unread, the other does not get it again. */
static void
test_no_duplicate_at_the_end(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/a");
	login(s, "juliet/b");
	forget(s);
	says(s, "romeo/orchard", TO_JULIET);
	assert_int_equal(count(s, "<body>1</body>"), 2);
	leaves(s, "juliet/a");
	assert_int_equal(count(s, "<body>1</body>"), 2);
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

/* A dead edge may have written what it had: only what never left is given again. */
static void
test_dead_edge(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.window_bytes = 4096;
	are_friends(s, "juliet@h", "romeo@h");
	login(s, "juliet/balcony");
	s->edge = (struct endpoint){.role = ROLE_C2SD, .instance = 1, .incarnation = 2000};
	s->bus.c2sd_incarnation[1] = 2000;
	sessiond_events.peer_new(&s->sd, &s->edge);
	scene_open(s);
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < 5; i++)
		says_long(s, "juliet@h", i, 1000);
	forget(s);
	s->bus.c2sd_incarnation[0] = 0;
	sessiond_events.peer_gone(&s->sd, &client_of(s, "juliet/balcony")->edge);
	scene_pump(s);
	assert_int_equal(s->n_rows, 2);
	expect(s,
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'/>\n");
	assert_int_equal(sessions_count(&s->sd), 1);
	scene_free(s);
}

/* CLOSED is acknowledged when what it caused is. */
static void
test_closed_waits(void **state)
{
	struct scene *s = scene_new();
	struct msg_CLOSED m = {.epoch = 1};
	struct client *c;
	bool acked;

	(void)state;
	login(s, "romeo/orchard");
	c = login(s, "juliet/balcony");
	says(s, "romeo/orchard", TO_JULIET);
	s->is_storaged_down = true;
	m.conn = c->conn;
	m.sid = c->sid;
	fake_receive(&s->bus, &s->edge, MSG_CLOSED, &m, NULL, &acked);
	scene_pump(s);
	assert_false(acked);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_true(acked);
	assert_int_equal(s->n_rows, 1);
	/* Again: nothing. */
	assert_true(fake_receive(&s->bus, &s->edge, MSG_CLOSED, &m, NULL, NULL));
	scene_free(s);
}

/* The process ends with everything under way: frames that wait, a full window, requests without answers. */
static void
test_stop_in_the_middle(void **state)
{
	struct scene *s = scene_new();
	struct endpoint second = {.role = ROLE_C2SD, .instance = 1, .incarnation = 2000};
	struct endpoint authd = {.role = ROLE_AUTHD, .incarnation = 1};
	struct msg_USER_REMOVE remove = {.jid = S("tybalt@h")};

	(void)state;
	s->settings.window_bytes = 4096;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	login(s, "mercutio/square");
	for (unsigned i = 0; i < 6; i++)
		says_long(s, "juliet@h", i, 1000);
	s->hold_acks = true;
	says(s, "mercutio/square", "<message to='romeo@h'><body>1</body></message>");
	s->is_storaged_down = s->is_authd_down = true;
	says(s, "mercutio/square", "<message to='nurse@h'><body>1</body></message>");
	says(s, "romeo/orchard", "<iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>");
	says(s, "romeo/orchard", "<presence to='nurse@h' type='subscribe'/>");
	leaves(s, "mercutio/square");
	binds(s, "benvolio/x");
	fake_receive(&s->bus, &authd, MSG_USER_REMOVE, &remove, NULL, NULL);
	s->bus.c2sd_incarnation[1] = 2000;
	sessiond_events.peer_new(&s->sd, &second);
	s->edge = second;
	binds(s, "nurse/y");
	scene_stop(s);
}

static void
test_written_of_nothing(void **state)
{
	struct scene *s = scene_new();
	struct client *c = login(s, "juliet/balcony");
	struct rec_target t = {.conn = c->conn, .k = c->k + 1};
	struct msg_WRITTEN m = {.targets = {.items = &t, .count = 1}};

	(void)state;
	fake_receive(&s->bus, &s->edge, MSG_WRITTEN, &m, NULL, NULL);
	assert_int_equal(s->bus.errors, 1);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_acknowledged_in_order),
	    cmocka_unit_test(test_fence),
	    cmocka_unit_test(test_handle_of_another_session),
	    cmocka_unit_test(test_refused_by_the_edge),
	    cmocka_unit_test(test_ledger),
	    cmocka_unit_test(test_unwritten_at_the_end),
	    cmocka_unit_test(test_no_duplicate_at_the_end),
	    cmocka_unit_test(test_dead_edge),
	    cmocka_unit_test(test_closed_waits),
	    cmocka_unit_test(test_written_of_nothing),
	    cmocka_unit_test(test_stop_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
