/* Privacy lists (XEP-0016): the protocol, what is kept, and that the block list of XEP-0191 is a part of them. What lists say is
 * in test_privacy_rules.c. */
#include <stdio.h>

#include "scene_privacy.h"

#define NS "xmlns='jabber:iq:privacy'"
#define BLOCKING "xmlns='urn:xmpp:blocking'"

/* ---- the protocol ---- */

static void
test_names_and_lists(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "<query " NS "/>"));
	has_list(s, "romeo/orchard",
	    "<list name='public'><item type='jid' value='Tybalt@H' action='deny' order='3'/>"
	    "<item action='allow' order='1'><message/><presence-out/></item></list>");
	has_list(s, "romeo/orchard",
	    "<list name='private'><item type='subscription' value='both' action='allow' order='10'/>"
	    "<item action='deny' order='15'/></list>");
	has_list(s, "romeo/orchard", "<default name='public'/>");
	has_list(s, "romeo/orchard", "<active name='private'/>");
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s,
	    "<query " NS
	    "><active name='private'/><default name='public'/><list name='public'/><list name='private'/></query>"));
	gets_lists(s, "romeo/garden", "");
	assert_true(has(s, "<query " NS "><default name='public'/>"));
	gets_lists(s, "romeo/garden", "<list name='public'/>");
	assert_true(has(s,
	    "<list name='public'><item action='allow' order='1'><message/><presence-out/></item>"
	    "<item type='jid' value='tybalt@h' action='deny' order='3'/></list>"));
	/* Edited: nothing of the old one is left. */
	has_list(s, "romeo/orchard", "<list name='private'>" DENY_JULIET "</list>");
	gets_lists(s, "romeo/orchard", "<list name='private'/>");
	assert_true(has(s, "<list name='private'>" DENY_JULIET "</list>"));
	scene_free(s);
}

static void
test_wrong_requests(void **state)
{
	static const struct {
		const char *type, *payload, *error;
	} cases[] = {
	    {"get", "<list name='other'/>", "item-not-found"},
	    {"get", "<list name='a'/><list name='b'/>", "bad-request"},
	    {"get", "<active name='a'/>", "bad-request"},
	    {"set", "", "bad-request"},
	    {"set", "<other/>", "bad-request"},
	    {"set", "<active/><default/>", "bad-request"},
	    {"set", "<active name='other'/>", "item-not-found"},
	    {"set", "<default name='other'/>", "item-not-found"},
	    {"set", "<list name='other'/>", "item-not-found"},
	    {"set", "<list>" DENY_JULIET "</list>", "bad-request"},
	    {"set", "<list name=''>" DENY_JULIET "</list>", "bad-request"},
	    {"set", "<list name='a'><item type='jid' value='@' action='deny' order='1'/></list>",
		"jid-malformed"},
	    {"set", "<list name='a'><item type='jid' action='deny' order='1'/></list>",
		"bad-request"},
	    {"set", "<list name='a'><item type='jid' value='a@x' action='deny'/></list>",
		"bad-request"},
	    {"set", "<list name='a'><item action='deny' order='-1'/></list>", "bad-request"},
	    {"set", "<list name='a'><item action='deny' order='4294967296'/></list>", "bad-request"},
	    {"set", "<list name='a'><item action='refuse' order='1'/></list>", "bad-request"},
	    {"set", "<list name='a'><item order='1'/></list>", "bad-request"},
	    {"set", "<list name='a'><item type='age' value='x' action='deny' order='1'/></list>",
		"bad-request"},
	    {"set",
		"<list name='a'><item type='subscription' value='all' action='deny' order='1'/></list>",
		"bad-request"},
	    {"set",
		"<list name='a'><item type='group' value='Enemies' action='deny' order='1'/></list>",
		"item-not-found"},
	    {"set", "<list name='a'>" DENY_JULIET "<item action='allow' order='1'/></list>",
		"bad-request"},
	    {"set", "<list name='a'><item action='deny' order='1'><presence/></item></list>",
		"bad-request"},
	    {"set", "<list name='a'><rule action='deny' order='1'/></list>", "bad-request"},
	};
	struct scene *s = scene_of_lists();
	char text[1024];

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), "<query " NS ">%s</query>", cases[i].payload);
		asks_as(s, "romeo/orchard", cases[i].type, text);
		if (!has(s, cases[i].error))
			fail_msg("%s: %s", cases[i].payload, cases[i].error);
		forget(s);
	}
	says(s, "tybalt/street", "<iq type='get' id='p' to='romeo@h'><query " NS "/></iq>");
	assert_true(has(s, "[service-unavailable]"));
	assert_null(account_find(&s->sd, S("romeo@h"))->privacy.lists);
	scene_free(s);
}

/* §2.2: of the list's name, to all connected resources: the asker, and who has never asked for any list. */
static void
test_pushes(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	sets_lists(s, "romeo/orchard", "<list name='a'>" DENY_JULIET "</list>");
	expect(s,
	    "romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'><query " NS
	    "><list name='a'/></query></iq>\n"
	    "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'><query " NS
	    "><list name='a'/></query></iq>\n"
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='p' type='result'/>\n");
	sets_lists(s, "romeo/orchard", "<active name='a'/>");
	assert_false(has(s, "id='push'"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<list name='a'/>");
	assert_true(has(s, "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'>"));
	scene_free(s);
}

static void
test_what_applies_elsewhere_stays(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard", "<list name='a'>" DENY_JULIET "</list>");
	has_list(s, "romeo/orchard", "<list name='b'>" DENY_JULIET "</list>");
	has_list(s, "romeo/orchard", "<active name='a'/>");
	sets_lists(s, "romeo/garden", "<list name='a'/>");
	assert_true(has(s, "[conflict]"));
	/* There was no default, so nobody loses one. */
	has_list(s, "romeo/orchard", "<default name='b'/>");
	has_list(s, "romeo/orchard", "<default name='b'/>");
	sets_lists(s, "romeo/orchard", "<default name='a'/>");
	assert_true(has(s, "[conflict]"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<default/>");
	assert_true(has(s, "[conflict]"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<list name='b'/>");
	assert_true(has(s, "[conflict]"));
	/* The other one has an active list of its own. */
	has_list(s, "romeo/garden", "<active name='a'/>");
	has_list(s, "romeo/orchard", "<default/>");
	has_list(s, "romeo/orchard", "<list name='b'/>");
	leaves(s, "romeo/garden");
	has_list(s, "romeo/orchard", "<list name='a'/>");
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "<query " NS "/>"));
	scene_free(s);
}

/* ---- kept ---- */

static void
test_lists_and_choices_are_kept(void **state)
{
	struct scene *s = scene_of_lists();
	const struct session *garden =
	    account_session(account_find(&s->sd, S("romeo@h")), S("garden"));
	uint8_t mac[CAPABILITY_BYTES];

	(void)state;
	has_list(s, "romeo/garden", "<list name='a&amp;b'>" DENY_JULIET "</list>");
	has_list(
	    s, "romeo/garden", "<list name='c'><item action='deny' order='1'><iq/></item></list>");
	has_list(s, "romeo/garden", "<default name='c'/>");
	s->shows_copies = true;
	sets_lists(s, "romeo/garden", "<active name='a&amp;b'/>");
	/* What is active is in the record, so that it outlives this process. */
	assert_true(has(s, "c2sd PRESENCE_COPY"));
	assert_int_equal(
	    session_record(garden, mac).flags >> SESSION_LIST_SHIFT, session_active_list(garden));
	s->shows_copies = false;
	leaves(s, "romeo/garden");
	leaves(s, "romeo/orchard");
	accounts_trim(&s->sd, UINT64_MAX / 2);
	assert_null(account_find(&s->sd, S("romeo@h")));
	login(s, "romeo/orchard");
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(
	    s, "<query " NS "><default name='c'/><list name='a&amp;b'/><list name='c'/></query>"));
	gets_lists(s, "romeo/orchard", "<list name='c'/>");
	assert_true(has(s, "<list name='c'><item action='deny' order='1'><iq/></item></list>"));
	/* What cannot be kept is not: */
	s->refuse_put = BUS_ERROR_FULL;
	sets_lists(s, "romeo/orchard", "<list name='d'>" DENY_JULIET "</list>");
	assert_true(has(s, "[resource-constraint]"));
	gets_lists(s, "romeo/orchard", "<list name='d'/>");
	assert_true(has(s, "[item-not-found]"));
	scene_free(s);
}

static void
test_lists_are_limited(void **state)
{
	struct scene *s = scene_of_lists();
	struct buf text = {0};

	(void)state;
	for (unsigned i = 0; i < PRIVACY_LISTS_MAX; i++) {
		buf_clear(&text);
		buf_printf(&text, "<list name='%u'>" DENY_JULIET "</list>%c", i, 0);
		has_list(s, "romeo/orchard", buf_str(&text).p);
	}
	sets_lists(s, "romeo/orchard", "<list name='more'>" DENY_JULIET "</list>");
	assert_true(has(s, "[resource-constraint]"));
	has_list(s, "romeo/orchard", "<list name='1'><item action='deny' order='1'/></list>");
	for (unsigned n = PRIVACY_ITEMS_MAX; n <= PRIVACY_ITEMS_MAX + 1; n++) {
		buf_clear(&text);
		buf_add_z(&text, "<list name='1'>");
		for (unsigned i = 0; i < n; i++)
			buf_printf(&text,
			    "<item type='jid' value='%u.x' action='deny' order='%u'/>", i, i);
		buf_printf(&text, "</list>%c", 0);
		sets_lists(s, "romeo/orchard", buf_str(&text).p);
		assert_int_equal(has(s, "[resource-constraint]"), n > PRIVACY_ITEMS_MAX);
		forget(s);
	}
	/* All together must fit into one stored value. */
	for (unsigned i = 2; i < 8; i++) {
		buf_clear(&text);
		buf_printf(&text, "<list name='%u'>", i);
		for (unsigned k = 0; k < 800; k++)
			buf_printf(&text,
			    "<item type='jid' value='%u.x' action='deny' order='%u'/>", k, k);
		buf_printf(&text, "</list>%c", 0);
		sets_lists(s, "romeo/orchard", buf_str(&text).p);
	}
	assert_true(has(s, "[resource-constraint]"));
	forget(s);
	buf_clear(&text);
	for (unsigned i = 0; i < PRIVACY_NAME_MAX + 1; i++)
		buf_add_c(&text, 'x');
	says(s, "romeo/orchard",
	    arena_printf(&s->arena,
		"<iq type='set' id='p'><query " NS "><list name='%.*s'>" DENY_JULIET
		"</list></query></iq>%c",
		STR_ARG(buf_str(&text)), 0)
		.p);
	assert_true(has(s, "[not-acceptable]"));
	buf_deinit(&text);
	scene_free(s);
}

static void
test_switched_off(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	has_list(s, "romeo/orchard", "<list name='a'>" DENY_JULIET "</list>");
	has_list(s, "romeo/orchard", "<default name='a'/>");
	s->settings.privacy_lists = false;
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "[service-unavailable]"));
	forget(s);
	sets_lists(s, "romeo/orchard", "<default/>");
	assert_true(has(s, "[service-unavailable]"));
	assert_false(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	asks_as(s, "romeo/orchard", "set", "<block " BLOCKING "><item jid='tybalt@h'/></block>");
	assert_true(has(s, "id='p' type='result'"));
	assert_false(has(s, "id='push'"));
	says(s, "romeo/orchard",
	    "<iq type='get' id='d' to='h'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	says(s, "romeo/orchard",
	    "<iq type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_true(has(s, "urn:xmpp:blocking"));
	assert_false(has(s, "jabber:iq:privacy"));
	scene_free(s);
}

/* ---- XEP-0191 §5 ---- */

static void
test_the_block_list_is_a_part_of_it(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	asks_as(s, "romeo/garden", "get", "<blocklist " BLOCKING "/>");
	asks_as(s, "romeo/orchard", "set", "<block " BLOCKING "><item jid='tybalt@h'/></block>");
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "<query " NS "><default name='blocked'/><list name='blocked'/></query>"));
	gets_lists(s, "romeo/orchard", "<list name='blocked'/>");
	assert_true(has(s,
	    "<list name='blocked'><item type='jid' value='tybalt@h' action='deny' order='1'/></list>"));
	/* Edited as a list: what is more than a block is no block; what is one comes and goes. */
	forget(s);
	sets_lists(s, "romeo/orchard",
	    "<list name='blocked'><item type='jid' value='nurse@h' action='deny' order='7'><message/></item>"
	    "<item type='jid' value='mercutio@h' action='deny' order='8'/><item action='allow' order='9'/></list>");
	assert_true(has(s,
	    "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'><block " BLOCKING
	    "><item jid='mercutio@h'/></block>"));
	assert_true(has(s,
	    "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'><unblock " BLOCKING
	    "><item jid='tybalt@h'/></unblock>"));
	forget(s);
	asks_as(s, "romeo/garden", "get", "<blocklist " BLOCKING "/>");
	assert_true(has(s, "<blocklist " BLOCKING "><item jid='mercutio@h'/></blocklist>"));
	/* Blocked ones come first, the rest stays. */
	asks_as(s, "romeo/orchard", "set", "<block " BLOCKING "><item jid='juliet@h'/></block>");
	gets_lists(s, "romeo/orchard", "<list name='blocked'/>");
	assert_true(has(s,
	    "<list name='blocked'><item type='jid' value='juliet@h' action='deny' order='1'/>"
	    "<item type='jid' value='nurse@h' action='deny' order='2'><message/></item>"
	    "<item type='jid' value='mercutio@h' action='deny' order='3'/><item action='allow' order='4'/></list>"));
	asks_as(s, "romeo/orchard", "set", "<unblock " BLOCKING "/>");
	gets_lists(s, "romeo/orchard", "<list name='blocked'/>");
	assert_true(has(s,
	    "<list name='blocked'><item type='jid' value='nurse@h' action='deny' order='1'><message/></item>"
	    "<item action='allow' order='2'/></list>"));
	scene_free(s);
}

/* Another default brings another block list; a list by our name that is not the default is left alone. */
static void
test_another_default(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	leaves(s, "romeo/garden");
	asks_as(s, "romeo/orchard", "get", "<blocklist " BLOCKING "/>");
	has_list(s, "romeo/orchard", "<list name='blocked'><item action='deny' order='1'/></list>");
	asks_as(s, "romeo/orchard", "set", "<block " BLOCKING "><item jid='tybalt@h'/></block>");
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "<default name='blocked-2'/>"));
	assert_true(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	has_list(s, "romeo/orchard", "<list name='other'>" DENY_JULIET "</list>");
	sets_lists(s, "romeo/orchard", "<default name='other'/>");
	assert_true(has(s, "<block " BLOCKING "><item jid='juliet@h'/></block>"));
	assert_true(has(s, "<unblock " BLOCKING "><item jid='tybalt@h'/></unblock>"));
	forget(s);
	/* Emptied it is gone. */
	asks_as(s, "romeo/orchard", "set", "<unblock " BLOCKING "/>");
	assert_true(has(s, "<unblock " BLOCKING "/>"));
	gets_lists(s, "romeo/orchard", "");
	assert_true(has(s, "<query " NS "><list name='blocked'/><list name='blocked-2'/></query>"));
	forget(s);
	/* And with nothing blocked there is nothing to do. */
	asks_as(s, "romeo/orchard", "set", "<unblock " BLOCKING "><item jid='nurse@h'/></unblock>");
	assert_true(has(s, "<unblock " BLOCKING "><item jid='nurse@h'/></unblock>"));
	assert_true(has(s, "id='p' type='result'"));
	scene_free(s);
}

/* §5: "may receive communications from JIDs that are blocked in the default list". */
static void
test_an_active_list_overrules_the_block_list(void **state)
{
	struct scene *s = scene_of_lists();

	(void)state;
	asks_as(s, "romeo/orchard", "set", "<block " BLOCKING "><item jid='juliet@h'/></block>");
	assert_false(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	has_list(s, "romeo/orchard", "<list name='all'><item action='allow' order='1'/></list>");
	has_list(s, "romeo/orchard", "<active name='all'/>");
	assert_true(hears(s, "romeo/orchard", "juliet/balcony", MESSAGE));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_and_lists),
	    cmocka_unit_test(test_wrong_requests),
	    cmocka_unit_test(test_pushes),
	    cmocka_unit_test(test_what_applies_elsewhere_stays),
	    cmocka_unit_test(test_lists_and_choices_are_kept),
	    cmocka_unit_test(test_lists_are_limited),
	    cmocka_unit_test(test_switched_off),
	    cmocka_unit_test(test_the_block_list_is_a_part_of_it),
	    cmocka_unit_test(test_another_default),
	    cmocka_unit_test(test_an_active_list_overrules_the_block_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
