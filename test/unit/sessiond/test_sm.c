/* Stream management (XEP-0198) of sessions that cannot be resumed, or end all the same: what a client has not acknowledged is given again, whatever its socket took. */
#include <stdio.h>

#include "scene.h"
#include "teardown.h"

#define HELLO "<message to='juliet@h' type='chat' id='1'><body>hello</body></message>"

static struct scene *
scene_with_sm(void)
{
	struct scene *s = scene_new();

	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	reads(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	return s;
}

static void
test_the_record_says_so(void **state)
{
	struct scene *s = scene_new();
	uint8_t mac[CAPABILITY_BYTES];
	struct session *juliet;

	(void)state;
	login(s, "juliet/balcony");
	juliet = session_named(s, "juliet/balcony");
	assert_false(session_record(juliet, mac).sm);
	enables(s, "juliet/balcony");
	assert_true(session_record(juliet, mac).sm);
	assert_int_equal(session_record(juliet, mac).acked, juliet->out.k);
	enables(s, "juliet/balcony");
	assert_int_equal(s->bus.errors, 0);
	scene_free(s);
}

static void
test_not_for_another_session(void **state)
{
	struct scene *s = scene_new();
	struct client *romeo = login(s, "romeo/orchard"), *juliet = login(s, "juliet/balcony");
	struct msg_SM_ENABLE m = {.req = 1, .conn = romeo->conn, .sid = juliet->sid};

	(void)state;
	fake_receive(&s->bus, &romeo->edge, MSG_SM_ENABLE, &m, NULL, NULL);
	scene_pump(s);
	assert_true(has(s, "FAILED"));
	assert_false(session_named(s, "romeo/orchard")->out.is_acked);
	scene_free(s);
}

/* The socket took it, the client never said that it has it. */
static void
test_written_is_not_received(void **state)
{
	struct scene *s = scene_with_sm();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	reads(s, "juliet/balcony");
	assert_int_equal(session_named(s, "juliet/balcony")->out.n_unacked, 1);
	leaves(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_what_is_acknowledged_stays_gone(void **state)
{
	struct scene *s = scene_with_sm();
	struct session *juliet = session_named(s, "juliet/balcony");

	(void)state;
	says(s, "romeo/orchard", HELLO);
	says(s, "romeo/orchard", HELLO);
	reads(s, "juliet/balcony");
	acks(s, "juliet/balcony", juliet->out.k - 1);
	assert_int_equal(juliet->out.n_unacked, 1);
	leaves(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_the_ack_may_come_before_the_report(void **state)
{
	struct scene *s = scene_with_sm();
	struct session *juliet = session_named(s, "juliet/balcony");

	(void)state;
	says(s, "romeo/orchard", HELLO);
	acks(s, "juliet/balcony", juliet->out.k);
	assert_int_equal(juliet->out.sent_bytes, 0);
	assert_int_equal(juliet->out.n_unacked, 0);
	reads(s, "juliet/balcony");
	leaves(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 0);
	assert_int_equal(s->bus.errors, 0);
	scene_free(s);
}

/* Without stream management it may have been read: it is not given again. */
static void
test_whoever_ends_it(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.resume_seconds = 0;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	login(s, "nurse/kitchen");
	forget(s);
	says(s, "romeo/orchard", HELLO);
	says(s, "romeo/orchard", "<message to='nurse@h' type='chat'><body>1</body></message>");
	sessiond_events.peer_gone(&s->sd, &s->edge);
	scene_pump(s);
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_another_session_gets_it(void **state)
{
	struct scene *s = scene_with_sm();

	(void)state;
	says(s, "romeo/orchard", HELLO);
	reads(s, "juliet/balcony");
	binds(s, "juliet/garden");
	says(s, "juliet/garden", "<presence/>");
	forget(s);
	leaves(s, "juliet/balcony");
	assert_true(has(s, "juliet/garden: <message from='romeo@h/orchard' to='juliet@h' id='1'"));
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_offline_messages_go_with_the_ack(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", HELLO);
	assert_int_equal(s->n_rows, 1);
	binds(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	says(s, "juliet/balcony", "<presence/>");
	reads(s, "juliet/balcony");
	assert_int_equal(s->n_rows, 1);
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_offline_messages_stay_without_it(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", HELLO);
	binds(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	says(s, "juliet/balcony", "<presence/>");
	reads(s, "juliet/balcony");
	leaves(s, "juliet/balcony");
	binds(s, "juliet/garden");
	forget(s);
	says(s, "juliet/garden", "<presence/>");
	assert_true(has(s, "<body>hello</body>"));
	scene_free(s);
}

/* Who acknowledges nothing is sent no more than this; then its queue grows, and the sender waits. */
static void
test_unacked_are_bounded(void **state)
{
	struct scene *s = scene_with_sm();
	struct session *juliet = session_named(s, "juliet/balcony");

	(void)state;
	for (unsigned i = 0; i < UNACKED_MAX; i++) {
		says(s, "romeo/orchard", HELLO);
		reads(s, "juliet/balcony");
		forget(s);
	}
	assert_int_equal(juliet->out.n_unacked, UNACKED_MAX);
	says(s, "romeo/orchard", HELLO);
	expect_nothing(s);
	acks(s, "juliet/balcony", juliet->out.acked + 1);
	assert_true(has(s, "hello"));
	scene_free(s);
}

static void
test_unacked_bytes_are_bounded(void **state)
{
	struct scene *s = scene_with_sm();
	struct session *juliet = session_named(s, "juliet/balcony");
	struct buf text = {0};
	unsigned n = 0;

	(void)state;
	buf_add_z(&text, "<message type='chat' to='juliet@h'><body>");
	for (unsigned i = 0; i < UNACKED_BYTES_MAX / 8; i++)
		buf_add_c(&text, 'x');
	buf_add(&text, "</body></message>", sizeof("</body></message>"));
	for (; n < 12; n++) {
		forget(s);
		says(s, "romeo/orchard", (const char *)text.data);
		if (!has(s, "xxx"))
			break;
		reads(s, "juliet/balcony");
	}
	assert_in_range(n, 7, 9);
	assert_true(juliet->out.unacked_bytes >= UNACKED_BYTES_MAX);
	acks(s, "juliet/balcony", juliet->out.acked + 1);
	assert_true(has(s, "xxx"));
	buf_deinit(&text);
	scene_free(s);
}

static void
test_more_than_was_sent_is_an_error_of_the_edge(void **state)
{
	struct scene *s = scene_with_sm();

	(void)state;
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k + 1);
	assert_int_equal(s->bus.errors, 1);
	acks(s, "romeo/orchard", 1);
	assert_int_equal(s->bus.errors, 2);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_record_says_so),
	    cmocka_unit_test(test_not_for_another_session),
	    cmocka_unit_test(test_written_is_not_received),
	    cmocka_unit_test(test_what_is_acknowledged_stays_gone),
	    cmocka_unit_test(test_the_ack_may_come_before_the_report),
	    cmocka_unit_test(test_whoever_ends_it),
	    cmocka_unit_test(test_another_session_gets_it),
	    cmocka_unit_test(test_offline_messages_go_with_the_ack),
	    cmocka_unit_test(test_offline_messages_stay_without_it),
	    cmocka_unit_test(test_unacked_are_bounded),
	    cmocka_unit_test(test_unacked_bytes_are_bounded),
	    cmocka_unit_test(test_more_than_was_sent_is_an_error_of_the_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
