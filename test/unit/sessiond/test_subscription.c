/* RFC 6121 §3 and appendix A: every row of tables 2 to 9, and the whole of a subscription between two users. */
#include <stdio.h>

#include "scene.h"
#include "subscription.h"

/* The states as the RFC names them, with what storaged has for them. */
static const struct {
	const char *name, *subscription, *flags;
} states[SUB_STATE_COUNT] = {
    [SUB_NONE] = {"None", "none", ""},
    [SUB_NONE_OUT] = {"None + Pending Out", "none", "a"},
    [SUB_NONE_IN] = {"None + Pending In", "none", "p"},
    [SUB_NONE_OUT_IN] = {"None + Pending Out+In", "none", "ap"},
    [SUB_TO] = {"To", "to", ""},
    [SUB_TO_IN] = {"To + Pending In", "to", "p"},
    [SUB_FROM] = {"From", "from", ""},
    [SUB_FROM_OUT] = {"From + Pending Out", "from", "a"},
    [SUB_BOTH] = {"Both", "both", ""},
};

static const char *const verbs[SUB_ACTION_COUNT] = {
    [SUB_SUBSCRIBE] = "subscribe",
    [SUB_UNSUBSCRIBE] = "unsubscribe",
    [SUB_SUBSCRIBED] = "subscribed",
    [SUB_UNSUBSCRIBED] = "unsubscribed",
};

#define MUST true
#define NOT false
#define SAME SUB_STATE_COUNT

struct table_row {
	bool passes;
	unsigned next;     /* SAME: no state change */
	const char *reply; /* in: what is answered on the user's behalf */
};

static const struct table_row tables_out[SUB_ACTION_COUNT][SUB_STATE_COUNT] = {
    /* table 2 */
    {{MUST, SUB_NONE_OUT, 0}, {MUST, SAME, 0}, {MUST, SUB_NONE_OUT_IN, 0}, {MUST, SAME, 0},
	{MUST, SAME, 0}, {MUST, SAME, 0}, {MUST, SUB_FROM_OUT, 0}, {MUST, SAME, 0}, {MUST, SAME, 0}},
    /* table 3 */
    {{MUST, SAME, 0}, {MUST, SUB_NONE, 0}, {MUST, SAME, 0}, {MUST, SUB_NONE_IN, 0},
	{MUST, SUB_NONE, 0}, {MUST, SUB_NONE_IN, 0}, {MUST, SAME, 0}, {MUST, SUB_FROM, 0},
	{MUST, SUB_FROM, 0}},
    /* table 4 */
    {{NOT, SAME, 0}, {NOT, SAME, 0}, {MUST, SUB_FROM, 0}, {MUST, SUB_FROM_OUT, 0}, {NOT, SAME, 0},
	{MUST, SUB_BOTH, 0}, {NOT, SAME, 0}, {NOT, SAME, 0}, {NOT, SAME, 0}},
    /* table 5 */
    {{NOT, SAME, 0}, {NOT, SAME, 0}, {MUST, SUB_NONE, 0}, {MUST, SUB_NONE_OUT, 0}, {NOT, SAME, 0},
	{MUST, SUB_TO, 0}, {MUST, SUB_NONE, 0}, {MUST, SUB_NONE_OUT, 0}, {MUST, SUB_TO, 0}},
};

static const struct table_row tables_in[SUB_ACTION_COUNT][SUB_STATE_COUNT] = {
    /* table 6 */
    {{MUST, SUB_NONE_IN, 0}, {MUST, SUB_NONE_OUT_IN, 0}, {NOT, SAME, 0}, {NOT, SAME, 0},
	{MUST, SUB_TO_IN, 0}, {NOT, SAME, 0}, {NOT, SAME, "subscribed"}, {NOT, SAME, "subscribed"},
	{NOT, SAME, "subscribed"}},
    /* table 7 */
    {{NOT, SAME, 0}, {NOT, SAME, 0}, {MUST, SUB_NONE, "unsubscribed"},
	{MUST, SUB_NONE_OUT, "unsubscribed"}, {NOT, SAME, 0}, {MUST, SUB_TO, "unsubscribed"},
	{MUST, SUB_NONE, "unsubscribed"}, {MUST, SUB_NONE_OUT, "unsubscribed"},
	{MUST, SUB_TO, "unsubscribed"}},
    /* table 8 */
    {{NOT, SAME, 0}, {MUST, SUB_TO, 0}, {NOT, SAME, 0}, {MUST, SUB_TO_IN, 0}, {NOT, SAME, 0},
	{NOT, SAME, 0}, {NOT, SAME, 0}, {MUST, SUB_BOTH, 0}, {NOT, SAME, 0}},
    /* table 9 */
    {{NOT, SAME, 0}, {MUST, SUB_NONE, 0}, {NOT, SAME, 0}, {MUST, SUB_NONE_IN, 0}, {MUST, SUB_NONE, 0},
	{MUST, SUB_NONE_IN, 0}, {NOT, SAME, 0}, {MUST, SUB_FROM, 0}, {MUST, SUB_FROM, 0}},
};

static void
assert_state(struct scene *s, const char *owner, const char *contact, unsigned state)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%s%s%s", states[state].subscription,
	    strchr(states[state].flags, 'a') ? " ask" : "",
	    strchr(states[state].flags, 'p') ? " pending" : "");
	assert_string_equal(stored_item(s, owner, contact), expected);
}

static void
check_row_out(unsigned action, unsigned state)
{
	const struct table_row *row = &tables_out[action][state];
	struct scene *s = scene_new();
	char stanza[128], routed[128];

	has_contact(
	    s, "romeo@h", "juliet@remote.example", states[state].subscription, states[state].flags);
	login(s, "romeo/orchard");
	snprintf(stanza, sizeof(stanza), "<presence to='juliet@remote.example/x' type='%s'/>",
	    verbs[action]);
	snprintf(routed, sizeof(routed),
	    "s2sd ROUTE <presence from='romeo@h' to='juliet@remote.example' type='%s'/>",
	    verbs[action]);
	says(s, "romeo/orchard", stanza);
	assert_int_equal(has(s, routed), row->passes);
	if (action != SUB_SUBSCRIBED || row->passes) /* else pre-approval, below */
		assert_state(
		    s, "romeo@h", "juliet@remote.example", row->next == SAME ? state : row->next);
	scene_free(s);
}

static void
test_tables_out(void **state)
{
	(void)state;
	for (unsigned action = 0; action < SUB_ACTION_COUNT; action++)
		for (unsigned from = 0; from < SUB_STATE_COUNT; from++)
			check_row_out(action, from);
}

static void
check_row_in(unsigned action, unsigned state)
{
	const struct table_row *row = &tables_in[action][state];
	struct scene *s = scene_new();
	char stanza[128], delivered[128], reply[128];

	has_contact(
	    s, "romeo@h", "juliet@remote.example", states[state].subscription, states[state].flags);
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	forget(s);
	snprintf(stanza, sizeof(stanza),
	    "<presence from='juliet@remote.example' to='romeo@h' type='%s'/>", verbs[action]);
	snprintf(delivered, sizeof(delivered),
	    "romeo/orchard: <presence from='juliet@remote.example' to='romeo@h' type='%s'/>",
	    verbs[action]);
	snprintf(reply, sizeof(reply),
	    "s2sd ROUTE_BACK <presence from='romeo@h' to='juliet@remote.example' type='%s'/>",
	    row->reply ? row->reply : "");
	remote_says(s, stanza);
	assert_int_equal(has(s, delivered), row->passes);
	assert_int_equal(has(s, reply), row->reply != NULL);
	assert_state(s, "romeo@h", "juliet@remote.example", row->next == SAME ? state : row->next);
	scene_free(s);
}

static void
test_tables_in(void **state)
{
	(void)state;
	for (unsigned action = 0; action < SUB_ACTION_COUNT; action++)
		for (unsigned from = 0; from < SUB_STATE_COUNT; from++)
			check_row_in(action, from);
}

#define GET_ROSTER "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"

/* Both of this shard, step by step. */
static void
test_subscription_from_start_to_end(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard", GET_ROSTER);
	says(s, "juliet/balcony", GET_ROSTER);
	forget(s);

	says(s, "romeo/orchard", "<presence to='juliet@h' type='subscribe' id='s1'/>");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h' id='s1' type='subscribe'/>\n"
	    "romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'><query xmlns='jabber:iq:roster' ver='1'>"
	    "<item jid='juliet@h' subscription='none' ask='subscribe'/></query></iq>\n");
	assert_string_equal(stored_item(s, "juliet@h", "romeo@h"), "unlisted pending");

	says(s, "juliet/balcony", "<presence to='romeo@h' type='subscribed' id='s2'/>");
	expect(s,
	    "romeo/orchard: <presence from='juliet@h' to='romeo@h' id='s2' type='subscribed'/>\n"
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h'/>\n"
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='3'>"
	    "<item jid='romeo@h' subscription='from'/></query></iq>\n"
	    "romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'><query xmlns='jabber:iq:roster' ver='4'>"
	    "<item jid='juliet@h' subscription='to'/></query></iq>\n");

	says(s, "juliet/balcony", "<presence to='romeo@h' type='unsubscribed'/>");
	expect(s,
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'/>\n"
	    "romeo/orchard: <presence from='juliet@h' to='romeo@h' type='unsubscribed'/>\n"
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='5'>"
	    "<item jid='romeo@h' subscription='none'/></query></iq>\n"
	    "romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'><query xmlns='jabber:iq:roster' ver='6'>"
	    "<item jid='juliet@h' subscription='none'/></query></iq>\n");
	scene_free(s);
}

/* §3.3.3: the one who loses sight gets unavailable, then unsubscribed (which says nothing new to romeo). */
static void
test_unsubscribe(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "romeo@h", "juliet@h", "to", "");
	has_contact(s, "juliet@h", "romeo@h", "from", "");
	login(s, "juliet/balcony");
	login(s, "romeo/orchard");
	says(s, "juliet/balcony", GET_ROSTER);
	forget(s);
	says(s, "romeo/orchard", "<presence to='juliet@h' type='unsubscribe'/>");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h' type='unsubscribe'/>\n"
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'/>\n"
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='2'>"
	    "<item jid='romeo@h' subscription='none'/></query></iq>\n");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "none");
	scene_free(s);
}

/* §3.1.3: kept while nobody is there, once, with its payload, and shown until it is answered. */
static void
test_request_waits_for_the_user(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<presence to='juliet@h' type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>");
	says(s, "romeo/orchard", "<presence to='juliet@h' type='subscribe'/>");
	forget(s);
	binds(s, "juliet/balcony");
	forget(s);
	says(s, "juliet/balcony", "<presence/>");
	expect(s,
	    "juliet/balcony: <presence from='juliet@h/balcony' to='juliet@h'/>\n"
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h' type='subscribe'>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>\n");
	says(s, "juliet/balcony", GET_ROSTER);
	expect(s,
	    "juliet/balcony: <iq from='juliet@h' to='juliet@h/balcony' id='r' type='result'>"
	    "<query xmlns='jabber:iq:roster'/></iq>\n");
	leaves(s, "juliet/balcony");
	binds(s, "juliet/chamber");
	says(s, "juliet/chamber", "<presence/>");
	assert_true(
	    has(s, "juliet/chamber: <presence from='romeo@h' to='juliet@h' type='subscribe'>"));
	says(s, "juliet/chamber", "<presence to='romeo@h' type='unsubscribed'/>");
	assert_string_equal(stored_item(s, "juliet@h", "romeo@h"), "");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "none");
	scene_free(s);
}

/* §3.4 */
static void
test_pre_approval(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "juliet/balcony", GET_ROSTER);
	forget(s);
	says(s, "juliet/balcony", "<presence to='romeo@h' type='subscribed'/>");
	expect(s,
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='1'>"
	    "<item jid='romeo@h' subscription='none' approved='true'/></query></iq>\n");
	says(s, "romeo/orchard", GET_ROSTER);
	forget(s);
	says(s, "romeo/orchard", "<presence to='juliet@h' type='subscribe'/>");
	assert_false(has(s, "juliet/balcony: <presence"));
	assert_true(
	    has(s, "romeo/orchard: <presence from='juliet@h' to='romeo@h' type='subscribed'/>"));
	assert_true(has(s, "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h'/>"));
	assert_string_equal(stored_item(s, "juliet@h", "romeo@h"), "from approved");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "to");
	forget(s);
	/* Taken back before it was used. */
	says(s, "juliet/balcony", "<presence to='nurse@h' type='subscribed'/>");
	assert_string_equal(stored_item(s, "juliet@h", "nurse@h"), "none approved");
	says(s, "juliet/balcony", "<presence to='nurse@h' type='unsubscribed'/>");
	assert_string_equal(stored_item(s, "juliet@h", "nurse@h"), "none");
	scene_free(s);
}

/* §8.5.1 */
static void
test_inv_32_unknown_user_is_silent(void **state)
{
	static const char *const types[] = {
	    "subscribe", "subscribed", "unsubscribe", "unsubscribed"};
	struct scene *s = scene_new();
	char stanza[128];

	(void)state;
	for (unsigned i = 0; i < COUNT(types); i++) {
		snprintf(stanza, sizeof(stanza),
		    "<presence from='a@remote.example' to='nobody@h' type='%s'/>", types[i]);
		remote_says(s, stanza);
		expect_nothing(s);
	}
	assert_string_equal(stored_item(s, "nobody@h", "a@remote.example"), "");
	/* To a full JID that is not there: only the request means something. */
	remote_says(s, "<presence from='a@remote.example' to='juliet@h/x' type='unsubscribe'/>");
	expect_nothing(s);
	remote_says(s, "<presence from='a@remote.example' to='juliet@h/x' type='subscribe'/>");
	assert_string_equal(stored_item(s, "juliet@h", "a@remote.example"), "unlisted pending");
	scene_free(s);
}

static void
test_too_many_requests(void **state)
{
	struct scene *s = scene_new();
	char stanza[128];

	(void)state;
	s->settings.requests_max = 3;
	for (unsigned i = 0; i < 5; i++) {
		snprintf(stanza, sizeof(stanza),
		    "<presence from='a%u@remote.example' to='juliet@h' type='subscribe'/>", i);
		remote_says(s, stanza);
	}
	assert_string_equal(stored_item(s, "juliet@h", "a2@remote.example"), "unlisted pending");
	assert_string_equal(stored_item(s, "juliet@h", "a3@remote.example"), "");
	scene_free(s);
}

static void
test_to_oneself_and_without_to(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<presence to='romeo@h' type='subscribe'/>");
	expect_nothing(s);
	says(s, "romeo/orchard", "<presence type='subscribe' id='x'/>");
	expect(s,
	    "romeo/orchard: <presence from='romeo@h' to='romeo@h/orchard' id='x' type='error'>[bad-request]</presence>\n");
	assert_string_equal(stored_item(s, "romeo@h", "romeo@h"), "");
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables_out),
	    cmocka_unit_test(test_tables_in),
	    cmocka_unit_test(test_subscription_from_start_to_end),
	    cmocka_unit_test(test_unsubscribe),
	    cmocka_unit_test(test_request_waits_for_the_user),
	    cmocka_unit_test(test_pre_approval),
	    cmocka_unit_test(test_inv_32_unknown_user_is_silent),
	    cmocka_unit_test(test_too_many_requests),
	    cmocka_unit_test(test_to_oneself_and_without_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
