/* Binding: tickets, resources, conflicts, limits. */
#include <stdio.h>

#include "scene.h"

static void
test_requested_and_random(void **state)
{
	struct scene *s = scene_new();
	struct session *session;

	(void)state;
	binds(s, "romeo/orchard");
	expect(s, "romeo/orchard is romeo@h/orchard\n");
	binds(s, "romeo/");
	session = sessions_by_sid(&s->sd, &client_of(s, "romeo/")->sid);
	assert_int_equal(session->jid.resource.n, 16);
	assert_int_equal(session->epoch, 1);
	assert_string_equal(session->source, "192.0.2.1");
	scene_free(s);
}

static void
test_replace(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "juliet/balcony");
	login(s, "romeo/orchard");
	forget(s);
	binds(s, "romeo/orchard");
	assert_true(has(s, "RELEASE conflict\n"));
	assert_true(has(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n"));
	assert_true(has(s, "romeo/orchard is romeo@h/orchard\n"));
	assert_int_equal(sessions_count(&s->sd), 2);
	scene_free(s);
}

static void
test_refuse(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.conflict = CONFLICT_REFUSE;
	login(s, "romeo/orchard");
	binds(s, "romeo/orchard");
	expect(s, "c2sd FAILED the resource is in use\n");
	assert_int_equal(sessions_count(&s->sd), 1);
	scene_free(s);
}

static void
test_rename(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.conflict = CONFLICT_RENAME;
	login(s, "romeo/orchard");
	binds(s, "romeo/orchard");
	assert_true(has(s, "romeo/orchard is romeo@h/"));
	assert_false(has(s, "romeo/orchard is romeo@h/orchard"));
	assert_int_equal(sessions_count(&s->sd), 2);
	scene_free(s);
}

static void
test_limits(void **state)
{
	struct scene *s = scene_new();
	char name[32];

	(void)state;
	s->settings.replace_oldest_session = false;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "romeo/%u", i);
		binds(s, name);
	}
	forget(s);
	binds(s, "romeo/more");
	expect(s, "c2sd FAILED too many sessions\n");
	/* Replacing one is not one more. */
	binds(s, "romeo/3");
	assert_true(has(s, "romeo/3 is romeo@h/3\n"));
	s->settings.sessions_max = 10;
	forget(s);
	binds(s, "juliet/balcony");
	expect(s, "c2sd FAILED too many sessions\n");
	scene_free(s);
}

/* REQUIREMENTS N-62: also where the limit has become smaller meanwhile. The shard's own limit makes room for nobody. */
static void
test_the_oldest_makes_room(void **state)
{
	struct scene *s = scene_new();
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "romeo/%u", i);
		binds(s, name);
	}
	forget(s);
	binds(s, "romeo/more");
	expect(s, "romeo/0: RELEASE conflict\nromeo/more is romeo@h/more\n");
	assert_int_equal(sessions_count(&s->sd), 10);
	s->settings.sessions_per_account = 8;
	binds(s, "romeo/again");
	expect(s,
	    "romeo/1: RELEASE conflict\nromeo/2: RELEASE conflict\nromeo/3: RELEASE conflict\n"
	    "romeo/again is romeo@h/again\n");
	s->settings.sessions_max = 8;
	binds(s, "juliet/balcony");
	expect(s, "c2sd FAILED too many sessions\n");
	assert_int_equal(sessions_count(&s->sd), 8);
	scene_free(s);
}

static void
test_bad_ticket(void **state)
{
	struct scene *s = scene_new();
	struct msg_BIND m = {
	    .req = 5, .conn = 7, .ticket = id_random(), .jid = S("romeo@h"), .resource = S("x")};

	(void)state;
	/* Nobody's. */
	binds(s, "nobody/x");
	expect(s, "c2sd FAILED no such ticket\n");
	/* Somebody else's: the edge says romeo, authd says tybalt. */
	binds(s, "tybalt/street");
	forget(s);
	fake_receive(&s->bus, &s->edge, MSG_BIND, &m, NULL, NULL);
	scene_pump(s);
	expect(s, "c2sd FAILED no such ticket\n");
	assert_int_equal(sessions_count(&s->sd), 1);
	scene_free(s);
}

/* BIND replayed: the session that is there. */
static void
test_again(void **state)
{
	struct scene *s = scene_new();
	struct client *c = binds(s, "romeo/orchard");
	struct msg_BIND m = {
	    .req = 9, .conn = c->conn, .jid = S("romeo@h"), .resource = S("orchard")};

	(void)state;
	forget(s);
	fake_receive(&s->bus, &s->edge, MSG_BIND, &m, NULL, NULL);
	scene_pump(s);
	expect(s, "romeo/orchard is romeo@h/orchard\n");
	assert_int_equal(sessions_count(&s->sd), 1);
	scene_free(s);
}

static void
test_authd_is_down(void **state)
{
	struct scene *s = scene_new();
	struct sent *f;

	(void)state;
	s->is_authd_down = true;
	binds(s, "romeo/orchard");
	expect_nothing(s);
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		f = CONTAINER_OF(it, struct sent, link);
		if (f->message->type == MSG_REDEEM)
			sent_answer(&s->bus, f, 0, NULL);
	}
	scene_pump(s);
	expect(s, "c2sd FAILED authd does not answer\n");
	/* The edge dies meanwhile: nothing is left. */
	binds(s, "romeo/garden");
	s->bus.c2sd_incarnation[0] = 1001;
	sessiond_events.peer_gone(&s->sd, &s->edge);
	s->is_authd_down = false;
	scene_pump(s);
	expect_nothing(s);
	assert_int_equal(sessions_count(&s->sd), 0);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_requested_and_random),
	    cmocka_unit_test(test_replace),
	    cmocka_unit_test(test_refuse),
	    cmocka_unit_test(test_rename),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_the_oldest_makes_room),
	    cmocka_unit_test(test_bad_ticket),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_authd_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
