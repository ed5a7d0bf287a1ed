/* Sessions that outlive their connections while daemons die: BUS.md §9 and the table of §13, and the order of rows and messages. */
#include "scene.h"

#define HELLO "<message to='juliet@h' type='chat' id='1'><body>hello</body></message>"
#define HEARD "<message from='romeo@h/orchard'"

static void
edge_is_new(struct scene *s)
{
	s->edge.incarnation++;
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
}

/* It comes, and has nothing to register. */
static void
edge_comes(struct scene *s)
{
	struct msg_REG_END end = {.count = 0};

	edge_is_new(s);
	sessiond_events.peer_new(&s->sd, &s->edge);
	fake_receive(&s->bus, &s->edge, MSG_REG_END, &end, NULL, NULL);
	scene_pump(s);
	forget(s);
}

/* A process that begins anew, with what storaged has; edges register nothing. */
static void
restart_sessiond(struct scene *s)
{
	fake_bus_deinit(&s->bus);
	sessiond_deinit(&s->sd);
	fake_bus_deinit(&s->bus);
	memset(&s->sd, 0, sizeof(s->sd));
	fake_bus_init(&s->bus, &s->sd);
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
	sessiond_init(&s->sd, &s->daemon);
	sessiond_events.linked(&s->sd, true);
	sessiond_events.peer_new(&s->sd, &s->edge);
	scene_open(s);
	forget(s);
}

/* The edge as well. */
static void
restart(struct scene *s)
{
	edge_is_new(s);
	restart_sessiond(s);
}

/* ---- BUS.md §13 ---- */

/* edge of B: DELIVER in flight: it is in the row, and the sender's acknowledgement waits for that */
static void
test_13_an_edge_dies_with_a_delivery(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	s->hold_acks = true;
	says(s, "romeo/orchard", HELLO);
	assert_false(client_of(s, "romeo/orchard")->last_acked);
	s->hold_acks = false;
	s->is_storaged_down = true;
	sessiond_events.peer_gone(&s->sd, &s->edge);
	scene_pump(s);
	assert_int_equal(s->n_sessions, 0);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_int_equal(s->n_sessions, 1);
	edge_comes(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "juliet/balcony again: " HEARD));
	assert_int_equal(s->n_sessions, 0);
	scene_free(s);
}

/* It ends before its row is committed: what is in the row is owed only after that. */
static void
test_its_messages_are_not_stored_before_the_row(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	s->is_storaged_down = true;
	loses(s, "juliet/balcony");
	binds(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 0);
	s->is_storaged_down = false;
	forget(s);
	s->shows_stores = true;
	scene_pump(s);
	assert_int_equal(s->n_sessions, 0);
	assert_int_equal(s->n_rows, 1);
	assert_false(s->rows[0].is_not_owed);
	scene_free(s);
}

static void
test_the_process_ends_meanwhile(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	loses(s, "juliet/balcony");
	s->is_storaged_down = true;
	resumes(s, "juliet/balcony", 0);
	scene_stop(s);
}

/* sessiond: DETACH committed: the row is all there is */
static void
test_13_sessiond_dies_after_detach(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	loses(s, "juliet/balcony");
	restart(s);
	assert_non_null(session_named(s, "juliet/balcony"));
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "juliet/balcony again: " HEARD));
	assert_int_equal(s->n_sessions, 0);
	scene_free(s);
}

/* CLOSED is acknowledged when the row is there, not before */
static void
test_13_closed_waits_for_the_row(void **state)
{
	struct scene *s = scene_of_two();
	bool acked = false;
	struct client *c = client_of(s, "juliet/balcony");
	struct msg_CLOSED m = {.conn = c->conn, .sid = c->sid, .epoch = c->epoch};

	(void)state;
	s->is_storaged_down = true;
	fake_receive(&s->bus, &c->edge, MSG_CLOSED, &m, NULL, &acked);
	scene_pump(s);
	assert_false(acked);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_true(acked);
	scene_free(s);
}

/* sessiond: CLAIM committed, RESUMED lost: the same connection asks again */
static void
test_13_resume_is_replayed(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	s->hold_acks = true;
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
	assert_int_equal(s->sessions[0].claim_conn, client_of(s, "juliet/balcony")->conn);
	s->hold_acks = false;
	restart_sessiond(s);
	resumes_again(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
	assert_int_equal(s->n_sessions, 0);
	scene_free(s);
}

/* The same, but another connection comes first: sessiond did not see how the claim ended, so it is refused. */
static void
test_13_who_did_not_claim_it_is_refused(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	s->hold_acks = true;
	resumes(s, "juliet/balcony", 0);
	s->hold_acks = false;
	restart_sessiond(s);
	resumes(s, "juliet/balcony", 0);
	assert_false(has(s, "goes on"));
	assert_int_equal(s->n_sessions, 1);
	scene_free(s);
}

/* edge of A: RESUME sent, RESUMED not taken: the row is free again, and A tries again */
static void
test_13_an_edge_dies_while_it_resumes(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	loses(s, "juliet/balcony");
	s->hold_acks = true;
	resumes(s, "juliet/balcony", 0);
	assert_true(s->sessions[0].claim_edge);
	s->hold_acks = false;
	sessiond_events.peer_gone(&s->sd, &s->edge);
	scene_pump(s);
	assert_int_equal(s->n_sessions, 1);
	assert_false(s->sessions[0].claim_edge);
	edge_comes(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "juliet/balcony again: " HEARD));
	assert_int_equal(s->n_sessions, 0);
	scene_free(s);
}

/* The record that the edge tells a new sessiond has what the client has not acknowledged. */
static void
test_what_an_edge_registers_can_be_resumed(void **state)
{
	struct scene *s = scene_of_two();
	struct client *c = client_of(s, "juliet/balcony");
	struct msg_REG reg = {.conn = c->conn};
	struct msg_REG_END end = {.count = 1};
	struct rec_unacked u = {.k = 7, .kind = OP_DELIVERY, .n = 3, .origin = id_random()};
	struct stanza st = stanza_from(s,
	    "<message from='romeo@h/orchard' to='juliet@h' id='1' type='chat'><body>hello</body></message>");
	uint8_t mac[CAPABILITY_BYTES];
	struct session *juliet = session_named(s, "juliet/balcony");

	(void)state;
	reg.session = session_record(juliet, mac);
	reg.session.jid = S("juliet@h/balcony");
	reg.session.source = S("192.0.2.1");
	reg.session.k = 7;
	reg.session.acked = 6;
	reg.session.out_base = 6;
	u.st = st;
	reg.session.unacked = (struct bus_list){.items = &u, .count = 1};
	fake_bus_deinit(&s->bus);
	sessiond_deinit(&s->sd);
	fake_bus_deinit(&s->bus);
	memset(&s->sd, 0, sizeof(s->sd));
	fake_bus_init(&s->bus, &s->sd);
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
	sessiond_init(&s->sd, &s->daemon);
	sessiond_events.linked(&s->sd, true);
	sessiond_events.peer_new(&s->sd, &s->edge);
	fake_receive(&s->bus, &s->edge, MSG_REG, &reg, NULL, NULL);
	fake_receive(&s->bus, &s->edge, MSG_REG_END, &end, NULL, NULL);
	scene_pump(s);
	assert_true(s->sd.is_open);
	loses(s, "juliet/balcony");
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "juliet/balcony again: " HEARD));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_its_messages_are_not_stored_before_the_row),
	    cmocka_unit_test(test_the_process_ends_meanwhile),
	    cmocka_unit_test(test_13_an_edge_dies_with_a_delivery),
	    cmocka_unit_test(test_13_sessiond_dies_after_detach),
	    cmocka_unit_test(test_13_closed_waits_for_the_row),
	    cmocka_unit_test(test_13_resume_is_replayed),
	    cmocka_unit_test(test_13_who_did_not_claim_it_is_refused),
	    cmocka_unit_test(test_13_an_edge_dies_while_it_resumes),
	    cmocka_unit_test(test_what_an_edge_registers_can_be_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
