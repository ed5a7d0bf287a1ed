/* The operator's list and kick, changed passwords, removed accounts. */
#include <stdio.h>

#include "account.h"
#include "scene.h"

static const struct endpoint ctl = {.role = ROLE_CTL, .incarnation = 5};
static const struct endpoint authd = {.role = ROLE_AUTHD, .incarnation = 1};

static void
kick(struct scene *s, const char *jid, uint64_t expected)
{
	struct msg_SESSION_KICK m = {.req = 3, .jid = str_z(jid)};
	struct sent *f;
	bool answered = false;

	fake_receive(&s->bus, &ctl, MSG_SESSION_KICK, &m, NULL, NULL);
	s->hold_acks = true;
	scene_pump(s);
	s->hold_acks = false;
	LIST_FOREACH(&s->bus.waiting, it) {
		f = CONTAINER_OF(it, struct sent, link);
		if (f->message->type == MSG_DONE) {
			assert_int_equal(((const struct msg_DONE *)f->msg)->count, expected);
			answered = true;
		}
	}
	assert_true(answered);
	scene_ack(s);
}

static void
test_kick(void **state)
{
	struct scene *s = scene_new();
	struct session *garden;

	(void)state;
	login(s, "romeo/orchard");
	login(s, "romeo/garden");
	forget(s);
	kick(s, "romeo@h/orchard", 1);
	assert_true(has(s, "romeo/orchard: RELEASE policy-violation\n"));
	assert_true(has(s, "c2sd CAPABILITY\n"));
	garden = sessions_by_sid(&s->sd, &client_of(s, "romeo/garden")->sid);
	assert_int_equal(garden->generation, 2);
	kick(s, "romeo@h", 1);
	kick(s, "romeo@h", 0);
	kick(s, "nobody@h", 0);
	assert_int_equal(sessions_count(&s->sd), 0);
	scene_free(s);
}

static void
test_list(void **state)
{
	struct scene *s = scene_new();
	struct msg_SESSION_LIST m = {.req = 1};
	struct bus_list list;
	struct rec_session_info info;
	struct sent *f;

	(void)state;
	login(s, "romeo/b");
	login(s, "juliet/c");
	login(s, "romeo/a");
	fake_receive(&s->bus, &ctl, MSG_SESSION_LIST, &m, NULL, NULL);
	f = sent_take(&s->bus);
	list = ((const struct msg_SESSIONS *)f->msg)->sessions;
	assert_int_equal(list.count, 3);
	assert_true(bus_list_next(&list, &bus_record_session_info, &info));
	assert_true(str_is(info.jid, "juliet@h/c"));
	assert_true(str_is(info.edge, "c2sd.0"));
	assert_true(str_is(info.source, "192.0.2.1"));
	bus_list_next(&list, &bus_record_session_info, &info);
	assert_true(str_is(info.jid, "romeo@h/a"));
	sent_ack(&s->bus, f);
	m.after = S("romeo@h/a");
	fake_receive(&s->bus, &ctl, MSG_SESSION_LIST, &m, NULL, NULL);
	f = sent_take(&s->bus);
	assert_int_equal(((const struct msg_SESSIONS *)f->msg)->sessions.count, 1);
	sent_ack(&s->bus, f);
	scene_free(s);
}

static void
test_account_changed(void **state)
{
	struct scene *s = scene_new();
	struct msg_ACCOUNT_CHANGED m = {.jid = S("romeo@h"), .generation = 7};

	(void)state;
	login(s, "romeo/orchard");
	fake_receive(&s->bus, &authd, MSG_ACCOUNT_CHANGED, &m, NULL, NULL);
	scene_pump(s);
	expect(s, "c2sd CAPABILITY\n");
	m.generation = 8;
	m.close_sessions = true;
	fake_receive(&s->bus, &authd, MSG_ACCOUNT_CHANGED, &m, NULL, NULL);
	scene_pump(s);
	assert_true(has(s, "romeo/orchard: RELEASE not-authorized\n"));
	assert_int_equal(sessions_count(&s->sd), 0);
	scene_free(s);
}

static void
test_user_is_removed(void **state)
{
	struct scene *s = scene_new();
	struct msg_USER_REMOVE m = {.jid = S("romeo@h")};
	bool acked;

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	has_contact(s, "romeo@h", "a@remote.example", "to", "");
	has_contact(s, "romeo@h", "nurse@h", "none", "pu");
	has_contact(s, "nurse@h", "romeo@h", "none", "a");
	login(s, "juliet/balcony");
	login(s, "romeo/orchard");
	forget(s);
	s->users[0] = NULL;
	s->is_storaged_down = true;
	fake_receive(&s->bus, &authd, MSG_USER_REMOVE, &m, NULL, &acked);
	scene_pump(s);
	assert_true(has(s, "romeo/orchard: RELEASE not-authorized\n"));
	assert_true(has(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n"));
	assert_false(acked);
	forget(s);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_true(acked);
	assert_true(has(
	    s, "s2sd ROUTE <presence from='romeo@h' to='a@remote.example' type='unsubscribe'/>\n"));
	assert_true(has(s, "storaged USER_ERASE romeo@h\n"));
	assert_string_equal(stored_item(s, "juliet@h", "romeo@h"), "none");
	assert_string_equal(stored_item(s, "nurse@h", "romeo@h"), "none");
	forget(s);
	says(s, "juliet/balcony", "<message to='romeo@h' id='m'><body>1</body></message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h' to='juliet@h/balcony' id='m' type='error'>[service-unavailable]</message>\n");
	/* Another user may have the name. */
	s->users[0] = "romeo@h";
	says(s, "juliet/balcony", "<message to='romeo@h' id='m'><body>1</body></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

/* A step without an answer is tried again. */
static void
test_removal_is_repeated(void **state)
{
	struct scene *s = scene_new();
	struct msg_USER_REMOVE m = {.jid = S("romeo@h")};
	bool acked;
	struct sent *f;

	(void)state;
	fake_receive(&s->bus, &authd, MSG_USER_REMOVE, &m, NULL, &acked);
	f = sent_take(&s->bus);
	assert_int_equal(f->message->type, MSG_ROSTER_GET);
	sent_answer(&s->bus, f, 0, NULL);
	assert_false(acked);
	sessiond_tick(&s->sd);
	f = sent_take(&s->bus);
	assert_int_equal(f->message->type, MSG_ROSTER_GET);
	sent_answer(&s->bus, f, MSG_ROSTER, &(struct msg_ROSTER){.version = 1});
	f = sent_take(&s->bus);
	assert_int_equal(f->message->type, MSG_USER_ERASE);
	sent_answer(&s->bus, f, MSG_DONE, &(struct msg_DONE){.count = 1});
	assert_true(acked);
	scene_free(s);
}

static void
test_idle_accounts_are_dropped(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.accounts_cached = 2;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h'><body>1</body></message>");
	says(s, "romeo/orchard", "<message to='nurse@h'><body>1</body></message>");
	says(s, "romeo/orchard", "<message to='tybalt@h'><body>1</body></message>");
	says(s, "romeo/orchard", "<message to='juliet@h'><body>1</body></message>");
	assert_int_equal(HASH_COUNT(s->sd.accounts), 4);
	sessiond_tick(&s->sd);
	assert_int_equal(HASH_COUNT(s->sd.accounts), 3);
	assert_null(account_find(&s->sd, S("nurse@h")));
	assert_non_null(account_find(&s->sd, S("romeo@h")));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kick),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_account_changed),
	    cmocka_unit_test(test_user_is_removed),
	    cmocka_unit_test(test_removal_is_repeated),
	    cmocka_unit_test(test_idle_accounts_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
