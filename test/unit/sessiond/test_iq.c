/* IQ: who answers, who may ask, and the small protocols. */
#include <stdio.h>

#include "scene.h"

#define ROMEO "romeo/orchard: <iq from='%s' to='romeo@h/orchard' id='i' type='%s'"

static void
asks(struct scene *s, const char *to, const char *type, const char *payload)
{
	char text[1024];

	snprintf(text, sizeof(text), "<iq id='i' type='%s'%s%s%s>%s</iq>", type, *to ? " to='" : "",
	    to, *to ? "'" : "", payload);
	says(s, "romeo/orchard", text);
}

static void
expect_answer(struct scene *s, const char *from, const char *type, const char *rest)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), ROMEO, from, type);

	snprintf(text + n, sizeof(text) - (size_t)n, "%s\n", rest);
	expect(s, text);
}

#define REFUSED ">[service-unavailable]</iq>"

static struct scene *
scene_with_romeo(void)
{
	struct scene *s = scene_new();

	has_contact(s, "juliet@h", "romeo@h", "from", "");
	has_contact(s, "romeo@h", "juliet@h", "to", "");
	login(s, "romeo/orchard");
	return s;
}

static void
test_malformed(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	asks(s, "", "get", "");
	expect_answer(s, "romeo@h", "error", ">[bad-request]</iq>");
	asks(s, "h", "get", "<a xmlns='x'/><b xmlns='x'/>");
	expect_answer(s, "h", "error", ">[bad-request]</iq>");
	asks(s, "h", "get", "<unknown xmlns='x'/>");
	expect_answer(s, "h", "error", REFUSED);
	/* RFC 6120 §8.3.3.3 */
	asks(s, "h", "set", "<ping xmlns='urn:xmpp:ping'/>");
	expect_answer(s, "h", "error", ">[feature-not-implemented]</iq>");
	asks(s, "h", "get", "<pong xmlns='urn:xmpp:ping'/>");
	expect_answer(s, "h", "error", ">[feature-not-implemented]</iq>");
	asks(s, "h", "result", "");
	asks(s, "romeo@h", "result", "");
	asks(s, "", "error", "");
	expect_nothing(s);
	scene_free(s);
}

/* RFC 6121 §8.5.3 */
static void
test_to_a_session(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	login(s, "juliet/balcony");
	login(s, "tybalt/street");
	asks(s, "juliet@h/balcony", "get", "<a xmlns='x'/>");
	expect(s,
	    "juliet/balcony: <iq from='romeo@h/orchard' to='juliet@h/balcony' id='i' type='get'><a xmlns='x'/></iq>\n");
	says(s, "juliet/balcony", "<iq id='i' type='result' to='romeo@h/orchard'/>");
	expect_answer(s, "juliet@h/balcony", "result", "/>");
	asks(s, "juliet@h/gone", "get", "<a xmlns='x'/>");
	expect_answer(s, "juliet@h/gone", "error", REFUSED);
	/* To one's own other session. */
	login(s, "romeo/garden");
	forget(s);
	asks(s, "romeo@h/garden", "get", "<a xmlns='x'/>");
	expect(s,
	    "romeo/garden: <iq from='romeo@h/orchard' to='romeo@h/garden' id='i' type='get'><a xmlns='x'/></iq>\n");
	/* Answers always. */
	says(s, "tybalt/street",
	    "<iq id='j' type='error' to='romeo@h/orchard'><error type='cancel'/></iq>");
	assert_true(has(s, "romeo/orchard: <iq from='tybalt@h/street'"));
	scene_free(s);
}

/* Somebody who shares no presence learns nothing of sessions. */
static void
test_inv_32_to_a_session_of_a_stranger(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	login(s, "tybalt/street");
	asks(s, "tybalt@h/street", "get", "<a xmlns='x'/>");
	expect_answer(s, "tybalt@h/street", "error", REFUSED);
	asks(s, "tybalt@h/gone", "get", "<a xmlns='x'/>");
	expect_answer(s, "tybalt@h/gone", "error", REFUSED);
	asks(s, "nobody@h/gone", "get", "<a xmlns='x'/>");
	expect_answer(s, "nobody@h/gone", "error", REFUSED);
	/* Directed presence is an invitation. */
	says(s, "tybalt/street", "<presence to='romeo@h/orchard'/>");
	forget(s);
	asks(s, "tybalt@h/street", "get", "<a xmlns='x'/>");
	assert_true(has(s, "tybalt/street: <iq from='romeo@h/orchard'"));
	scene_free(s);
}

/* Every verb on an account, for a stranger, is as if there were no account. */
static void
test_inv_13_accounts(void **state)
{
	static const struct {
		const char *type, *payload;
	} verbs[] = {
	    {"get", "<query xmlns='jabber:iq:roster'/>"},
	    {"set", "<query xmlns='jabber:iq:roster'><item jid='a@h'/></query>"},
	    {"get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"},
	    {"get", "<ping xmlns='urn:xmpp:ping'/>"},
	    {"get", "<query xmlns='jabber:iq:last'/>"},
	    {"get", "<query xmlns='jabber:iq:version'/>"},
	    {"get", "<vCard xmlns='vcard-temp'/>"},
	    {"set", "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>"},
	    {"get", "<query xmlns='jabber:iq:private'><a xmlns='b'/></query>"},
	    {"set", "<query xmlns='jabber:iq:private'><a xmlns='b'/></query>"},
	    {"set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"},
	    {"get", "<other xmlns='vcard-temp'/>"},
	    {"set", "<query xmlns='jabber:iq:last'/>"},
	};
	struct scene *s = scene_with_romeo();

	(void)state;
	login(s, "tybalt/street");
	for (unsigned i = 0; i < COUNT(verbs); i++) {
		asks(s, "tybalt@h", verbs[i].type, verbs[i].payload);
		expect_answer(s, "tybalt@h", "error", REFUSED);
		asks(s, "nobody@h", verbs[i].type, verbs[i].payload);
		expect_answer(s, "nobody@h", "error", REFUSED);
	}
	assert_int_equal(s->n_values, 0);
	/* XEP-0030 §8: of items there are none. */
	for (unsigned i = 0; i < 2; i++) {
		const char *to = i ? "nobody@h" : "tybalt@h";

		asks(s, to, "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
		expect_answer(s, to, "result",
		    "><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
		asks(s, to, "get",
		    "<query xmlns='http://jabber.org/protocol/disco#items' node='x'/>");
		expect_answer(s, to, "result",
		    "><query xmlns='http://jabber.org/protocol/disco#items' node='x'/></iq>");
	}
	scene_free(s);
}

static void
test_disco(void **state)
{
	struct scene *s = scene_with_romeo();
	static const char *const components[] = {"comp.h", "comph", "comp.elsewhere", "x.y.h"};

	(void)state;
	s->daemon.suite.components = components;
	s->daemon.suite.n_components = COUNT(components);
	asks(s, "h", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
	assert_true(has(s, "<identity category='server' type='im' name='Jackdaw'/>"));
	assert_true(has(s, "<feature var='urn:xmpp:ping'/>"));
	assert_true(has(s, "<feature var='msgoffline'/>"));
	assert_true(has(s, "<feature var='http://jabber.org/protocol/disco#items'/>"));
	forget(s);
	asks(s, "h", "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
	expect_answer(s, "h", "result",
	    "><query xmlns='http://jabber.org/protocol/disco#items'><item jid='comp.h'/>"
	    "<item jid='x.y.h'/></query></iq>");
	asks(s, "h", "get", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>");
	expect_answer(s, "h", "error", ">[item-not-found]</iq>");
	asks(s, "juliet@h", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
	assert_true(has(s, "<identity category='account' type='registered'/>"));
	forget(s);
	login(s, "juliet/balcony");
	asks(s, "juliet@h", "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
	expect_answer(s, "juliet@h", "result",
	    "><query xmlns='http://jabber.org/protocol/disco#items'><item jid='juliet@h/balcony'/></query></iq>");
	scene_free(s);
}

static void
test_ping_version_time(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	asks(s, "h", "get", "<ping xmlns='urn:xmpp:ping'/>");
	expect_answer(s, "h", "result", "/>");
	asks(s, "", "get", "<ping xmlns='urn:xmpp:ping'/>");
	expect_answer(s, "romeo@h", "result", "/>");
	asks(s, "h", "get", "<query xmlns='jabber:iq:version'/>");
	expect_answer(s, "h", "result",
	    "><query xmlns='jabber:iq:version'><name>Jackdaw</name><version>" JACKDAW_VERSION
	    "</version></query></iq>");
	asks(s, "h", "get", "<time xmlns='urn:xmpp:time'/>");
	expect_answer(s, "h", "result",
	    "><time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>T</utc></time></iq>");
	asks(s, "h", "set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>");
	expect_answer(s, "h", "result", "/>");
	scene_free(s);
}

/* XEP-0012 */
static void
test_last(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	asks(s, "h", "get", "<query xmlns='jabber:iq:last'/>");
	expect_answer(s, "h", "result", "><query xmlns='jabber:iq:last' seconds='0'/></iq>");
	asks(s, "juliet@h", "get", "<query xmlns='jabber:iq:last'/>");
	expect_answer(s, "juliet@h", "error", ">[item-not-found]</iq>");
	login(s, "juliet/balcony");
	asks(s, "juliet@h", "get", "<query xmlns='jabber:iq:last'/>");
	expect_answer(s, "juliet@h", "result", "><query xmlns='jabber:iq:last' seconds='0'/></iq>");
	says(s, "juliet/balcony", "<presence type='unavailable'><status>to bed</status></presence>");
	leaves(s, "juliet/balcony");
	forget(s);
	asks(s, "juliet@h", "get", "<query xmlns='jabber:iq:last'/>");
	expect_answer(s, "juliet@h", "result",
	    "><query xmlns='jabber:iq:last' seconds='0'>to bed</query></iq>");
	scene_free(s);
}

static void
test_vcard(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	asks(s, "", "get", "<vCard xmlns='vcard-temp'/>");
	expect_answer(s, "romeo@h", "result", "><vCard xmlns=\"vcard-temp\"/></iq>");
	asks(s, "", "set", "<vCard xmlns='vcard-temp'><FN>Romeo &amp; Co</FN></vCard>");
	expect_answer(s, "romeo@h", "result", "/>");
	asks(s, "romeo@h", "get", "<vCard xmlns='vcard-temp'/>");
	expect_answer(s, "romeo@h", "result",
	    "><vCard xmlns='vcard-temp'><FN>Romeo &amp; Co</FN></vCard></iq>");
	remote_says(s,
	    "<iq from='a@remote.example/x' to='romeo@h' id='v' type='get'><vCard xmlns='vcard-temp'/></iq>");
	expect(s,
	    "s2sd ROUTE_BACK <iq from='romeo@h' to='a@remote.example/x' id='v' type='result'>"
	    "<vCard xmlns='vcard-temp'><FN>Romeo &amp; Co</FN></vCard></iq>\n");
	s->refuse_put = BUS_ERROR_LIMIT;
	asks(s, "", "set", "<vCard xmlns='vcard-temp'/>");
	expect_answer(s, "romeo@h", "error", ">[resource-constraint]</iq>");
	scene_free(s);
}

static void
test_private(void **state)
{
	struct scene *s = scene_with_romeo();

	(void)state;
	asks(s, "", "get",
	    "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>");
	expect_answer(s, "romeo@h", "result",
	    "><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>");
	asks(s, "", "set",
	    "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='r@x'/></storage></query>");
	expect_answer(s, "romeo@h", "result", "/>");
	asks(s, "", "get",
	    "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>");
	expect_answer(s, "romeo@h", "result",
	    "><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='r@x'/></storage></query></iq>");
	asks(s, "", "get", "<query xmlns='jabber:iq:private'><storage xmlns='other'/></query>");
	expect_answer(s, "romeo@h", "result",
	    "><query xmlns='jabber:iq:private'><storage xmlns='other'/></query></iq>");
	asks(s, "", "get", "<query xmlns='jabber:iq:private'/>");
	expect_answer(s, "romeo@h", "error", ">[bad-request]</iq>");
	asks(s, "", "set",
	    "<query xmlns='jabber:iq:private'><a xmlns='x'>1</a><b xmlns='x'>2</b></query>");
	expect_answer(s, "romeo@h", "result", "/>");
	asks(s, "", "get", "<query xmlns='jabber:iq:private'><b xmlns='x'/></query>");
	expect_answer(s, "romeo@h", "result",
	    "><query xmlns='jabber:iq:private'><b xmlns='x'>2</b></query></iq>");
	asks(s, "", "set",
	    "<query xmlns='jabber:iq:private'><a xmlns='x'>1</a><a xmlns='x'>2</a></query>");
	expect_answer(s, "romeo@h", "error", ">[not-acceptable]</iq>");
	s->refuse_put = BUS_ERROR_FULL;
	asks(s, "", "set",
	    "<query xmlns='jabber:iq:private'><a xmlns='x'>1</a><b xmlns='x'>2</b></query>");
	expect_answer(s, "romeo@h", "error", ">[resource-constraint]</iq>");
	s->refuse_put = 0;
	asks(s, "", "set", "<query xmlns='jabber:iq:private'/>");
	expect_answer(s, "romeo@h", "error", ">[not-acceptable]</iq>");
	asks(s, "", "set", "<query xmlns='jabber:iq:private'><own/></query>");
	expect_answer(s, "romeo@h", "error", ">[not-acceptable]</iq>");
	scene_free(s);
}

/* While authd and storaged cannot answer, what needs them waits; when they never do, there is an error. */
static void
test_account_cannot_be_loaded(void **state)
{
	struct scene *s = scene_with_romeo();
	struct sent *f;

	(void)state;
	s->is_authd_down = true;
	says(s, "romeo/orchard", "<message to='nurse@h' id='m'><body>1</body></message>");
	assert_false(client_of(s, "romeo/orchard")->last_acked);
	expect_nothing(s);
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		f = CONTAINER_OF(it, struct sent, link);
		sent_answer(&s->bus, f, 0, NULL);
	}
	scene_pump(s);
	expect(s,
	    "romeo/orchard: <message from='nurse@h' to='romeo@h/orchard' id='m' type='error'>[resource-constraint]</message>\n");
	/* The next one asks again. */
	s->is_authd_down = false;
	says(s, "romeo/orchard", "<message to='nurse@h' id='m'><body>1</body></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_to_a_session),
	    cmocka_unit_test(test_inv_32_to_a_session_of_a_stranger),
	    cmocka_unit_test(test_inv_13_accounts),
	    cmocka_unit_test(test_disco),
	    cmocka_unit_test(test_ping_version_time),
	    cmocka_unit_test(test_last),
	    cmocka_unit_test(test_vcard),
	    cmocka_unit_test(test_private),
	    cmocka_unit_test(test_account_cannot_be_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
