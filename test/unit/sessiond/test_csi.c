/* XEP-0352: what an inactive client is spared, and what ends that (REQUIREMENTS N-46). */
#include <stdio.h>

#include "hold.h"
#include "scene.h"

static struct scene *
scene_with_inactive_juliet(void)
{
	struct scene *s = scene_new();

	are_friends(s, "romeo@h", "juliet@h");
	are_friends(s, "nurse@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "nurse/house");
	login(s, "juliet/balcony");
	says(s, "juliet/balcony", "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	is_active(s, "juliet/balcony", false);
	forget(s);
	return s;
}

/* How many deliveries juliet got. */
static unsigned
got(struct scene *s)
{
	unsigned n = 0;

	buf_add_c(&s->out, '\0');
	s->out.end--;
	for (const char *p = (const char *)s->out.data + s->out.start;
	     (p = strstr(p, "juliet/balcony: ")); p++)
		n++;
	return n;
}

static void
walk_about(struct scene *s, unsigned times)
{
	char text[128];

	for (unsigned i = 1; i <= times; i++) {
		snprintf(text, sizeof(text), "<presence><status>%u</status></presence>", i);
		says(s, "romeo/orchard", text);
	}
}

static void
test_ten_presences_become_one(void **state)
{
	struct scene *s = scene_with_inactive_juliet();

	(void)state;
	walk_about(s, 10);
	assert_int_equal(got(s), 0);
	forget(s);
	is_active(s, "juliet/balcony", true);
	expect(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'><status>10</status></presence>\n");
	is_active(s, "juliet/balcony", true);
	expect_nothing(s);
	walk_about(s, 2);
	assert_int_equal(got(s), 2);
	scene_free(s);
}

/* A message ends it, after what was held; and holding goes on. */
static void
test_switched_off(void **state)
{
	struct scene *s = scene_with_inactive_juliet();

	(void)state;
	s->settings.client_state = false;
	is_active(s, "juliet/balcony", true);
	is_active(s, "juliet/balcony", false);
	walk_about(s, 1);
	assert_int_equal(got(s), 1);
	scene_free(s);
}

static void
test_a_message_releases(void **state)
{
	struct scene *s = scene_with_inactive_juliet();

	(void)state;
	walk_about(s, 3);
	says(s, "nurse/house", "<presence><show>away</show></presence>");
	forget(s);
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>hi</body></message>");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'><status>3</status></presence>\n"
	    "juliet/balcony: <presence from='nurse@h/house' to='juliet@h'><show>away</show></presence>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body></message>\n");
	walk_about(s, 3);
	assert_int_equal(got(s), 0);
	scene_free(s);
}

static void
test_chat_states_wait(void **state)
{
	struct scene *s = scene_with_inactive_juliet();

	(void)state;
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_int_equal(client_of(s, "romeo/orchard")->last_acked, 1);
	expect_nothing(s);
	is_active(s, "juliet/balcony", true);
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'>"
	    "<paused xmlns='http://jabber.org/protocol/chatstates'/></message>\n");
	scene_free(s);
}

/* Requests, pushes, subscriptions, and the own presence in a room cannot wait. */
static void
test_what_cannot_wait(void **state)
{
	static const char *const stanzas[] = {
	    "<iq to='juliet@h/balcony' id='i' type='get'><a xmlns='x'/></iq>",
	    "<presence to='juliet@h' type='unsubscribe'/>",
	    "<presence to='juliet@h/balcony'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></presence>",
	    "<message to='juliet@h' type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>",
	    ("<message to='juliet@h/balcony' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>"
	     "<store xmlns='urn:xmpp:hints'/></message>"),
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(stanzas); i++) {
		struct scene *s = scene_with_inactive_juliet();

		says(s, "nurse/house", "<presence><status>1</status></presence>");
		forget(s);
		says(s, "romeo/orchard", stanzas[i]);
		assert_true(has(
		    s, "juliet/balcony: <presence from='nurse@h/house' to='juliet@h'><status>1"));
		assert_true(got(s) >= 2);
		scene_free(s);
	}
}

static void
test_occupants_of_a_room_wait(void **state)
{
	struct scene *s = scene_with_inactive_juliet();

	(void)state;
	says(s, "romeo/orchard",
	    "<presence to='juliet@h/balcony'><x xmlns='http://jabber.org/protocol/muc#user'><item/></x></presence>");
	assert_int_equal(got(s), 0);
	scene_free(s);
}

static void
test_too_much_goes_out(void **state)
{
	struct scene *s = scene_with_inactive_juliet();
	char text[128];

	(void)state;
	for (unsigned i = 0; i < HELD_MAX; i++) {
		snprintf(text, sizeof(text),
		    "<presence from='room@remote.example/%u' to='juliet@h/balcony'/>", i);
		remote_says(s, text);
	}
	assert_int_equal(got(s), 0);
	remote_says(s, "<presence from='room@remote.example/last' to='juliet@h/balcony'/>");
	assert_int_equal(got(s), HELD_MAX + 1);
	scene_free(s);
}

static void
test_too_many_bytes_go_out(void **state)
{
	struct scene *s = scene_with_inactive_juliet();
	struct buf text = {0};
	unsigned n = 0;

	(void)state;
	while (got(s) == 0 && n < 10) {
		buf_clear(&text);
		buf_printf(&text,
		    "<presence from='room@remote.example/%u' to='juliet@h/balcony'><status>", n++);
		for (unsigned i = 0; i < HELD_BYTES_MAX / 8; i++)
			buf_add_c(&text, 'x');
		buf_add(&text, "</status></presence>", sizeof("</status></presence>"));
		remote_says(s, (const char *)text.data);
	}
	assert_in_range(n, 7, 9);
	/* the rest is behind its window */
	reads(s, "juliet/balcony");
	assert_int_equal(got(s), n);
	buf_deinit(&text);
	scene_free(s);
}

/* The record tells a new sessiond, which asks for what the old one held. */
static void
test_after_a_restart(void **state)
{
	struct scene *s = scene_new_closed();
	struct client *c = &s->clients[s->n_clients++];
	uint8_t mac[CAPABILITY_BYTES];
	struct capability cap = {.jid = S("juliet@h/balcony"),
	    .edge_incarnation = s->edge.incarnation,
	    .conn = 1,
	    .sid = id_random(),
	    .epoch = 1,
	    .generation = 1};
	struct msg_REG m = {.conn = 1,
	    .session = {.sid = cap.sid,
		.jid = cap.jid,
		.epoch = 1,
		.generation = 1,
		.presence = PRESENCE_AVAILABLE,
		.flags = SESSION_INACTIVE,
		.capability = str_of(mac, sizeof(mac))}};

	(void)state;
	has_contact(s, "juliet@h", "romeo@h", "both", "");
	has_contact(s, "juliet@h", "far@remote.example", "to", "");
	capability_make((const uint8_t *)"0123456789abcdef0123456789abcdef", &cap, mac);
	snprintf(c->name, sizeof(c->name), "juliet/balcony");
	c->edge = s->edge;
	c->conn = 1;
	c->sid = cap.sid;
	fake_receive(&s->bus, &s->edge, MSG_REG, &m, NULL, NULL);
	scene_open(s);
	expect(s, "s2sd ROUTE <presence from='juliet@h' to='far@remote.example' type='probe'/>\n");
	is_active(s, "juliet/balcony", true);
	expect(s,
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h/balcony' type='unavailable'/>\n");
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ten_presences_become_one),
	    cmocka_unit_test(test_switched_off),
	    cmocka_unit_test(test_a_message_releases),
	    cmocka_unit_test(test_chat_states_wait),
	    cmocka_unit_test(test_what_cannot_wait),
	    cmocka_unit_test(test_occupants_of_a_room_wait),
	    cmocka_unit_test(test_too_much_goes_out),
	    cmocka_unit_test(test_too_many_bytes_go_out),
	    cmocka_unit_test(test_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
