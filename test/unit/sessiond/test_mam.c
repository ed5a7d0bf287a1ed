/* Archives: XEP-0313, XEP-0059, XEP-0441, XEP-0359, XEP-0334. Ids are shown as "I", stamps as "T". */
#include <stdio.h>

#include "archive.h"
#include "base/archive_id.h"
#include "scene.h"

static struct scene *
scene_of_stores(void)
{
	struct scene *s = scene_with_archives();

	s->shows_stores = true;
	return s;
}

#define HI "<message to='juliet@h' type='chat'><body>hi</body></message>"

static void
test_one_row_for_both_and_the_id_for_the_recipient(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard", HI);
	expect(s,
	    "STORE from to to juliet@h\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='I'/></message>\n");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_offline_message_has_the_id_of_the_archive(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", HI);
	expect(s, "STORE from to owed to juliet@h\n");
	binds(s, "juliet/balcony");
	forget(s);
	says(s, "juliet/balcony", "<presence/>");
	expect(s,
	    "juliet/balcony: <presence from='juliet@h/balcony' to='juliet@h'/>\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='T'>Offline Storage</delay>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='I'/></message>\n");
	reads(s, "juliet/balcony");
	expect(s, "OWED_DROP 1\n");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

/* XEP-0334, XEP-0313 §5.1.1 */
static void
test_what_is_not_archived(void **state)
{
	static const char *const never[] = {
	    "<message to='juliet@h' type='chat'><body>1</body><no-store xmlns='urn:xmpp:hints'/></message>",
	    "<message to='juliet@h' type='chat'><body>1</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>",
	    "<message to='juliet@h' type='headline'><body>1</body></message>",
	    "<message to='juliet@h' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
	    "<message to='juliet@h/balcony' type='groupchat'><body>1</body></message>",
	    "<message to='juliet@h/balcony' type='error'><body>1</body></message>",
	};
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	for (unsigned i = 0; i < COUNT(never); i++)
		says(s, "romeo/orchard", never[i]);
	assert_int_equal(s->n_rows, 0);
	assert_false(has(s, "stanza-id"));
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><x xmlns='y'/><store xmlns='urn:xmpp:hints'/></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_the_sender_keeps_what_bounced_and_the_error_is_not_archived(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<message to='nobody@h' type='chat' id='1'><body>hi</body></message>");
	expect(s,
	    "STORE from to nobody@h\n"
	    "romeo/orchard: <message from='nobody@h' to='romeo@h/orchard' id='1' type='error'>[service-unavailable]</message>\n");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_to_and_from_other_servers(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<message to='abc@remote.example' type='chat'><body>hi</body></message>");
	expect(s,
	    "STORE from to abc@remote.example\n"
	    "s2sd ROUTE <message from='romeo@h/orchard' to='abc@remote.example' type='chat'><body>hi</body></message>\n");
	remote_says(s,
	    "<message from='abc@remote.example/x' to='romeo@h' type='chat'><body>ho</body></message>");
	expect(s,
	    "STORE to to romeo@h\n"
	    "romeo/orchard: <message from='abc@remote.example/x' to='romeo@h' type='chat'><body>ho</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='romeo@h' id='I'/></message>\n");
	scene_free(s);
}

static void
test_inv_11_a_forged_id_is_replaced(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><body>hi</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='forged'/></message>");
	expect(s,
	    "STORE from to to juliet@h\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='I'/></message>\n");
	scene_free(s);
}

/* ---- queries ---- */

#define QUERY(inside) \
	"<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='f'>" inside "</query></iq>"
#define FORM(fields)                                                                   \
	"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>" \
	"<value>urn:xmpp:mam:2</value></field>" fields "</x>"
#define RSM(inside) "<set xmlns='http://jabber.org/protocol/rsm'>" inside "</set>"

/* The id of a row in an archive, as text. */
static const char *
id_in(struct scene *s, unsigned row, const char *owner)
{
	static char hex[2 * ID_BYTES + 1];
	struct id128 id = archive_id(&s->rows[row].op.origin, s->rows[row].op.n, str_z(owner));

	id_hex(&id, hex);
	return hex;
}

static void
test_a_page_and_the_next(void **state)
{
	struct scene *s = scene_of_stores();
	char expected[2048], query[512];

	(void)state;
	s->shows_stores = false;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard", HI);
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' id='2' type='chat'><body>ho</body></message>");
	forget(s);
	says(s, "romeo/orchard", QUERY(RSM("<max>1</max>")));
	snprintf(expected, sizeof(expected),
	    "romeo/orchard: <message from='romeo@h' to='romeo@h/orchard'>"
	    "<result xmlns='urn:xmpp:mam:2' queryid='f' id='%s'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<delay xmlns='urn:xmpp:delay' stamp='T'/><message xmlns='jabber:client' from='romeo@h/orchard'"
	    " to='juliet@h' type='chat'><body>hi</body></message></forwarded></result></message>\n"
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='q' type='result'>"
	    "<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>%s</first>",
	    id_in(s, 0, "romeo@h"), id_in(s, 0, "romeo@h"));
	if (!has(s, expected))
		expect(s, expected);
	assert_false(has(s, "complete"));
	forget(s);
	snprintf(query, sizeof(query), QUERY(RSM("<after>%s</after>")), id_in(s, 0, "romeo@h"));
	says(s, "romeo/orchard", query);
	assert_true(has(s, "id='2'"));
	assert_true(has(s, "<fin xmlns='urn:xmpp:mam:2' complete='true'>"));
	assert_false(has(s, "<body>hi</body>"));
	scene_free(s);
}

static void
test_flipped_pages_are_the_same_in_the_other_order(void **state)
{
	struct scene *s = scene_of_stores();
	const char *text;

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='abc@far' type='chat'><body>one</body></message>");
	says(s, "romeo/orchard", "<message to='abc@far' type='chat'><body>two</body></message>");
	forget(s);
	says(s, "romeo/orchard", QUERY("<flip-page/>"));
	assert_true(has(s, "two"));
	text = (const char *)s->out.data + s->out.start;
	assert_true(strstr(text, "two") < strstr(text, "one"));
	scene_free(s);
}

static void
test_wrong_queries(void **state)
{
	static const char *const wrong[][2] = {
	    {QUERY(FORM("<field var='with'><value>@@</value></field>")), "[jid-malformed]"},
	    {QUERY(FORM("<field var='start'><value>yesterday</value></field>")), "[bad-request]"},
	    {QUERY(FORM("<field var='colour'><value>red</value></field>")),
		"[feature-not-implemented]"},
	    {QUERY(FORM("<field var='after-id'><value>1</value></field>")), "[item-not-found]"},
	    {QUERY(RSM("<after>00112233445566778899aabbccddeeff</after>")), "[item-not-found]"},
	    {QUERY(RSM("<max>many</max>")), "[bad-request]"},
	    {QUERY(RSM("<index>3</index>")), "[feature-not-implemented]"},
	    {QUERY(FORM("<field var='include-groupchat'><value>perhaps</value></field>")),
		"[bad-request]"},
	    /* where there is no search */
	    {QUERY(FORM("<field var='withtext'><value>x</value></field>")),
		"[feature-not-implemented]"},
	    {QUERY(FORM("<field var='{urn:xmpp:fulltext:0}fulltext'><value>x</value></field>")),
		"[feature-not-implemented]"},
	};
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < COUNT(wrong); i++) {
		says(s, "romeo/orchard", wrong[i][0]);
		assert_true(has(s, wrong[i][1]));
		forget(s);
	}
	scene_free(s);
}

static void
test_inv_13_nobody_else_may_ask(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq type='set' id='q' to='juliet@h'><query xmlns='urn:xmpp:mam:2'/></iq>");
	expect(s,
	    "romeo/orchard: <iq from='juliet@h' to='romeo@h/orchard' id='q' type='error'>[service-unavailable]</iq>\n");
	scene_free(s);
}

/* What was read in the archive is not delivered again; what was not, is. */
static void
test_offline_messages_read_in_the_archive_are_delivered(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>one</body></message>");
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>two</body></message>");
	binds(s, "juliet/balcony");
	forget(s);
	says(s, "juliet/balcony", QUERY(RSM("<max>1</max>")));
	assert_true(has(s, "one"));
	forget(s);
	/* Before the edge has written it, too. */
	says(s, "juliet/balcony", "<presence/>");
	assert_false(has(s, "one"));
	assert_true(has(s, "two"));
	forget(s);
	reads(s, "juliet/balcony");
	expect(s, "OWED_DROP 2\n");
	leaves(s, "juliet/balcony");
	login(s, "juliet/balcony");
	expect_nothing(s);
	scene_free(s);
}

/* juliet/balcony was sent an offline message out of the archive; the edge has not written it. */
static struct scene *
scene_of_one_that_was_read(void)
{
	struct scene *s = scene_of_stores();

	login(s, "romeo/orchard");
	says(s, "romeo/orchard", HI);
	binds(s, "juliet/balcony");
	says(s, "juliet/balcony", QUERY(""));
	return s;
}

/* The edge says that it is written when the page with it is on its way already. */
static void
test_offline_messages_read_while_they_are_fetched(void **state)
{
	struct scene *s = scene_of_one_that_was_read();

	(void)state;
	forget(s);
	s->is_storaged_down = true;
	says(s, "juliet/balcony", "<presence/>");
	reads(s, "juliet/balcony");
	s->is_storaged_down = false;
	scene_pump(s);
	assert_false(has(s, "<body>"));
	assert_true(has(s, "OWED_DROP 1"));
	scene_free(s);
}

static void
test_offline_messages_not_written_are_delivered_later(void **state)
{
	struct scene *s = scene_of_one_that_was_read();

	(void)state;
	leaves(s, "juliet/balcony");
	binds(s, "juliet/chamber");
	forget(s);
	says(s, "juliet/chamber", "<presence/>");
	assert_true(has(s, "<body>hi</body>"));
	scene_free(s);
}

/* ---- policy ---- */

static void
test_no_archive_where_it_is_off(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	s->settings.archive = ARCHIVE_OFF;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", QUERY(""));
	assert_true(has(s, "[service-unavailable]"));
	forget(s);
	says(s, "romeo/orchard",
	    "<iq type='get' id='d' to='romeo@h'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_false(has(s, "mam"));
	scene_free(s);
}

static void
test_features(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq type='get' id='d' to='romeo@h'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_true(has(s,
	    "<feature var='urn:xmpp:mam:2'/><feature var='urn:xmpp:mam:2#extended'/><feature var='urn:xmpp:mam:2#groupchat-field'/>"));
	assert_true(has(s, "<feature var='urn:xmpp:sid:0'/>"));
	assert_false(has(s, "fulltext"));
	scene_free(s);
}

static void
test_roster_policy(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	s->settings.archive = ARCHIVE_ROSTER;
	has_contact(s, "romeo@h", "abc@far", "both", "");
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='abc@far/x' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 1);
	says(s, "romeo/orchard", "<message to='xyz@far' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

/* What has to wait for the account waits in order, with all that comes of it: the message arrives before the query behind it. */
static void
test_a_query_behind_a_message_to_oneself_while_the_account_loads(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	s->is_storaged_down = true;
	binds(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<message to='romeo@h' type='chat'><body>to myself</body></message>");
	says(s, "romeo/orchard", "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>");
	assert_int_equal(s->n_rows, 0);
	s->is_storaged_down = false;
	scene_pump(s);
	assert_int_equal(s->n_rows, 1);
	assert_true(has(s, "<body>to myself</body></message></forwarded></result>"));
	scene_free(s);
}

/* ---- small things ---- */

static void
test_metadata(void **state)
{
	struct scene *s = scene_of_stores();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<iq type='get' id='m'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
	assert_true(has(s, "<metadata xmlns='urn:xmpp:mam:2'/>"));
	says(s, "romeo/orchard", "<message to='abc@far/x' type='chat'><body>hi</body></message>");
	forget(s);
	says(s, "romeo/orchard", "<iq type='get' id='m'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
	assert_true(has(s, id_in(s, 0, "romeo@h")));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_row_for_both_and_the_id_for_the_recipient),
	    cmocka_unit_test(test_offline_message_has_the_id_of_the_archive),
	    cmocka_unit_test(test_what_is_not_archived),
	    cmocka_unit_test(test_the_sender_keeps_what_bounced_and_the_error_is_not_archived),
	    cmocka_unit_test(test_to_and_from_other_servers),
	    cmocka_unit_test(test_inv_11_a_forged_id_is_replaced),
	    cmocka_unit_test(test_a_page_and_the_next),
	    cmocka_unit_test(test_flipped_pages_are_the_same_in_the_other_order),
	    cmocka_unit_test(test_wrong_queries),
	    cmocka_unit_test(test_inv_13_nobody_else_may_ask),
	    cmocka_unit_test(test_offline_messages_read_in_the_archive_are_delivered),
	    cmocka_unit_test(test_offline_messages_read_while_they_are_fetched),
	    cmocka_unit_test(test_offline_messages_not_written_are_delivered_later),
	    cmocka_unit_test(test_no_archive_where_it_is_off),
	    cmocka_unit_test(test_features),
	    cmocka_unit_test(test_roster_policy),
	    cmocka_unit_test(test_a_query_behind_a_message_to_oneself_while_the_account_loads),
	    cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
