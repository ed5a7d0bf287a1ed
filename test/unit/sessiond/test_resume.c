/* Sessions that outlive their connections (XEP-0198 §5), by the rules and the table of BUS.md §8, §9 and §13. */
#include <stdio.h>

#include "base/clock.h"
#include "detach.h"
#include "scene.h"

#define HELLO "<message to='juliet@h' type='chat' id='1'><body>hello</body></message>"
#define HEARD \
	"<message from='romeo@h/orchard' to='juliet@h' id='1' type='chat'><body>hello</body></message>"
#define AGAIN "<message to='juliet@h' type='chat' id='2'><body>again</body></message>"

static struct scene *
scene_of_two(void)
{
	struct scene *s = scene_new();

	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	reads(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	forget(s);
	return s;
}

/* A process that begins anew, with what storaged has; edges register nothing. */
static void
restart(struct scene *s)
{
	fake_bus_deinit(&s->bus);
	sessiond_deinit(&s->sd);
	fake_bus_deinit(&s->bus);
	memset(&s->sd, 0, sizeof(s->sd));
	fake_bus_init(&s->bus, &s->sd);
	s->edge.incarnation++;
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
	sessiond_init(&s->sd, &s->daemon);
	sessiond_events.linked(&s->sd, true);
	sessiond_events.peer_new(&s->sd, &s->edge);
	scene_open(s);
	forget(s);
}

/* ---- §5: detached and resumed ---- */

static void
test_what_was_not_acknowledged_comes_again(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	says(s, "romeo/orchard", AGAIN);
	reads(s, "juliet/balcony");
	loses(s, "juliet/balcony");
	forget(s);
	resumes(s, "juliet/balcony", 1);
	expect(s,
	    "juliet/balcony goes on, done 0\n"
	    "juliet/balcony again: <message from='romeo@h/orchard' to='juliet@h' id='2' type='chat'>"
	    "<body>again</body></message>\n");
	assert_int_equal(s->n_sessions, 0);
	says(s, "romeo/orchard", HELLO);
	assert_true(has(s, "juliet/balcony: " HEARD));
	scene_free(s);
}

static void
test_nobody_sees_it_go(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	expect_nothing(s);
	resumes(s, "juliet/balcony", 0);
	expect(s, "juliet/balcony goes on, done 0\n");
	scene_free(s);
}

static void
test_messages_are_owed_meanwhile(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	says(s, "romeo/orchard", HELLO);
	assert_int_equal(s->n_rows, 1);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' id='1'"));
	reads(s, "juliet/balcony");
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

/* Also when they are for the very session, and others are there. */
static void
test_messages_to_its_full_jid_are_owed(void **state)
{
	static const char *const types[] = {"chat", "normal"};

	(void)state;
	for (unsigned i = 0; i < COUNT(types); i++) {
		struct scene *s = scene_of_two();
		char text[128];

		login(s, "juliet/garden");
		loses(s, "juliet/balcony");
		forget(s);
		snprintf(text, sizeof(text),
		    "<message to='juliet@h/balcony' type='%s' id='1'><body>hello</body></message>",
		    types[i]);
		says(s, "romeo/orchard", text);
		assert_int_equal(s->n_rows, 1);
		expect_nothing(s);
		resumes(s, "juliet/balcony", (uint32_t)(client_of(s, "juliet/balcony")->k - 3));
		assert_true(has(s,
		    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony' id='1'"));
		scene_free(s);
	}
}

static void
test_they_go_to_others_when_it_has_ended(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	login(s, "juliet/garden");
	loses(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='1'><body>hello</body></message>");
	forget(s);
	detach_expire(&s->sd, clock_mono_ms() + 601000);
	scene_pump(s);
	assert_true(
	    has(s, "juliet/garden: <message from='romeo@h/orchard' to='juliet@h/balcony' id='1'"));
	reads(s, "juliet/garden");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_another_session_gets_them_meanwhile(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	login(s, "juliet/garden");
	loses(s, "juliet/balcony");
	forget(s);
	says(s, "romeo/orchard", HELLO);
	expect(s, "juliet/garden: " HEARD "\n");
	resumes(s, "juliet/balcony", 0);
	assert_false(has(s, "hello"));
	scene_free(s);
}

/* The last presence of each, then messages, then questions, in their order. */
static void
test_order_of_what_waited(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	says(s, "romeo/orchard", "<presence><show>away</show></presence>");
	says(s, "romeo/orchard",
	    "<iq type='get' id='q' to='juliet@h/balcony'><query xmlns='jabber:iq:version'/></iq>");
	says(s, "romeo/orchard", "<presence><show>dnd</show></presence>");
	says(s, "romeo/orchard", HELLO);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	expect(s,
	    "juliet/balcony goes on, done 0\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'><show>dnd</show></presence>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' id='1' type='chat'><body>hello</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay></message>\n"
	    "juliet/balcony: <iq from='romeo@h/orchard' to='juliet@h/balcony' id='q' type='get'>"
	    "<query xmlns='jabber:iq:version'/></iq>\n");
	scene_free(s);
}

static void
test_parked_is_bounded(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	for (unsigned i = 0; i <= PARKED_MAX; i++)
		says(s, "romeo/orchard",
		    "<iq type='result' id='q' to='juliet@h/balcony'><query xmlns='jabber:iq:version'/></iq>");
	sessions_reap(&s->sd);
	scene_pump(s);
	assert_null(session_named(s, "juliet/balcony"));
	assert_true(has(
	    s, "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'"));
	scene_free(s);
}

/* ---- who may not ---- */

static void
test_inv_25_not_for_anybody_else(void **state)
{
	struct scene *s = scene_of_two();
	struct client *romeo = client_of(s, "romeo/orchard");

	(void)state;
	romeo->token = client_of(s, "juliet/balcony")->token;
	loses(s, "juliet/balcony");
	forget(s);
	resumes(s, "romeo/orchard", 0);
	assert_true(has(s, "FAILED no such session"));
	assert_non_null(session_named(s, "juliet/balcony"));
	scene_free(s);
}

static void
test_a_count_of_what_was_never_sent(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	forget(s);
	resumes(s, "juliet/balcony", 5);
	assert_true(has(s, "FAILED"));
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
	scene_free(s);
}

static void
test_not_after_a_clean_end(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	leaves(s, "juliet/balcony");
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "FAILED"));
	scene_free(s);
}

static void
test_not_after_the_password_has_changed(void **state)
{
	struct scene *s = scene_of_two();
	struct endpoint authd = {.role = ROLE_AUTHD, .incarnation = 1};
	struct msg_ACCOUNT_CHANGED m = {
	    .jid = S("juliet@h"), .generation = 2, .close_sessions = true};

	(void)state;
	loses(s, "juliet/balcony");
	fake_receive(&s->bus, &authd, MSG_ACCOUNT_CHANGED, &m, NULL, NULL);
	s->generation = 2;
	scene_pump(s);
	assert_int_equal(s->n_sessions, 0);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "FAILED"));
	scene_free(s);
}

/* ---- attached elsewhere ---- */

static void
test_it_is_taken_over(void **state)
{
	struct scene *s = scene_of_two();
	uint64_t before = client_of(s, "juliet/balcony")->conn;
	char release[64];

	(void)state;
	says(s, "romeo/orchard", HELLO);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	snprintf(
	    release, sizeof(release), "conn %llu: RELEASE conflict", (unsigned long long)before);
	assert_true(has(s, "goes on"));
	assert_true(has(s, "again: " HEARD));
	assert_true(has(s, release));
	says(s, "romeo/orchard", AGAIN);
	assert_true(has(s, "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' id='2'"));
	scene_free(s);
}

/* BUS.md §5: who takes nothing is detached; others are not held up. */
static void
test_who_does_not_read_is_detached(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	s->settings.window_bytes = 1000;
	for (unsigned i = 0; i < 40; i++)
		says(s, "romeo/orchard", HELLO);
	outbound_check_stalled(&s->sd, clock_mono_ms() + 61000);
	sessions_reap(&s->sd);
	scene_pump(s);
	assert_true(has(s, "juliet/balcony: RELEASE resource-constraint"));
	assert_int_equal(session_named(s, "juliet/balcony")->state, SESSION_DETACHED);
	assert_int_equal(s->n_sessions, 1);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
	for (unsigned i = 0; i < 40; i++) {
		reads(s, "juliet/balcony");
		acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	}
	assert_int_equal(
	    client_of(s, "juliet/balcony")->k, session_named(s, "juliet/balcony")->out_base + 40);
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

/* ---- its end ---- */

static void
test_time_is_up(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	loses(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<iq type='get' id='q' to='juliet@h/balcony'><query xmlns='jabber:iq:version'/></iq>");
	forget(s);
	detach_expire(&s->sd, clock_mono_ms() + 599000);
	expect_nothing(s);
	detach_expire(&s->sd, clock_mono_ms() + 601000);
	scene_pump(s);
	assert_null(session_named(s, "juliet/balcony"));
	assert_int_equal(s->n_sessions, 0);
	assert_int_equal(s->n_rows, 1);
	assert_true(has(
	    s, "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'"));
	assert_true(has(s, "[service-unavailable]"));
	scene_free(s);
}

static void
test_an_account_has_so_many(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	s->settings.detached_per_account = 1;
	login(s, "juliet/garden");
	enables(s, "juliet/garden");
	loses(s, "juliet/balcony");
	loses(s, "juliet/garden");
	assert_null(session_named(s, "juliet/balcony"));
	assert_non_null(session_named(s, "juliet/garden"));
	assert_int_equal(s->n_sessions, 1);
	scene_free(s);
}

static void
test_its_resource_is_taken(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	loses(s, "juliet/balcony");
	binds(s, "juliet/balcony");
	assert_int_equal(s->n_sessions, 0);
	assert_true(has(s, "juliet/balcony is juliet@h/balcony"));
	assert_false(has(s, "RELEASE"));
	scene_free(s);
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
	s->edge.incarnation++;
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
	sessiond_events.peer_new(&s->sd, &s->edge);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	scene_pump(s);
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
	restart(s);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
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
	    cmocka_unit_test(test_what_was_not_acknowledged_comes_again),
	    cmocka_unit_test(test_nobody_sees_it_go),
	    cmocka_unit_test(test_messages_are_owed_meanwhile),
	    cmocka_unit_test(test_messages_to_its_full_jid_are_owed),
	    cmocka_unit_test(test_they_go_to_others_when_it_has_ended),
	    cmocka_unit_test(test_another_session_gets_them_meanwhile),
	    cmocka_unit_test(test_order_of_what_waited),
	    cmocka_unit_test(test_parked_is_bounded),
	    cmocka_unit_test(test_inv_25_not_for_anybody_else),
	    cmocka_unit_test(test_a_count_of_what_was_never_sent),
	    cmocka_unit_test(test_not_after_a_clean_end),
	    cmocka_unit_test(test_not_after_the_password_has_changed),
	    cmocka_unit_test(test_it_is_taken_over),
	    cmocka_unit_test(test_who_does_not_read_is_detached),
	    cmocka_unit_test(test_time_is_up),
	    cmocka_unit_test(test_an_account_has_so_many),
	    cmocka_unit_test(test_its_resource_is_taken),
	    cmocka_unit_test(test_its_messages_are_not_stored_before_the_row),
	    cmocka_unit_test(test_the_process_ends_meanwhile),
	    cmocka_unit_test(test_13_an_edge_dies_with_a_delivery),
	    cmocka_unit_test(test_13_sessiond_dies_after_detach),
	    cmocka_unit_test(test_13_closed_waits_for_the_row),
	    cmocka_unit_test(test_13_resume_is_replayed),
	    cmocka_unit_test(test_what_an_edge_registers_can_be_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
