/* Sessions that outlive their connections (XEP-0198 §5), by the rules and the table of BUS.md §8, §9 and §13. */
#include <stdio.h>

#include "base/clock.h"
#include "detach.h"
#include "ended.h"
#include "scene.h"

#define HELLO "<message to='juliet@h' type='chat' id='1'><body>hello</body></message>"
#define HEARD \
	"<message from='romeo@h/orchard' to='juliet@h' id='1' type='chat'><body>hello</body></message>"
#define AGAIN "<message to='juliet@h' type='chat' id='2'><body>again</body></message>"

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

/* Few, and large. */
static void
test_parked_bytes_are_bounded(void **state)
{
	struct scene *s = scene_of_two();
	struct buf text = {0};
	unsigned n = 0;

	(void)state;
	loses(s, "juliet/balcony");
	buf_add_z(&text, "<iq type='result' id='q' to='juliet@h/balcony'><query xmlns='x'>");
	for (unsigned i = 0; i < PARKED_BYTES_MAX / 8; i++)
		buf_add_c(&text, 'x');
	buf_add(&text, "</query></iq>", sizeof("</query></iq>"));
	while (session_named(s, "juliet/balcony") && n++ < 10) {
		says(s, "romeo/orchard", (const char *)text.data);
		sessions_reap(&s->sd);
		scene_pump(s);
	}
	assert_in_range(n, 7, 9);
	buf_deinit(&text);
	scene_free(s);
}

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
	assert_true(has(s, "RESUME_REFUSED"));
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "goes on"));
	scene_free(s);
}

/* XEP-0198 §5: h in <failed/>, for a day; not to others, and not when it was closed. */
static void
test_how_far_it_had_come(void **state)
{
	struct scene *s = scene_of_two();
	struct client *juliet = client_of(s, "juliet/balcony");
	uint32_t h = 99;

	(void)state;
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	loses(s, "juliet/balcony");
	detach_expire(&s->sd, clock_mono_ms() + 601000);
	scene_pump(s);
	ended_expire(
	    &s->sd, clock_mono_ms() - 1000); /* in the tick that has ended it, which began before */
	assert_false(ended_find(&s->sd, &juliet->token, S("romeo@h"), &h));
	assert_true(ended_find(&s->sd, &juliet->token, S("juliet@h"), &h));
	assert_int_equal(h, 1);
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "RESUME_REFUSED"));
	ended_expire(&s->sd, clock_mono_ms() + ENDED_MS + 1000);
	assert_false(ended_find(&s->sd, &juliet->token, S("juliet@h"), &h));
	forget(s);
	resumes(s, "juliet/balcony", 0);
	assert_true(has(s, "FAILED no such session"));
	scene_free(s);
}

static void
test_so_many_that_ended_are_remembered(void **state)
{
	struct scene *s = scene_of_two();
	struct session *juliet = session_named(s, "juliet/balcony");
	struct id128 own = juliet->token, first = {.b = {0}}, last;
	uint32_t h;

	(void)state;
	for (unsigned i = 0; i <= ENDED_MAX; i++) {
		last = (struct id128){.b = {(uint8_t)i, (uint8_t)(i >> 8)}};
		juliet->token = last;
		ended_remember(juliet);
	}
	assert_false(ended_find(&s->sd, &first, S("juliet@h"), &h));
	assert_true(ended_find(&s->sd, &last, S("juliet@h"), &h));
	juliet->token = own;
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
	assert_true(has(s, "RESUME_REFUSED"));
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
	outbound_check_stalled(&s->sd, clock_mono_ms() - 1000); /* in a tick that began before */
	sessions_reap(&s->sd);
	assert_int_equal(session_named(s, "juliet/balcony")->state, SESSION_ATTACHED);
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
	/* Nothing that comes of the old one makes the new one look gone, also not when its time would have been up. */
	says(s, "juliet/balcony", "<presence><show>away</show></presence>");
	assert_true(
	    has(s, "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h'><show>away"));
	forget(s);
	detach_expire(&s->sd, clock_mono_ms() + 601000);
	scene_pump(s);
	expect_nothing(s);
	assert_true(session_is_available(session_named(s, "juliet/balcony")));
	scene_free(s);
}

/* Who is refused for a session that nobody has any more could not come back until its time is up. */
static void
test_what_is_away_refuses_nobody(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	s->settings.conflict = CONFLICT_REFUSE;
	loses(s, "juliet/balcony");
	binds(s, "juliet/balcony");
	assert_true(has(s, "juliet/balcony is juliet@h/balcony"));
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
	    cmocka_unit_test(test_parked_bytes_are_bounded),
	    cmocka_unit_test(test_inv_25_not_for_anybody_else),
	    cmocka_unit_test(test_a_count_of_what_was_never_sent),
	    cmocka_unit_test(test_how_far_it_had_come),
	    cmocka_unit_test(test_so_many_that_ended_are_remembered),
	    cmocka_unit_test(test_not_after_a_clean_end),
	    cmocka_unit_test(test_not_after_the_password_has_changed),
	    cmocka_unit_test(test_it_is_taken_over),
	    cmocka_unit_test(test_who_does_not_read_is_detached),
	    cmocka_unit_test(test_time_is_up),
	    cmocka_unit_test(test_an_account_has_so_many),
	    cmocka_unit_test(test_its_resource_is_taken),
	    cmocka_unit_test(test_what_is_away_refuses_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
