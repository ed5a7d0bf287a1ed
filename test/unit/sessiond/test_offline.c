/* Offline messages: XEP-0160, BUS.md §8 (order, ledger). */
#include <stdio.h>

#include "scene.h"

static void
test_stored_flushed_dropped(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->shows_stores = true;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat' id='1'><body>one</body></message>");
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='2'><body>two</body></message>");
	expect(s, "STORE owed to juliet@h\nSTORE owed to juliet@h/balcony\n");
	assert_int_equal(s->n_rows, 2);
	binds(s, "juliet/balcony");
	forget(s);
	/* Not to a session that takes no messages. */
	says(s, "juliet/balcony", "<presence><priority>-1</priority></presence>");
	forget(s);
	says(s, "juliet/balcony", "<presence/>");
	expect(s,
	    "juliet/balcony: <presence from='juliet@h/balcony' to='juliet@h'/>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' id='1' type='chat'><body>one</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay></message>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony' id='2' type='chat'><body>two</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay></message>\n");
	assert_int_equal(s->n_rows, 2);
	reads(s, "juliet/balcony");
	expect(s, "OWED_DROP 2\n");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

/* XEP-0160 §3 */
static void
test_what_is_not_stored(void **state)
{
	static const char *const never[] = {
	    "<message to='juliet@h' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
	    "<message to='juliet@h' type='headline'><body>1</body></message>",
	    "<message to='juliet@h' type='chat'><body>1</body><no-store xmlns='urn:xmpp:hints'/></message>",
	    "<message to='juliet@h' type='error'><body>1</body></message>",
	    "<message to='juliet@h'/>",
	};
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < COUNT(never); i++)
		says(s, "romeo/orchard", never[i]);
	assert_int_equal(s->n_rows, 0);
	expect_nothing(s);
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><body>1</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_full_store(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	s->refuse_store = BUS_ERROR_LIMIT;
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat' id='1'><body>one</body></message>");
	expect(s,
	    "romeo/orchard: <message from='juliet@h' to='romeo@h/orchard' id='1' type='error'>[service-unavailable]</message>\n");
	s->refuse_store = BUS_ERROR_FULL;
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat' id='2'><body>one</body></message>");
	expect(s,
	    "romeo/orchard: <message from='juliet@h' to='romeo@h/orchard' id='2' type='error'>[resource-constraint]</message>\n");
	s->refuse_store = 0;
	s->settings.offline_max = 0;
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat' id='3'><body>one</body></message>");
	expect(s,
	    "romeo/orchard: <message from='juliet@h' to='romeo@h/orchard' id='3' type='error'>[service-unavailable]</message>\n");
	scene_free(s);
}

/* The acknowledgement waits for storaged's. */
static void
test_ack_waits_for_the_commit(void **state)
{
	struct scene *s = scene_new();
	struct session *romeo;

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><body>load her</body></message>");
	romeo = sessions_by_sid(&s->sd, &client_of(s, "romeo/orchard")->sid);
	assert_int_equal(romeo->done, 2);
	s->is_storaged_down = true;
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>one</body></message>");
	assert_false(client_of(s, "romeo/orchard")->last_acked);
	/* One after it that is done at once still waits for its turn (BUS.md §4). */
	says(s, "romeo/orchard",
	    "<message to='romeo@h/orchard' type='chat'><body>two</body></message>");
	assert_false(client_of(s, "romeo/orchard")->last_acked);
	assert_int_equal(romeo->done, 2);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_int_equal(romeo->done, 4);
	scene_free(s);
}

/* What comes while the old ones are fetched waits behind them. */
static void
test_order(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>old</body></message>");
	binds(s, "juliet/balcony");
	forget(s);
	s->is_storaged_down = true;
	says(s, "juliet/balcony", "<presence/>");
	forget(s);
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>new</body></message>");
	expect_nothing(s);
	s->is_storaged_down = false;
	scene_pump(s);
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>old</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay></message>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>new</body></message>\n");
	scene_free(s);
}

/* As long as storaged is away: it took more than half a minute to come back. */
static void
test_order_when_storaged_stays_away(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>old</body></message>");
	binds(s, "juliet/balcony");
	s->is_storaged_down = true;
	says(s, "juliet/balcony", "<presence/>");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>new</body></message>");
	forget(s);
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		struct sent *f = CONTAINER_OF(it, struct sent, link);

		if (f->message->type == MSG_OWED_FETCH)
			sent_answer(&s->bus, f, 0, NULL);
	}
	scene_pump(s);
	expect_nothing(s);
	s->is_storaged_down = false;
	sessiond_tick(&s->sd);
	scene_pump(s);
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>old</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay></message>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>new</body></message>\n");
	scene_free(s);
}

/* More than one page; then the session goes before it has read: the next one gets what was not written, all of it once. */
static void
test_unread_go_to_the_next_session(void **state)
{
	struct scene *s = scene_new();
	char stanza[128];

	(void)state;
	s->settings.offline_max = 1000;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < 250; i++) {
		snprintf(stanza, sizeof(stanza),
		    "<message to='juliet@h' type='chat'><body>m%u.</body></message>", i);
		says(s, "romeo/orchard", stanza);
	}
	binds(s, "juliet/balcony");
	says(s, "juliet/balcony", "<presence/>");
	assert_true(has(s, "<body>m249.</body>"));
	binds(s, "juliet/chamber");
	forget(s);
	says(s, "juliet/chamber", "<presence/>");
	assert_false(has(s, "<body>"));
	forget(s);
	leaves(s, "juliet/balcony");
	assert_true(has(s,
	    "juliet/chamber: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>m0.</body>"));
	assert_true(has(s, "<body>m249.</body>"));
	reads(s, "juliet/chamber");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_read_are_not_given_again(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>one</body></message>");
	login(s, "juliet/balcony");
	leaves(s, "juliet/balcony");
	binds(s, "juliet/balcony");
	forget(s);
	says(s, "juliet/balcony", "<presence/>");
	expect(s, "juliet/balcony: <presence from='juliet@h/balcony' to='juliet@h'/>\n");
	scene_free(s);
}

/* A client that is slow gets a page at a time: the rest waits in the store, not in its queue. */
static void
test_pages_wait_for_the_client(void **state)
{
	struct scene *s = scene_new();
	struct session *juliet;
	size_t most = 0;

	(void)state;
	s->settings.offline_max = 1000;
	s->settings.window_bytes = 1000;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < 450; i++)
		says(s, "romeo/orchard",
		    "<message to='juliet@h' type='chat'><body>hello</body></message>");
	assert_int_equal(s->n_rows, 450);
	binds(s, "juliet/balcony");
	says(s, "juliet/balcony", "<presence/>");
	juliet = sessions_by_sid(&s->sd, &client_of(s, "juliet/balcony")->sid);
	for (unsigned i = 0; i < 450; i++) {
		most = juliet->out.queue_bytes > most ? juliet->out.queue_bytes : most;
		reads(s, "juliet/balcony");
	}
	assert_in_range(most, 1, 100 * 400);
	assert_int_equal(s->n_rows, 0);
	assert_false(juliet->account->is_flushing);
	scene_free(s);
}

static void
send_more(struct scene *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		says(s, "romeo/orchard",
		    "<message to='juliet@h' type='chat'><body>more</body></message>");
}

/* INV-23. What comes meanwhile waits behind that page, and holds back its senders' frames: it counts as the client's queue, or one client
 * that reads nothing would fill the window of all others. */
static void
burden(int64_t queue_bytes, int64_t queues_bytes)
{
	struct scene *s = scene_new();
	const struct session *romeo;

	s->settings.queue_bytes = queue_bytes;
	s->settings.queues_bytes = queues_bytes;
	s->settings.offline_max = 1000;
	s->settings.window_bytes = 4096;
	login(s, "romeo/orchard");
	send_more(s, 150);
	binds(s, "juliet/balcony");
	says(s, "juliet/balcony", "<presence/>");
	romeo = sessions_by_sid(&s->sd, &client_of(s, "romeo/orchard")->sid);
	send_more(s, 10);
	assert_false(has(s, "juliet/balcony: RELEASE"));
	assert_int_not_equal(romeo->done, client_of(s, "romeo/orchard")->n);
	send_more(s, 200);
	assert_true(has(s, "juliet/balcony: RELEASE resource-constraint"));
	assert_int_equal(romeo->done, client_of(s, "romeo/orchard")->n);
	assert_int_equal(s->sd.queued_bytes, 0);
	assert_int_equal(s->n_rows, 360);
	scene_free(s);
}

static void
test_inv_23_what_waits_behind_a_page_is_bounded(void **state)
{
	(void)state;
	burden(32768, 1 << 20);
	burden(1 << 20, 32768);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stored_flushed_dropped),
	    cmocka_unit_test(test_what_is_not_stored),
	    cmocka_unit_test(test_full_store),
	    cmocka_unit_test(test_ack_waits_for_the_commit),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_order_when_storaged_stays_away),
	    cmocka_unit_test(test_unread_go_to_the_next_session),
	    cmocka_unit_test(test_read_are_not_given_again),
	    cmocka_unit_test(test_pages_wait_for_the_client),
	    cmocka_unit_test(test_inv_23_what_waits_behind_a_page_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
