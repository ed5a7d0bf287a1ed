/* What privacy lists (XEP-0016) say of stanzas, which of them applies, and who sees whom when they change. */
#include <stdio.h>

#include "scene_privacy.h"

/* ---- what a list says ---- */

#define ITEM(rest) "<item action='deny' order='5'" rest
#define IQ "<iq type='get' id='1' to='romeo@h/orchard'><query xmlns='jabber:iq:version'/></iq>"
#define TO_JULIET "<message to='juliet@h/balcony' type='chat'><body>hi</body></message>"

/* Of each kind: what juliet may say to romeo, and romeo to juliet. */
static void
test_kinds(void **state)
{
	static const struct {
		const char *items;
		bool message, iq, in, out, to;
	} cases[] = {
	    {ITEM("/>"), false, false, false, false, false},
	    {ITEM("><message/></item>"), false, true, true, true, true},
	    {ITEM("><iq/></item>"), true, false, true, true, true},
	    {ITEM("><presence-in/></item>"), true, true, false, true, true},
	    /* Who may not see the session may not ask it: RFC 6121 §8.5.3.1. */
	    {ITEM("><presence-out/></item>"), true, false, true, false, true},
	    {ITEM("><message/><iq/><presence-in/><presence-out/></item>"), false, false, false,
		false, true},
	    {ITEM(" type='jid' value='juliet@h'/>"), false, false, false, false, false},
	    {ITEM(" type='jid' value='juliet@h/balcony'><message/></item>"), false, true, true,
		true, true},
	    {ITEM(" type='jid' value='h'><message/></item>"), false, true, true, true, true},
	    {ITEM(" type='jid' value='tybalt@h'/>"), true, true, true, true, true},
	    {ITEM(" type='group' value='Friends'><iq/></item>"), true, false, true, true, true},
	    {ITEM(" type='group' value='Others'/>"), true, true, true, true, true},
	    {ITEM(" type='subscription' value='both'><message/></item>"), false, true, true, true,
		true},
	    {ITEM(" type='subscription' value='to'/>"), true, true, true, true, true},
	    {ITEM(" type='subscription' value='from'/>"), true, true, true, true, true},
	    {ITEM(" type='subscription' value='none'/>"), true, true, true, true, true},
	    /* Order, not place, decides; the first that is about it ends the search. */
	    {ITEM("/><item action='allow' order='2' type='jid' value='juliet@h'/>"), true, true,
		true, true, true},
	    {ITEM("/><item action='allow' order='7' type='jid' value='juliet@h'/>"), false, false,
		false, false, false},
	    {ITEM(" type='jid' value='juliet@h/balcony'/><item action='allow' order='2' type='jid' "
		  "value='h'><message/></item>"),
		true, false, false, true, false},
	    {ITEM(" type='jid' value='juliet@h'><message/></item><item action='allow' order='2' "
		  "type='jid' value='juliet@h'><iq/></item><item action='deny' order='9'><iq/></item>"),
		false, true, true, true, true},
	};
	struct scene *s = scene_of_lists();
	char text[1024];

	(void)state;
	says(s, "romeo/orchard",
	    "<iq type='set' id='g'><query xmlns='jabber:iq:roster'><item jid='juliet@h'><group>Friends</group></item></query></iq>");
	says(s, "romeo/orchard",
	    "<iq type='set' id='g'><query xmlns='jabber:iq:roster'><item jid='nurse@h'><group>Others</group></item></query></iq>");
	for (unsigned i = 0; i < COUNT(cases); i++) {
		has_list(s, "romeo/orchard", "<active/>");
		snprintf(text, sizeof(text), "<list name='a'>%s</list>", cases[i].items);
		has_list(s, "romeo/orchard", text);
		has_list(s, "romeo/orchard", "<active name='a'/>");
		if (hears(s, "romeo/orchard", "juliet/balcony", MESSAGE) != cases[i].message ||
		    hears(s, "romeo/orchard", "juliet/balcony", IQ) != cases[i].iq ||
		    hears(s, "romeo/orchard", "juliet/balcony", PRESENCE) != cases[i].in ||
		    hears(s, "juliet/balcony", "romeo/orchard", PRESENCE) != cases[i].out ||
		    hears(s, "juliet/balcony", "romeo/orchard", TO_JULIET) != cases[i].to)
			fail_msg("%s", cases[i].items);
	}
	scene_free(s);
}

/* What changes in the roster counts at once (§2.2). */
static void
test_the_roster_of_now(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard",
	    "<list name='a'><item type='subscription' value='none' action='deny' order='1'><message/></item></list>");
	has_list(s, "romeo/orchard", "<default name='a'/>");
	assert_true(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	assert_false(hears(s, "romeo/orchard", "tybalt/street", MESSAGE));
	says(s, "romeo/orchard",
	    "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='juliet@h' subscription='remove'/></query></iq>");
	assert_false(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	scene_free(s);
}

/* §2.13 */
static void
test_answers(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard",
	    "<list name='a'><item type='subscription' value='both' action='deny' order='1'/></list>");
	has_list(s, "romeo/orchard", "<default name='a'/>");
	says(s, "juliet/balcony", MESSAGE);
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	says(s, "juliet/balcony", IQ);
	says(s, "juliet/balcony",
	    "<iq type='get' id='2' to='romeo@h'><vCard xmlns='vcard-temp'/></iq>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony' type='error'>[service-unavailable]</message>\n"
	    "juliet/balcony: <message from='romeo@h' to='juliet@h/balcony' type='error'>[service-unavailable]</message>\n"
	    "juliet/balcony: <iq from='romeo@h/orchard' to='juliet@h/balcony' id='1' type='error'>[service-unavailable]</iq>\n"
	    "juliet/balcony: <iq from='romeo@h' to='juliet@h/balcony' id='2' type='error'>[service-unavailable]</iq>\n");
	says(s, "juliet/balcony", "<presence to='romeo@h' type='probe'/>");
	says(s, "juliet/balcony", "<presence to='romeo@h/orchard' type='probe'/>");
	says(s, "juliet/balcony", "<presence to='romeo@h' type='subscribe'/>");
	says(s, "juliet/balcony", "<presence to='romeo@h/orchard'/>");
	says(s, "juliet/balcony", "<message to='romeo@h/orchard' type='error'/>");
	says(s, "juliet/balcony", "<iq to='romeo@h/orchard' type='result' id='9'/>");
	expect_nothing(s);
	/* And the user himself: not acceptable; it is no block of XEP-0191. */
	says(s, "romeo/orchard", TO_JULIET);
	expect(s,
	    "romeo/orchard: <message from='juliet@h/balcony' to='romeo@h/orchard' type='error'>[not-acceptable]</message>\n");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

/* ---- which applies ---- */

static void
test_active_instead_of_default(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard", "<list name='none'><item action='deny' order='1'/></list>");
	has_list(s, "romeo/orchard", "<list name='all'><item action='allow' order='1'/></list>");
	has_list(s, "romeo/orchard", "<default name='none'/>");
	has_list(s, "romeo/garden", "<active name='all'/>");
	assert_false(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	says(s, "juliet/balcony",
	    "<message to='romeo@h/garden' type='chat'><body>hi</body></message>");
	assert_true(has(s, "romeo/garden: <message"));
	forget(s);
	/* To the account: whoever of its sessions may have it. */
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	assert_true(has(s, "romeo/garden: <message"));
	assert_false(has(s, "romeo/orchard:"));
	forget(s);
	assert_true(hears(s, "romeo/garden", "juliet/balcony", PRESENCE));
	assert_false(hears(s, "romeo/orchard", "juliet/balcony", PRESENCE));
	assert_true(
	    hears(s, "romeo/garden", "tybalt/street", "<presence to='romeo@h' type='subscribe'/>"));
	/* For this session only, and only while it lasts. */
	leaves(s, "romeo/garden");
	forget(s);
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	assert_true(has(s, "[service-unavailable]"));
	login(s, "romeo/garden");
	assert_false(hears(s, "romeo/garden", "juliet/balcony", PRESENCE));
	scene_free(s);
}

static void
test_all_sessions_deny(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard", "<list name='none'><item action='deny' order='1'/></list>");
	has_list(s, "romeo/orchard", "<active name='none'/>");
	has_list(s, "romeo/garden", "<active name='none'/>");
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	assert_true(has(s, "[service-unavailable]"));
	assert_int_equal(s->n_rows, 0);
	/* Without sessions the default counts, and there is none. */
	leaves(s, "romeo/orchard");
	leaves(s, "romeo/garden");
	forget(s);
	says(s, "juliet/balcony", "<message to='romeo@h' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

/* A copy of what a session may not have is not made for it. */
static void
test_no_copies(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/garden", "<list name='a'>" DENY_JULIET "</list>");
	has_list(s, "romeo/garden", "<active name='a'/>");
	says(s, "romeo/garden", "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
	assert_false(hears(s, "romeo/garden", "juliet/balcony", MESSAGE));
	assert_true(hears(s, "romeo/garden", "tybalt/street", MESSAGE));
	scene_free(s);
}

/* §2.2: the own sessions and the server are never shut out. */
static void
test_never_oneself(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard", "<list name='none'><item action='deny' order='1'/></list>");
	has_list(s, "romeo/orchard", "<active name='none'/>");
	assert_true(hears(s, "romeo/orchard", "romeo/garden", MESSAGE));
	assert_true(hears(s, "romeo/garden", "romeo/orchard", PRESENCE));
	says(s, "romeo/orchard",
	    "<iq type='get' id='v' to='h'><query xmlns='jabber:iq:version'/></iq>");
	assert_true(has(s, "id='v' type='result'"));
	scene_free(s);
}

/* ---- who sees whom ---- */

#define GONE(from, to) "<presence from='" from "' to='" to "' type='unavailable'/>"

static void
test_presence_follows(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard",
	    "<list name='out'><item action='deny' order='1'><presence-out/></item></list>");
	has_list(s, "romeo/orchard",
	    "<list name='in'><item action='deny' order='1'><presence-in/></item></list>");
	says(s, "romeo/orchard", "<presence to='tybalt@h/street'/>");
	forget(s);
	sets_lists(s, "romeo/orchard", "<active name='out'/>");
	assert_true(has(s, "juliet/balcony: " GONE("romeo@h/orchard", "juliet@h")));
	assert_true(has(s, "tybalt/street: " GONE("romeo@h/orchard", "tybalt@h/street")));
	assert_false(has(s, "romeo@h/garden"));
	assert_false(has(s, "romeo/orchard: <presence"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<active name='in'/>");
	assert_true(has(s, "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'"));
	assert_true(has(s, "romeo/orchard: " GONE("juliet@h", "romeo@h/orchard")));
	assert_false(has(s, "romeo/garden"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<active/>");
	assert_true(has(s, "romeo/orchard: <presence from='juliet@h/balcony'"));
	forget(s);
	/* The default one: all sessions; editing it is the same. */
	has_list(s, "romeo/orchard", "<list name='d'>" DENY_JULIET "</list>");
	sets_lists(s, "romeo/orchard", "<default name='d'/>");
	assert_true(has(s, "juliet/balcony: " GONE("romeo@h/orchard", "juliet@h")));
	assert_true(has(s, "juliet/balcony: " GONE("romeo@h/garden", "juliet@h")));
	forget(s);
	sets_lists(s, "romeo/orchard", "<list name='d'><item action='allow' order='1'/></list>");
	assert_true(has(s, "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'"));
	assert_true(has(s, "juliet/balcony: <presence from='romeo@h/garden' to='juliet@h'"));
	scene_free(s);
}

/* The end of a session is told by the list that was active in it. */
static void
test_the_end_of_an_invisible_session(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard",
	    "<list name='out'><item action='deny' order='1'><presence-out/></item></list>");
	has_list(s, "romeo/orchard", "<list name='all'><item action='allow' order='1'/></list>");
	has_list(s, "romeo/orchard", "<active name='out'/>");
	leaves(s, "romeo/orchard");
	assert_false(has(s, "juliet"));
	has_list(s, "romeo/garden", "<default name='out'/>");
	has_list(s, "romeo/garden", "<active name='all'/>");
	leaves(s, "romeo/garden");
	assert_true(has(s, "juliet/balcony: <presence from='romeo@h/garden'"));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_the_roster_of_now),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_active_instead_of_default),
	    cmocka_unit_test(test_all_sessions_deny),
	    cmocka_unit_test(test_no_copies),
	    cmocka_unit_test(test_never_oneself),
	    cmocka_unit_test(test_presence_follows),
	    cmocka_unit_test(test_the_end_of_an_invisible_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
