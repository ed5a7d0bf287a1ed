/* RFC 6121 §4: initial presence, updates, the end, directed presence, probes. */
#include <stdio.h>

#include "scene.h"

static void
test_initial_and_unavailable(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	has_contact(s, "romeo@h", "a@remote.example", "both", "");
	has_contact(s, "romeo@h", "b@nowhere.example", "both", "");
	has_contact(s, "romeo@h", "tybalt@h", "none", "");
	login(s, "juliet/balcony");
	login(s, "tybalt/street");
	binds(s, "romeo/orchard");
	forget(s);
	says(s, "romeo/orchard", "<presence id='p1'><show>away</show></presence>");
	expect(s,
	    "romeo/orchard: <presence from='romeo@h/orchard' to='romeo@h' id='p1'><show>away</show></presence>\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' id='p1'><show>away</show></presence>\n"
	    "s2sd ROUTE <presence from='romeo@h/orchard' to='a@remote.example' id='p1'><show>away</show></presence>\n"
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h/orchard'>"
	    "<delay xmlns='urn:xmpp:delay' from='juliet@h/balcony' stamp='T'/></presence>\n"
	    "s2sd ROUTE <presence from='romeo@h' to='a@remote.example' type='probe'/>\n");
	says(s, "romeo/orchard", "<presence/>");
	expect(s,
	    "romeo/orchard: <presence from='romeo@h/orchard' to='romeo@h'/>\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'/>\n"
	    "s2sd ROUTE <presence from='romeo@h/orchard' to='a@remote.example'/>\n");
	says(s, "romeo/orchard", "<presence type='unavailable'><status>bye</status></presence>");
	expect(s,
	    "romeo/orchard: <presence from='romeo@h/orchard' to='romeo@h' type='unavailable'><status>bye</status></presence>\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'><status>bye</status></presence>\n"
	    "s2sd ROUTE <presence from='romeo@h/orchard' to='a@remote.example' type='unavailable'><status>bye</status></presence>\n");
	/* It is not said twice; and what follows is an initial presence again. */
	leaves(s, "romeo/orchard");
	expect_nothing(s);
	scene_free(s);
}

static void
test_leaving_without_a_word(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "juliet/balcony");
	login(s, "romeo/orchard");
	login(s, "romeo/garden");
	forget(s);
	leaves(s, "romeo/orchard");
	expect(s,
	    "romeo/garden: <presence from='romeo@h/orchard' to='romeo@h' type='unavailable'/>\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n");
	scene_free(s);
}

/* One frame carries all sessions of an edge. */
static void
test_one_frame_for_many(void **state)
{
	struct scene *s = scene_new();
	struct msg_STANZA m = {0};
	unsigned frames = 0;
	struct client *c;
	struct sent *f;

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	are_friends(s, "romeo@h", "nurse@h");
	login(s, "juliet/a");
	login(s, "juliet/b");
	login(s, "nurse/c");
	c = login(s, "romeo/orchard");
	m = (struct msg_STANZA){
	    .conn = c->conn, .sid = c->sid, .n = ++c->n, .st = stanza_from(s, "<presence/>")};
	fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, NULL);
	while ((f = sent_take(&s->bus))) {
		if (f->message->type == MSG_DELIVER) {
			frames++;
			assert_int_equal(((const struct msg_DELIVER *)f->msg)->targets.count, 4);
		}
		sent_ack(&s->bus, f);
	}
	assert_int_equal(frames, 1);
	scene_free(s);
}

static void
test_own_sessions_see_each_other(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<presence id='o'><show>dnd</show></presence>");
	binds(s, "romeo/garden");
	forget(s);
	says(s, "romeo/garden", "<presence/>");
	expect(s,
	    "romeo/orchard: <presence from='romeo@h/garden' to='romeo@h'/>\n"
	    "romeo/garden: <presence from='romeo@h/garden' to='romeo@h'/>\n"
	    "romeo/garden: <presence from='romeo@h/orchard' to='romeo@h/garden' id='o'><show>dnd</show></presence>\n");
	scene_free(s);
}

/* §4.6.3 */
static void
test_directed(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->shows_copies = true;
	login(s, "tybalt/street");
	login(s, "romeo/orchard");
	forget(s);
	says(s, "romeo/orchard", "<presence to='tybalt@h/street'/>");
	expect(s,
	    "c2sd PRESENCE_COPY 1 0 1\n"
	    "tybalt/street: <presence from='romeo@h/orchard' to='tybalt@h/street'/>\n");
	says(s, "romeo/orchard", "<presence to='room@remote.example/romeo'/>");
	expect(s,
	    "c2sd PRESENCE_COPY 1 0 2\n"
	    "s2sd ROUTE <presence from='romeo@h/orchard' to='room@remote.example/romeo'/>\n");
	/* Not part of a broadcast, but told of the end. */
	says(s, "romeo/orchard", "<presence><show>xa</show></presence>");
	assert_false(has(s, "tybalt"));
	assert_false(has(s, "remote"));
	forget(s);
	says(s, "romeo/orchard", "<presence type='unavailable' to='room@remote.example/romeo'/>");
	expect(s,
	    "c2sd PRESENCE_COPY 1 0 1\n"
	    "s2sd ROUTE <presence from='romeo@h/orchard' to='room@remote.example/romeo' type='unavailable'/>\n");
	leaves(s, "romeo/orchard");
	expect(s,
	    "tybalt/street: <presence from='romeo@h/orchard' to='tybalt@h/street' type='unavailable'/>\n");
	scene_free(s);
}

/* Without ever being available itself. */
static void
test_directed_from_unavailable(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "juliet/balcony");
	binds(s, "romeo/orchard");
	forget(s);
	says(s, "romeo/orchard", "<presence to='juliet@h'/>");
	leaves(s, "romeo/orchard");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'/>\n"
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n");
	scene_free(s);
}

static void
test_who_leaves_is_forgotten(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->shows_copies = true;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<presence to='room@remote.example/romeo'/>");
	remote_says(s,
	    "<presence from='room@remote.example/romeo' to='romeo@h/orchard' type='unavailable'/>");
	forget(s);
	leaves(s, "romeo/orchard");
	expect_nothing(s);
	scene_free(s);
}

static void
test_too_much_directed(void **state)
{
	struct scene *s = scene_new();
	char stanza[128];

	(void)state;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < DIRECTED_MAX; i++) {
		snprintf(stanza, sizeof(stanza), "<presence to='r%u@remote.example/x'/>", i);
		says(s, "romeo/orchard", stanza);
	}
	forget(s);
	says(s, "romeo/orchard", "<presence to='more@remote.example/x' id='m'/>");
	expect(s,
	    "romeo/orchard: <presence from='more@remote.example/x' to='romeo@h/orchard' id='m' type='error'>"
	    "[resource-constraint]</presence>\n");
	scene_free(s);
}

/* §4.3.2 */
static void
test_probes_from_outside(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "romeo@h", "a@remote.example", "from", "");
	remote_says(s, "<presence from='a@remote.example' to='romeo@h' type='probe' id='1'/>");
	expect(s,
	    "s2sd ROUTE_BACK <presence from='romeo@h' to='a@remote.example' id='1' type='unavailable'/>\n");
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<presence id='p'><show>away</show></presence>");
	login(s, "romeo/garden");
	forget(s);
	remote_says(s, "<presence from='a@remote.example' to='romeo@h' type='probe' id='2'/>");
	expect(s,
	    "s2sd ROUTE_BACK <presence from='romeo@h/orchard' to='a@remote.example' id='p'><show>away</show><delay xmlns='urn:xmpp:delay' from='romeo@h/orchard' stamp='T'/></presence>\n"
	    "s2sd ROUTE_BACK <presence from='romeo@h/garden' to='a@remote.example'><delay xmlns='urn:xmpp:delay' from='romeo@h/garden' stamp='T'/></presence>\n");
	remote_says(
	    s, "<presence from='a@remote.example' to='romeo@h/orchard' type='probe' id='3'/>");
	expect(s, "s2sd ROUTE_BACK <presence from='romeo@h/orchard' to='a@remote.example'/>\n");
	scene_free(s);
}

/* A stranger gets the same answer whether the user is here, away or does not exist. */
static void
test_inv_32_probes_of_strangers(void **state)
{
	static const char *const whom[] = {"romeo@h", "juliet@h", "nobody@h"};
	struct scene *s = scene_new();
	char probe[128], answer[128];

	(void)state;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < COUNT(whom); i++) {
		snprintf(probe, sizeof(probe),
		    "<presence from='a@remote.example/x' to='%s' type='probe' id='1'/>", whom[i]);
		snprintf(answer, sizeof(answer),
		    "s2sd ROUTE_BACK <presence from='%s' to='a@remote.example' id='1' type='unsubscribed'/>\n",
		    whom[i]);
		remote_says(s, probe);
		expect(s, answer);
	}
	scene_free(s);
}

/* §4.6.6 */
static void
test_probe_of_directed(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<presence to='room@remote.example/romeo'><show>away</show></presence>");
	forget(s);
	remote_says(
	    s, "<presence from='room@remote.example/romeo' to='romeo@h/orchard' type='probe'/>");
	expect(s,
	    "s2sd ROUTE_BACK <presence from='romeo@h/orchard' to='room@remote.example/romeo'/>\n");
	remote_says(s, "<presence from='room@remote.example/romeo' to='romeo@h' type='probe'/>");
	expect(s,
	    "s2sd ROUTE_BACK <presence from='romeo@h' to='room@remote.example' type='unsubscribed'/>\n");
	scene_free(s);
}

/* Rosters that do not agree heal: who no longer lets us see says so when asked. */
static void
test_probe_heals(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "romeo@h", "juliet@h", "to", "");
	login(s, "juliet/balcony");
	binds(s, "romeo/orchard");
	says(s, "romeo/orchard", "<presence/>");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "none");
	scene_free(s);
}

static void
test_too_large(void **state)
{
	struct scene *s = scene_new();
	struct buf stanza = {0};

	(void)state;
	binds(s, "romeo/orchard");
	forget(s);
	buf_add_z(&stanza, "<presence id='x'><status>");
	for (unsigned i = 0; i < 66000; i++)
		buf_add_c(&stanza, 'a');
	buf_add_z(&stanza, "</status></presence>");
	buf_add_c(&stanza, '\0');
	says(s, "romeo/orchard", (const char *)buf_str(&stanza).p);
	expect(s,
	    "romeo/orchard: <presence from='romeo@h' to='romeo@h/orchard' id='x' type='error'>[not-acceptable]</presence>\n");
	buf_deinit(&stanza);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_initial_and_unavailable),
	    cmocka_unit_test(test_leaving_without_a_word),
	    cmocka_unit_test(test_one_frame_for_many),
	    cmocka_unit_test(test_own_sessions_see_each_other),
	    cmocka_unit_test(test_directed),
	    cmocka_unit_test(test_directed_from_unavailable),
	    cmocka_unit_test(test_who_leaves_is_forgotten),
	    cmocka_unit_test(test_too_much_directed),
	    cmocka_unit_test(test_probes_from_outside),
	    cmocka_unit_test(test_inv_32_probes_of_strangers),
	    cmocka_unit_test(test_probe_of_directed),
	    cmocka_unit_test(test_probe_heals),
	    cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
