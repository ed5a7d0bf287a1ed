/* jabber:iq:roster: RFC 6121 §2. */
#include <stdio.h>

#include "roster.h"
#include "scene.h"

#define GET "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>"
#define ROSTER(attributes, items)                                                      \
	"romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='g' type='result'>" \
	"<query xmlns='jabber:iq:roster'" attributes ">" items "</query></iq>\n"
#define DONE "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='s' type='result'/>\n"
#define PUSH(ver, item)                                                 \
	"romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'>" \
	"<query xmlns='jabber:iq:roster' ver='" ver "'>" item "</query></iq>\n"
#define ERROR(condition)                                                                         \
	"romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='s' type='error'>[" condition \
	"]</iq>\n"

static void
sets(struct scene *s, const char *item)
{
	struct buf b = {0};

	buf_printf(
	    &b, "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>%s</query></iq>", item);
	buf_add_c(&b, '\0');
	says(s, "romeo/orchard", (const char *)buf_str(&b).p);
	buf_deinit(&b);
}

static void
test_get_set_remove(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "romeo@h", "juliet@h", "both", "");
	has_contact(s, "romeo@h", "nurse@h", "none", "pu");
	login(s, "romeo/orchard");
	login(s, "romeo/deaf");
	forget(s);
	says(s, "romeo/orchard", GET);
	expect(s,
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='g' type='result'><query xmlns='jabber:iq:roster'>"
	    "<item jid='juliet@h' subscription='both'/></query></iq>\n");
	/* The state is the server's: what the client says of it is ignored. */
	sets(s,
	    "<item jid='Tybalt@H/x' name='T&amp;T' subscription='both' ask='subscribe'><group>Foes</group></item>");
	expect(s,
	    PUSH("1",
		"<item jid='tybalt@h' name='T&amp;T' subscription='none'><group>Foes</group></item>")
		DONE);
	sets(s, "<item jid='tybalt@h' name='Cat'/>");
	expect(s, PUSH("2", "<item jid='tybalt@h' name='Cat' subscription='none'/>") DONE);
	sets(s, "<item jid='tybalt@h' subscription='remove'/>");
	expect(s, PUSH("3", "<item jid='tybalt@h' subscription='remove'/>") DONE);
	assert_string_equal(stored_item(s, "romeo@h", "tybalt@h"), "");
	sets(s, "<item jid='tybalt@h' subscription='remove'/>");
	expect(s, ERROR("item-not-found"));
	scene_free(s);
}

/* §2.6 */
static void
test_versions(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->version = 41;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq type='get' id='g'><query xmlns='jabber:iq:roster' ver=''/></iq>");
	expect(s,
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='g' type='result'>"
	    "<query xmlns='jabber:iq:roster' ver='41'/></iq>\n");
	says(s, "romeo/orchard",
	    "<iq type='get' id='g'><query xmlns='jabber:iq:roster' ver='41'/></iq>");
	expect(s, "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='g' type='result'/>\n");
	sets(s, "<item jid='juliet@h'/>");
	assert_true(has(s, "ver='42'"));
	forget(s);
	says(s, "romeo/orchard",
	    "<iq type='get' id='g'><query xmlns='jabber:iq:roster' ver='41'/></iq>");
	assert_true(has(s, "ver='42'><item jid='juliet@h' subscription='none'/>"));
	scene_free(s);
}

/* §2.3.3 */
static void
test_bad_sets(void **state)
{
	static const struct {
		const char *item, *condition;
	} cases[] = {
	    {"", "bad-request"},
	    {"<item jid='a@h'/><item jid='b@h'/>", "bad-request"},
	    {"<other jid='a@h'/>", "bad-request"},
	    {"<item jid='a@h'><group>x</group><group>x</group></item>", "bad-request"},
	    {"<item jid='a@h'><group/></item>", "not-acceptable"},
	    {"<item jid='@'/>", "jid-malformed"},
	    {"<item/>", "jid-malformed"},
	    {"<item jid='romeo@h'/>", "not-allowed"},
	};
	struct scene *s = scene_new();
	struct buf b = {0};
	char expected[160];

	(void)state;
	login(s, "romeo/orchard");
	for (unsigned i = 0; i < COUNT(cases); i++) {
		sets(s, cases[i].item);
		snprintf(expected, sizeof(expected),
		    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='s' type='error'>[%s]</iq>\n",
		    cases[i].condition);
		expect(s, expected);
	}
	buf_add_z(&b, "<item jid='a@h' name='");
	for (unsigned i = 0; i < 1024; i++)
		buf_add_c(&b, 'n');
	buf_add_z(&b, "'/>");
	buf_add_c(&b, '\0');
	sets(s, (const char *)buf_str(&b).p);
	expect(s, ERROR("not-acceptable"));
	buf_deinit(&b);
	assert_int_equal(s->n_items, 0);
	scene_free(s);
}

static void
test_limits(void **state)
{
	struct scene *s = scene_new();
	struct buf b = {0};
	unsigned n = 0;

	(void)state;
	s->settings.roster_max = 2;
	login(s, "romeo/orchard");
	sets(s, "<item jid='a@h'/>");
	sets(s, "<item jid='b@h'/>");
	forget(s);
	sets(s, "<item jid='c@h'/>");
	expect(s, ERROR("resource-constraint"));
	says(s, "romeo/orchard", "<presence to='c@h' type='subscribe' id='p'/>");
	expect(s,
	    "romeo/orchard: <presence from='c@h' to='romeo@h/orchard' id='p' type='error'>[resource-constraint]</presence>\n");
	/* Those that are there can change. */
	sets(s, "<item jid='b@h' name='B'/>");
	expect(s, DONE);
	/* In bytes: it must fit into one answer, however it is escaped. */
	s->settings.roster_max = 5000;
	while (n < 50) {
		buf_clear(&b);
		buf_printf(&b, "<item jid='x%u@h'>", n++);
		for (unsigned g = 0; g < 100; g++) {
			buf_printf(&b, "<group>%u", g);
			for (unsigned i = 0; i < 100; i++)
				buf_add_z(&b, "&amp;");
			buf_add_z(&b, "</group>");
		}
		buf_add_z(&b, "</item>");
		buf_add_c(&b, '\0');
		forget(s);
		sets(s, (const char *)buf_str(&b).p);
		if (has(s, "resource-constraint"))
			break;
	}
	assert_in_range(n, 5, 20);
	forget(s);
	says(s, "romeo/orchard", GET);
	assert_true(buf_len(&s->out) < ROSTER_BYTES_MAX + 1000);
	buf_deinit(&b);
	scene_free(s);
}

/* §2.5.2: both are told, and both rosters end up right. */
static void
test_remove_ends_subscriptions(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "juliet/balcony", GET);
	says(s, "romeo/orchard", GET);
	forget(s);
	sets(s, "<item jid='juliet@h' subscription='remove'/>");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n"
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h' type='unsubscribe'/>\n"
	    "romeo/orchard: <presence from='juliet@h/balcony' to='romeo@h' type='unavailable'/>\n"
	    "juliet/balcony: <presence from='romeo@h' to='juliet@h' type='unsubscribed'/>\n"
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='1'>"
	    "<item jid='romeo@h' subscription='to'/></query></iq>\n"
	    "juliet/balcony: <iq to='juliet@h/balcony' id='push' type='set'><query xmlns='jabber:iq:roster' ver='2'>"
	    "<item jid='romeo@h' subscription='none'/></query></iq>\n" PUSH(
		"3", "<item jid='juliet@h' subscription='remove'/>") DONE);
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "");
	assert_string_equal(stored_item(s, "juliet@h", "romeo@h"), "none");
	scene_free(s);
}

/* An item made while a request waits keeps the request. */
static void
test_item_beside_a_request(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "romeo@h", "juliet@h", "none", "pu");
	login(s, "romeo/orchard");
	sets(s, "<item jid='juliet@h' name='J'/>");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "none pending");
	/* Removing it denies the request. */
	sets(s, "<item jid='juliet@h' subscription='remove'/>");
	assert_string_equal(stored_item(s, "romeo@h", "juliet@h"), "");
	scene_free(s);
}

/* storaged refuses: the client gets the error, and the memory is as the store again. */
static void
test_refused_write(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	s->refuse_put = BUS_ERROR_FULL;
	sets(s, "<item jid='juliet@h'/>");
	expect(s, ERROR("resource-constraint"));
	s->refuse_put = 0;
	says(s, "romeo/orchard", GET);
	expect(s,
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='g' type='result'>"
	    "<query xmlns='jabber:iq:roster'/></iq>\n");
	scene_free(s);
}

/* Each roster change has the id of its stanza, so that a replay is recognised. */
static void
test_ids_of_changes(void **state)
{
	struct scene *s = scene_new();
	struct client *c = login(s, "romeo/orchard");
	struct msg_STANZA m = {.conn = c->conn, .sid = c->sid, .n = ++c->n};
	struct sent *f;

	(void)state;
	m.st = stanza_from(s,
	    "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='a@h'/></query></iq>");
	fake_receive(&s->bus, &s->edge, MSG_STANZA, &m, NULL, NULL);
	f = sent_take(&s->bus);
	assert_int_equal(f->message->type, MSG_ROSTER_PUT);
	assert_true(id_eq(&f->op.origin, &c->sid));
	assert_int_equal(f->op.n, m.n);
	assert_int_equal(f->op.kind, OP_ROSTER);
	scene_pump(s);
	scene_free(s);
}

/* INV-13: nobody else's roster. */
static void
test_inv_13_others(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq type='get' id='s' to='juliet@h'><query xmlns='jabber:iq:roster'/></iq>");
	expect(s,
	    "romeo/orchard: <iq from='juliet@h' to='romeo@h/orchard' id='s' type='error'>[service-unavailable]</iq>\n");
	says(s, "romeo/orchard",
	    "<iq type='set' id='s' to='juliet@h'><query xmlns='jabber:iq:roster'><item jid='a@h'/></query></iq>");
	expect(s,
	    "romeo/orchard: <iq from='juliet@h' to='romeo@h/orchard' id='s' type='error'>[service-unavailable]</iq>\n");
	remote_says(s,
	    "<iq type='get' id='s' from='a@remote.example/x' to='juliet@h'><query xmlns='jabber:iq:roster'/></iq>");
	expect(s,
	    "s2sd ROUTE_BACK <iq from='juliet@h' to='a@remote.example/x' id='s' type='error'>[service-unavailable]</iq>\n");
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get_set_remove),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_bad_sets),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_remove_ends_subscriptions),
	    cmocka_unit_test(test_item_beside_a_request),
	    cmocka_unit_test(test_refused_write),
	    cmocka_unit_test(test_ids_of_changes),
	    cmocka_unit_test(test_inv_13_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
