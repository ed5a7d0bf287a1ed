/* XEP-0280: who gets a copy of what. */
#include <stdio.h>

#include "carbons.h"
#include "fate.h"
#include "scene.h"

#define ENABLE "<iq type='set' id='e'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
#define DISABLE "<iq type='set' id='e'><disable xmlns='urn:xmpp:carbons:2'/></iq>"

static void
wants_copies(struct scene *s, const char *name)
{
	says(s, name, ENABLE);
	assert_true(has(s, "type='result'/>"));
	forget(s);
}

/* romeo with two sessions that want copies and one that does not; juliet with one of each. */
static struct scene *
scene_of_five(void)
{
	struct scene *s = scene_new();

	login(s, "romeo/orchard");
	login(s, "romeo/garden");
	login(s, "romeo/old");
	login(s, "juliet/balcony");
	login(s, "juliet/chamber");
	wants_copies(s, "romeo/orchard");
	wants_copies(s, "romeo/garden");
	wants_copies(s, "juliet/chamber");
	return s;
}

static void
test_sent_and_received(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='m'><body>hi</body></message>");
	expect(s,
	    "romeo/garden: <message from='romeo@h' to='romeo@h/garden' type='chat'>"
	    "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' from='romeo@h/orchard' to='juliet@h/balcony' id='m' type='chat'>"
	    "<body>hi</body></message></forwarded></sent></message>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony' id='m' type='chat'>"
	    "<body>hi</body></message>\n"
	    "juliet/chamber: <message from='juliet@h' to='juliet@h/chamber' type='chat'>"
	    "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' from='romeo@h/orchard' to='juliet@h/balcony' id='m' type='chat'>"
	    "<body>hi</body></message></forwarded></received></message>\n");
	scene_free(s);
}

/* What goes to the bare JID is no copy to those who get it anyway. */
static void
test_no_copy_to_who_has_it(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	assert_true(has(s, "juliet/chamber: <message from='juliet@h' to='juliet@h/chamber'"));
	assert_true(has(s, "romeo/garden: <message from='juliet@h/balcony' to='romeo@h'"));
	assert_false(has(s, "<received"));
	scene_free(s);
}

/* A session without presence wants to know, too; who said it does not. */
static void
test_not_available_and_to_oneself(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	binds(s, "juliet/hidden");
	wants_copies(s, "juliet/hidden");
	says(s, "romeo/old", "<message to='juliet@h' type='chat'><body>hi</body></message>");
	assert_true(has(s,
	    "juliet/hidden: <message from='juliet@h' to='juliet@h/hidden' type='chat'><received"));
	forget(s);
	says(s, "romeo/orchard",
	    "<message to='romeo@h/old' type='chat'><body>note</body></message>");
	assert_true(has(s, "romeo/old: <message from='romeo@h/orchard'"));
	assert_true(has(
	    s, "romeo/garden: <message from='romeo@h' to='romeo@h/garden' type='chat'><received"));
	assert_false(has(s, "romeo/orchard:"));
	assert_false(has(s, "<sent"));
	scene_free(s);
}

static void
test_off_again(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	wants_copies(s, "romeo/garden");
	says(s, "romeo/garden", DISABLE);
	says(s, "romeo/garden", DISABLE);
	forget(s);
	says(s, "romeo/orchard",
	    "<message to='juliet@h/chamber' type='chat'><body>hi</body></message>");
	assert_false(has(s, "<sent"));
	scene_free(s);
}

/* A stranger may not, and it is as if there were nobody. */
static void
test_inv_13_switch_of_others(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "juliet/balcony",
	    "<iq type='set' id='e' to='romeo@h'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
	expect(s,
	    "juliet/balcony: <iq from='romeo@h' to='juliet@h/balcony' id='e' type='error'>[service-unavailable]</iq>\n");
	scene_free(s);
}

static void
test_the_switch_is_in_the_record(void **state)
{
	struct scene *s = scene_of_five();
	const struct session *garden =
	    account_session(account_find(&s->sd, S("romeo@h")), S("garden"));
	uint8_t mac[CAPABILITY_BYTES];

	(void)state;
	assert_true(session_record(garden, mac).flags & SESSION_CARBONS);
	s->shows_copies = true;
	says(s, "romeo/garden", DISABLE);
	assert_true(has(s, "c2sd PRESENCE_COPY"));
	assert_false(session_record(garden, mac).flags & SESSION_CARBONS);
	scene_free(s);
}

/* §6.1 and XEP-0334, one line each. */
static void
test_eligible(void **state)
{
	static const struct {
		const char *stanza;
		bool sent, received;
	} cases[] = {
	    {"<message from='a@x/r' type='chat'><body>x</body></message>", true, true},
	    {"<message from='a@x/r'><body>x</body></message>", true, true},
	    {"<message from='a@x/r'><other xmlns='x'/></message>", false, false},
	    {"<message from='a@x/r' type='chat'><other xmlns='x'/></message>", true, true},
	    {"<message from='a@x/r' type='chat'/>", true, true},
	    {"<message from='a@x/r'/>", false, false},
	    {"<message from='a@x/r'><received xmlns='urn:xmpp:receipts' id='1'/></message>", true,
		true},
	    {"<message from='a@x/r'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>",
		true, true},
	    {"<message from='a@x/r'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
		true, true},
	    {"<message from='a@x/r'><x xmlns='jabber:x:conference' jid='room@y'/></message>", true,
		true},
	    {"<message from='room@x'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@x'/></x></message>",
		true, true},
	    {"<message from='room@x/nick' type='chat'><x xmlns='http://jabber.org/protocol/muc#user'/><body>x</body></message>",
		true, false},
	    {"<message from='room@x/nick' type='groupchat'><body>x</body></message>", false, false},
	    {"<message from='a@x/r' type='headline'><body>x</body></message>", false, false},
	    {"<message from='a@x/r' type='headline'><received xmlns='urn:xmpp:receipts' id='1'/></message>",
		true, true},
	    {"<message from='a@x/r' type='error'><body>x</body></message>", false, false},
	    {"<message from='a@x/r' type='chat'><body>x</body><private xmlns='urn:xmpp:carbons:2'/></message>",
		false, false},
	    {"<message from='a@x/r' type='chat'><body>x</body><no-copy xmlns='urn:xmpp:hints'/></message>",
		false, false},
	};
	struct scene *s = scene_new();

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct stanza st = stanza_from(s, cases[i].stanza);

		if (((message_traits(&st) & TRAIT_COPY) != 0) != cases[i].sent ||
		    message_copies_to_recipient(&st) != cases[i].received)
			fail_msg("%s", cases[i].stanza);
	}
	scene_free(s);
}

/* §6.1: of an error about a message that was copied; with and without the server making it, in both directions. */
static void
test_errors(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "romeo/orchard",
	    "<message to='nobody@h' type='chat' id='m1'><body>hi</body></message>");
	assert_true(
	    has(s, "romeo/garden: <message from='romeo@h' to='romeo@h/garden' type='chat'><sent"));
	assert_true(has(s,
	    "romeo/orchard: <message from='nobody@h' to='romeo@h/orchard' id='m1' type='error'>"));
	assert_true(has(
	    s, "romeo/garden: <message from='romeo@h' to='romeo@h/garden' type='error'><received"));
	assert_false(has(s, "romeo/old:"));
	forget(s);
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='m2'><body>hi</body></message>");
	forget(s);
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='m2'><error/></message>");
	assert_true(has(s,
	    "juliet/chamber: <message from='juliet@h' to='juliet@h/chamber' type='error'><sent"));
	assert_true(has(
	    s, "romeo/garden: <message from='romeo@h' to='romeo@h/garden' type='error'><received"));
	forget(s);
	/* The hints in it are those of the message. */
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='m2'><no-copy xmlns='urn:xmpp:hints'/><error/></message>");
	assert_true(has(s, "romeo/garden: "));
	forget(s);
	/* About nothing that was copied, or not to be. */
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='m3'><error/></message>");
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='m2'><error/><private xmlns='urn:xmpp:carbons:2'/></message>");
	remote_says(s,
	    "<message from='juliet@x' to='romeo@h/orchard' type='error' id='m2'><error/></message>");
	assert_false(has(s, "carbons:2'><"));
	assert_false(has(s, "romeo/garden:"));
	assert_false(has(s, "juliet/chamber:"));
	scene_free(s);
}

static void
test_so_many_are_remembered(void **state)
{
	struct scene *s = scene_of_five();
	char text[256];

	(void)state;
	for (unsigned i = 0; i <= COPIED_MAX; i++) {
		snprintf(text, sizeof(text),
		    "<message to='juliet@h/balcony' type='chat' id='%u'><body>hi</body></message>",
		    i);
		says(s, "romeo/orchard", text);
	}
	forget(s);
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='0'><error/></message>");
	assert_false(has(s, "romeo/garden:"));
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='error' id='1'><error/></message>");
	assert_true(has(s, "romeo/garden:"));
	scene_free(s);
}

/* §10.3: when a copy bounces, nobody hears of it. */
static void
test_a_copy_that_bounces(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='m'><body>hi</body></message>");
	forget(s);
	says(s, "juliet/chamber", "<message to='juliet@h' type='error' id='m'><error/></message>");
	says(s, "romeo/garden", "<message to='romeo@h' type='error' id='m'><error/></message>");
	expect_nothing(s);
	scene_free(s);
}

#define WRAPPED                                                                                \
	"<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message " \
	"xmlns='jabber:client' from='nurse@h'><body>perfidy</body></message></forwarded></received>"

/* 0, 1, 2 and 3 of them, also deep inside something else, from a client and from another server. */
static void
test_inv_11_forged_wrappers(void **state)
{
	static const char *const inner[] = {
	    "",
	    WRAPPED,
	    WRAPPED "<s:sent xmlns:s='urn:xmpp:carbons:2'/>",
	    WRAPPED "<x xmlns='urn:x'>" WRAPPED "</x>" WRAPPED,
	    "<x xmlns='urn:x'><y><sent xmlns='urn:xmpp:carbons:2'>perfidy</sent></y></x>",
	    "<x xmlns='urn:x'><result xmlns='urn:xmpp:mam:2'>perfidy</result></x>",
	};
	struct scene *s = scene_new();
	char text[2048];

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	for (unsigned i = 0; i < COUNT(inner); i++) {
		snprintf(text, sizeof(text),
		    "<message from='mallory@remote.example/x' to='juliet@h' type='chat'>%s<body>hi</body></message>",
		    inner[i]);
		remote_says(s, text);
		assert_true(has(s, "<body>hi</body>"));
		assert_false(has(s, "perfidy"));
		assert_false(has(s, "carbons"));
		forget(s);
		snprintf(text, sizeof(text),
		    "<message to='juliet@h' type='chat'>%s<body>hi</body></message>", inner[i]);
		says(s, "romeo/orchard", text);
		assert_true(has(s, "<body>hi</body>"));
		assert_false(has(s, "perfidy"));
		assert_false(has(s, "carbons"));
		forget(s);
	}
	scene_free(s);
}

/* The copy of a message whose session ends unread is not sent on as if it were the message. */
static void
test_copies_are_not_given_again(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='m'><body>hi</body></message>");
	reads(s, "juliet/balcony");
	forget(s);
	leaves(s, "juliet/chamber");
	assert_false(has(s, "hi"));
	/* And the message itself not to the one that has the copy. */
	scene_free(s);
	s = scene_of_five();
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat' id='m'><body>hi</body></message>");
	reads(s, "juliet/chamber");
	forget(s);
	leaves(s, "juliet/balcony");
	assert_false(has(s, "hi"));
	scene_free(s);
}

/* REQUIREMENTS B-30 */
static void
test_deliver_to_all(void **state)
{
	struct scene *s = scene_of_five();

	(void)state;
	s->settings.deliver_to_all_resources = true;
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat'><body>hi</body></message>");
	assert_true(has(s, "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony'"));
	assert_true(has(s, "juliet/chamber: <message from='romeo@h/orchard' to='juliet@h/balcony'"));
	assert_false(has(s, "<received"));
	forget(s);
	says(s, "romeo/orchard",
	    "<message to='juliet@h/balcony' type='chat'><body>hi</body><private xmlns='urn:xmpp:carbons:2'/></message>");
	assert_true(has(s, "juliet/balcony: "));
	assert_false(has(s, "juliet/chamber: "));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sent_and_received),
	    cmocka_unit_test(test_no_copy_to_who_has_it),
	    cmocka_unit_test(test_not_available_and_to_oneself),
	    cmocka_unit_test(test_off_again),
	    cmocka_unit_test(test_inv_13_switch_of_others),
	    cmocka_unit_test(test_the_switch_is_in_the_record),
	    cmocka_unit_test(test_eligible),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_so_many_are_remembered),
	    cmocka_unit_test(test_a_copy_that_bounces),
	    cmocka_unit_test(test_inv_11_forged_wrappers),
	    cmocka_unit_test(test_copies_are_not_given_again),
	    cmocka_unit_test(test_deliver_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
