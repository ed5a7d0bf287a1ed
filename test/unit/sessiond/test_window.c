/* What is not written to a client: its window, the queue behind it, and their limits (BUS.md §5). */
#include "base/clock.h"
#include "scene.h"

/* What is not written stays here, in order; the sender's acknowledgement waits. */
static void
test_window(void **state)
{
	struct scene *s = scene_new();
	struct session *romeo;

	(void)state;
	s->settings.window_bytes = 4096;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	romeo = sessions_by_sid(&s->sd, &client_of(s, "romeo/orchard")->sid);
	for (unsigned i = 0; i < 10; i++)
		says_long(s, "juliet@h", i, 1000);
	assert_int_equal(count(s, "juliet/balcony"), 3);
	assert_int_equal(romeo->done, 4);
	reads(s, "juliet/balcony");
	assert_int_equal(count(s, "juliet/balcony"), 6);
	assert_int_equal(romeo->done, 7);
	reads(s, "juliet/balcony");
	reads(s, "juliet/balcony");
	assert_int_equal(count(s, "juliet/balcony"), 10);
	assert_true(has(s, "<body>9."));
	assert_int_equal(romeo->done, 11);
	/* Presence keeps its place behind what waits. */
	for (unsigned i = 0; i < 4; i++)
		says_long(s, "juliet@h", i, 1000);
	forget(s);
	says(s, "juliet/balcony", "<presence/>");
	expect_nothing(s);
	reads(s, "juliet/balcony");
	assert_true(has(s, "<body>3."));
	assert_true(has(s, "juliet/balcony: <presence from='juliet@h/balcony' to='juliet@h'/>"));
	scene_free(s);
}

/* The bound of the queue. What was not written is kept for later. */
static void
test_queue_overflow(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.window_bytes = 4096;
	s->settings.queue_bytes = 8192;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	for (unsigned i = 0; i < 20; i++)
		says_long(s, "juliet@h", i, 1000);
	assert_int_equal(count(s, "juliet/balcony: RELEASE resource-constraint"), 1);
	assert_int_equal(s->n_rows, 20);
	binds(s, "juliet/balcony");
	forget(s);
	s->settings.window_bytes = 1 << 20;
	says(s, "juliet/balcony", "<presence/>");
	assert_int_equal(count(s, "<body>"), 20);
	scene_free(s);
}

/* Over all sessions: the longest queue goes, the others stay. */
static void
test_all_queues_overflow(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.window_bytes = 4096;
	s->settings.queues_bytes = 16384;
	login(s, "romeo/orchard");
	login(s, "nurse/kitchen");
	login(s, "juliet/balcony");
	for (unsigned i = 0; i < 5; i++)
		says(s, "romeo/orchard",
		    "<message to='nurse@h' type='chat'><body>short</body></message>");
	for (unsigned i = 0; i < 25; i++)
		says_long(s, "juliet@h", i, 1000);
	assert_true(has(s, "juliet/balcony: RELEASE resource-constraint"));
	assert_false(has(s, "nurse/kitchen: RELEASE"));
	assert_int_equal(s->sd.queued_bytes, 0);
	assert_int_equal(s->n_rows, 25);
	scene_free(s);
}

/* INV-23. What romeo writes to others is acknowledged behind what juliet does not read: all of it is held back, and the window would be full. */
static void
test_inv_23_who_does_not_read_goes_before_the_window_is_full(void **state)
{
	struct scene *s = scene_new();
	const struct session *romeo;

	(void)state;
	login(s, "juliet/balcony");
	login(s, "nurse/kitchen");
	login(s, "romeo/orchard");
	romeo = sessions_by_sid(&s->sd, &client_of(s, "romeo/orchard")->sid);
	s->settings.window_bytes = 4096;
	says_long(s, "juliet@h", 0, 16384);
	says_long(s, "juliet@h", 0, 16384);
	for (unsigned n = 0; n < 60; n++) {
		says_long(s, "nurse@h", 0, 16384);
		reads(s, "nurse/kitchen");
	}
	assert_false(has(s, "RELEASE"));
	assert_in_range(s->sd.edges[0].behind_bytes, 60 * 16384, 1 << 20);
	assert_int_equal(romeo->done + 61, romeo->in_last);
	session_named(s, "juliet/balcony")->out.progress_ms -= 1001;
	for (unsigned n = 0; n < 20; n++) {
		says_long(s, "nurse@h", 0, 16384);
		reads(s, "nurse/kitchen");
	}
	assert_true(has(s, "juliet/balcony: RELEASE resource-constraint"));
	assert_false(has(s, "nurse/kitchen: RELEASE"));
	assert_int_equal(romeo->done, romeo->in_last);
	assert_int_equal(s->sd.edges[0].behind_bytes, 0);
	scene_free(s);
}

/* The disk is slow, and what comes behind is held back by nobody's queue: a client that reads, only slowly, stays. */
static void
test_who_reads_slowly_stays_while_the_store_is_slow(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "juliet/balcony");
	login(s, "nurse/kitchen");
	login(s, "tybalt/street");
	login(s, "romeo/orchard");
	s->settings.window_bytes = 1;
	for (unsigned n = 0; n < 2; n++)
		says(s, "tybalt/street",
		    "<message to='nurse@h' type='chat'><body>a</body></message>");
	assert_int_equal(count(s, "nurse/kitchen: <message"), 1);
	s->is_storaged_down = true;
	says(s, "romeo/orchard", "<message to='mercutio@h'><body>stored</body></message>");
	for (unsigned n = 0; n < 80; n++) {
		says_long(s, "juliet@h", n, 16384);
		reads(s, "juliet/balcony");
	}
	assert_true(s->sd.edges[0].behind_bytes > 1 << 20);
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_false(has(s, "RELEASE"));
	session_named(s, "nurse/kitchen")->out.progress_ms -= 1001;
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_true(has(s, "nurse/kitchen: RELEASE resource-constraint"));
	scene_free(s);
}

static void
test_stalled(void **state)
{
	struct scene *s = scene_new();
	struct session *juliet;

	(void)state;
	s->settings.window_bytes = 4096;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	juliet = sessions_by_sid(&s->sd, &client_of(s, "juliet/balcony")->sid);
	for (unsigned i = 0; i < 5; i++)
		says_long(s, "juliet@h", i, 1000);
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_false(has(s, "RELEASE"));
	juliet->out.progress_ms = clock_mono_ms() - 61000;
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_true(has(s, "juliet/balcony: RELEASE resource-constraint"));
	assert_int_equal(s->n_rows, 5);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_queue_overflow),
	    cmocka_unit_test(test_all_queues_overflow),
	    cmocka_unit_test(test_inv_23_who_does_not_read_goes_before_the_window_is_full),
	    cmocka_unit_test(test_who_reads_slowly_stays_while_the_store_is_slow),
	    cmocka_unit_test(test_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
