/* RFC 6121 §8.5: every cell of the table, and the way of a message from client to client. */
#include <stdio.h>

#include "fate.h"
#include "message.h"
#include "scene.h"

#include <stdio.h>

static void
test_table(void **state)
{
	/* Rows of table 1 as RFC 6121 §8.5.4 writes them; each of ours must be one of its choices. */
	static const struct {
		enum message_condition c;
		enum message_address a;
		const char *allowed[4]; /* normal, chat, groupchat, headline */
	} rows[] = {
	    {NO_ACCOUNT, TO_BARE, {"SE", "SE", "E", "S"}},
	    {NO_ACCOUNT, TO_NO_MATCH, {"SE", "SE", "SE", "SE"}},
	    {NO_RESOURCES, TO_BARE, {"OE", "OE", "E", "S"}},
	    {NO_RESOURCES, TO_NO_MATCH, {"SE", "OE", "SE", "SE"}},
	    {NEGATIVE_ONLY, TO_BARE, {"OE", "OE", "E", "S"}},
	    {NEGATIVE_ONLY, TO_MATCH, {"D", "D", "D", "D"}},
	    {NEGATIVE_ONLY, TO_NO_MATCH, {"SE", "OE", "SE", "SE"}},
	    {SOME_TAKERS, TO_BARE, {"MA", "M", "E", "A"}},
	    {SOME_TAKERS, TO_MATCH, {"D", "D", "D", "D"}},
	    {SOME_TAKERS, TO_NO_MATCH, {"SE", "M", "SE", "SE"}},
	};
	static const char *const letters[] = {
	    [MESSAGE_IGNORE] = "S",
	    [MESSAGE_BOUNCE] = "E",
	    [MESSAGE_TELL] = "SE",
	    [MESSAGE_STORE] = "O",
	    [MESSAGE_DELIVER] = "D",
	    [MESSAGE_MOST] = "M",
	    [MESSAGE_ALL] = "A",
	};

	(void)state;
	for (unsigned r = 0; r < COUNT(rows); r++)
		for (unsigned t = TYPE_NORMAL; t <= TYPE_HEADLINE; t++) {
			const char *ours =
			    letters[message_action(rows[r].c, rows[r].a, (enum stanza_type)t)];

			for (const char *l = ours; *l; l++)
				if (!strchr(rows[r].allowed[t], *l))
					fail_msg("row %u, type %u: %s", r, t, ours);
		}
}

static void
test_errors_are_ignored_or_delivered(void **state)
{
	(void)state;
	for (unsigned c = 0; c < MESSAGE_CONDITIONS; c++) {
		assert_int_equal(
		    message_action((enum message_condition)c, TO_BARE, TYPE_ERROR), MESSAGE_IGNORE);
		assert_int_equal(message_action((enum message_condition)c, TO_NO_MATCH, TYPE_ERROR),
		    MESSAGE_IGNORE);
	}
	assert_int_equal(message_action(SOME_TAKERS, TO_MATCH, TYPE_ERROR), MESSAGE_DELIVER);
}

static void
test_chat(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat' id='m1'><body>hi</body></message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' id='m1' type='chat'>"
	    "<body>hi</body></message>\n");
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='chat'><body>yes?</body></message>");
	expect(s,
	    "romeo/orchard: <message from='juliet@h/balcony' to='romeo@h/orchard' type='chat'>"
	    "<body>yes?</body></message>\n");
	/* Without `to`: to oneself. */
	says(s, "romeo/orchard", "<message><body>note</body></message>");
	expect(s,
	    "romeo/orchard: <message from='romeo@h/orchard' to='romeo@h'><body>note</body></message>\n");
	scene_free(s);
}

static void
test_most_available(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	binds(s, "juliet/low");
	binds(s, "juliet/high");
	binds(s, "juliet/also");
	binds(s, "juliet/never");
	says(s, "juliet/low", "<presence><priority>1</priority></presence>");
	says(s, "juliet/high", "<presence><priority>5</priority></presence>");
	says(s, "juliet/also", "<presence><priority>5</priority></presence>");
	says(s, "juliet/never", "<presence><priority>-1</priority></presence>");
	forget(s);
	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>1</body></message>");
	expect(s,
	    "juliet/high: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>1</body></message>\n"
	    "juliet/also: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>1</body></message>\n");
	says(s, "romeo/orchard", "<message to='juliet@h' type='headline'><body>2</body></message>");
	expect(s,
	    "juliet/low: <message from='romeo@h/orchard' to='juliet@h' type='headline'><body>2</body></message>\n"
	    "juliet/high: <message from='romeo@h/orchard' to='juliet@h' type='headline'><body>2</body></message>\n"
	    "juliet/also: <message from='romeo@h/orchard' to='juliet@h' type='headline'><body>2</body></message>\n");
	/* A chat message to a resource that is gone goes to the others. */
	says(s, "romeo/orchard", "<message to='juliet@h/gone' type='chat'><body>3</body></message>");
	expect(s,
	    "juliet/high: <message from='romeo@h/orchard' to='juliet@h/gone' type='chat'><body>3</body></message>\n"
	    "juliet/also: <message from='romeo@h/orchard' to='juliet@h/gone' type='chat'><body>3</body></message>\n");
	says(s, "romeo/orchard",
	    "<message to='juliet@h/never' type='chat'><body>4</body></message>");
	expect(s,
	    "juliet/never: <message from='romeo@h/orchard' to='juliet@h/never' type='chat'><body>4</body></message>\n");
	scene_free(s);
}

static void
test_errors_to_those_who_may_know(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	has_contact(s, "juliet@h", "romeo@h", "none", "");
	login(s, "romeo/orchard");
	login(s, "tybalt/street");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard", "<message to='juliet@h/gone' id='a'><body>1</body></message>");
	expect(s,
	    "romeo/orchard: <message from='juliet@h/gone' to='romeo@h/orchard' id='a' type='error'>"
	    "[service-unavailable]</message>\n");
	says(s, "tybalt/street", "<message to='juliet@h/gone' id='b'><body>1</body></message>");
	expect_nothing(s);
	says(s, "tybalt/street", "<message to='nobody@h/gone' id='c'><body>1</body></message>");
	expect_nothing(s);
	scene_free(s);
}

static void
test_unknown_user_and_domain(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='nobody@h' id='a'><body>1</body></message>");
	expect(s,
	    "romeo/orchard: <message from='nobody@h' to='romeo@h/orchard' id='a' type='error'>"
	    "[service-unavailable]</message>\n");
	says(s, "romeo/orchard", "<message to='a@nowhere.example' id='b'><body>1</body></message>");
	expect(s,
	    "romeo/orchard: <message from='a@nowhere.example' to='romeo@h/orchard' id='b' type='error'>"
	    "[remote-server-not-found]</message>\n");
	says(s, "romeo/orchard",
	    "<message to='nobody@h' id='c' type='error'><body>1</body></message>");
	expect_nothing(s);
	says(s, "romeo/orchard", "<message to='h' id='d'><body>1</body></message>");
	expect(s,
	    "romeo/orchard: <message from='h' to='romeo@h/orchard' id='d' type='error'>"
	    "[service-unavailable]</message>\n");
	says(s, "romeo/orchard", "<message to='a@remote.example' id='e'><body>1</body></message>");
	expect(s,
	    "s2sd ROUTE <message from='romeo@h/orchard' to='a@remote.example' id='e'><body>1</body></message>\n");
	says(s, "romeo/orchard", "<message to='a@comp.h' id='f'><body>1</body></message>");
	expect(s,
	    "componentd ROUTE <message from='romeo@h/orchard' to='a@comp.h' id='f'><body>1</body></message>\n");
	scene_free(s);
}

static void
test_groupchat_bounces(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "juliet/balcony");
	remote_says(s,
	    "<message from='room@remote.example/x' to='juliet@h' type='groupchat'><body>1</body></message>");
	expect(s,
	    "s2sd ROUTE_BACK <message from='juliet@h' to='room@remote.example/x' type='error'>"
	    "[service-unavailable]</message>\n");
	remote_says(s,
	    "<message from='room@remote.example/x' to='juliet@h/balcony' type='groupchat'><body>1</body></message>");
	expect(s,
	    "juliet/balcony: <message from='room@remote.example/x' to='juliet@h/balcony' type='groupchat'>"
	    "<body>1</body></message>\n");
	scene_free(s);
}

/* The levels of BUS.md §5 between shards. */
static void
test_other_shard(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->bus.shards = 2;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='xena@h' id='a'><body>1</body></message>");
	expect(s,
	    "sessiond ROUTE <message from='romeo@h/orchard' to='xena@h' id='a'><body>1</body></message>\n");
	route_in(s, ROLE_SESSIOND, MSG_ROUTE,
	    "<message from='xena@h/a' to='nobody@h' id='b'><body>1</body></message>");
	expect(s,
	    "sessiond ROUTE_BACK <message from='nobody@h' to='xena@h/a' id='b' type='error'>"
	    "[service-unavailable]</message>\n");
	route_in(s, ROLE_SESSIOND, MSG_ROUTE_BACK,
	    "<iq from='xena@h/a' to='nobody@h' id='b' type='get'><q xmlns='a'/></iq>");
	expect(s,
	    "sessiond ROUTE_BOUNCE <iq from='nobody@h' to='xena@h/a' id='b' type='error'>"
	    "[service-unavailable]</iq>\n");
	route_in(s, ROLE_SESSIOND, MSG_ROUTE_BOUNCE,
	    "<iq from='xena@h/a' to='nobody@h' id='b' type='get'><q xmlns='a'/></iq>");
	expect_nothing(s);
	scene_free(s);
}

/* Another server is down for a minute, or dies of it (BUS.md §11). */
static void
test_11_route_that_fails(void **state)
{
	struct scene *s = scene_new();
	struct client *c = login(s, "romeo/orchard");
	struct msg_ROUTE m = {
	    .st = stanza_from(s,
		"<message from='romeo@h/orchard' to='a@remote.example' id='m'><body>1</body></message>")};
	struct opid op = {.origin = c->sid, .n = 9, .kind = OP_DELIVERY};

	(void)state;
	sessiond_events.failed(&s->sd, bus_message(MSG_ROUTE), &m, &op, NULL, BUS_NEVER_SENT);
	scene_pump(s);
	expect(s,
	    "romeo/orchard: <message from='a@remote.example' to='romeo@h/orchard' id='m' type='error'>"
	    "[remote-server-timeout]</message>\n");
	op.n++;
	sessiond_events.failed(&s->sd, bus_message(MSG_ROUTE), &m, &op, NULL, BUS_MAYBE_DONE);
	scene_pump(s);
	expect(s,
	    "romeo/orchard: <message from='a@remote.example' to='romeo@h/orchard' id='m' type='error'>"
	    "[remote-server-timeout]</message>\n");
	op.n++;
	sessiond_events.failed(&s->sd, bus_message(MSG_ROUTE), &m, &op, NULL, BUS_POISON);
	scene_pump(s);
	expect(s,
	    "romeo/orchard: <message from='a@remote.example' to='romeo@h/orchard' id='m' type='error'>"
	    "[internal-server-error]</message>\n");
	scene_free(s);
}

/* F-30: componentd is away. F-35: the error is the component's, with the id. Another shard is this server itself. */
static void
test_route_to_a_component_that_fails(void **state)
{
	static const struct {
		const char *to, *error;
	} rows[] = {{"comp.h", "remote-server-timeout"}, {"xena@h", "service-unavailable"}};
	struct scene *s = scene_new();
	struct client *c = login(s, "romeo/orchard");

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		char text[256];
		struct opid op = {.origin = c->sid, .n = 9 + i, .kind = OP_DELIVERY};

		snprintf(text, sizeof(text),
		    "<iq from='romeo@h/orchard' to='%s' id='q' type='get'><q xmlns='a'/></iq>",
		    rows[i].to);
		struct msg_ROUTE m = {.st = stanza_from(s, text)};
		sessiond_events.failed(
		    &s->sd, bus_message(MSG_ROUTE), &m, &op, NULL, BUS_NEVER_SENT);
		scene_pump(s);
		snprintf(text, sizeof(text),
		    "romeo/orchard: <iq from='%s' to='romeo@h/orchard' id='q' type='error'>[%s]</iq>\n",
		    rows[i].to, rows[i].error);
		expect(s, text);
	}
	scene_free(s);
}

/* SECURITY C-4: nobody brings a sender that is not theirs. */
static void
test_inv_11_foreign_from(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "juliet/balcony");
	remote_says(s, "<message from='romeo@h' to='juliet@h'><body>I am romeo</body></message>");
	expect_nothing(s);
	assert_int_equal(s->bus.errors, 1);
	route_in(s, ROLE_SESSIOND, MSG_ROUTE,
	    "<message from='a@remote.example' to='juliet@h'><body>1</body></message>");
	expect_nothing(s);
	assert_int_equal(s->bus.errors, 2);
	says(s, "juliet/balcony", "<message from='romeo@h' to='juliet@h'><body>1</body></message>");
	expect_nothing(s);
	assert_int_equal(s->bus.errors, 3);
	scene_free(s);
}

/* What componentd and s2sd must not do (INV-31) is refused here too: a component speaks for components only, another server
 * for neither us nor them, and nobody for a domain that nobody serves. */
static void
test_inv_11_who_brings_serves_the_sender(void **state)
{
	static const struct {
		enum role role;
		const char *from;
		bool is_let_in;
	} rows[] = {
	    {ROLE_COMPONENTD, "comp.h", true},
	    {ROLE_COMPONENTD, "anybody@comp.h/thing", true},
	    {ROLE_COMPONENTD, "h", false},
	    {ROLE_COMPONENTD, "romeo@h/orchard", false},
	    {ROLE_COMPONENTD, "h/comp.h", false},
	    {ROLE_COMPONENTD, "comp.h@h", false},
	    {ROLE_COMPONENTD, "a@remote.example/comp.h", false},
	    {ROLE_COMPONENTD, "below.comp.h", false},
	    {ROLE_S2SD, "remote.example", true},
	    {ROLE_S2SD, "comp.h", false},
	    {ROLE_S2SD, "a@comp.h/remote.example", false},
	    {ROLE_SESSIOND, "comp.h", false},
	};
	struct scene *s = scene_new();
	unsigned refused = 0;

	(void)state;
	login(s, "juliet/balcony");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		char in[256], out[300];

		snprintf(in, sizeof(in),
		    "<message from='%s' to='juliet@h/balcony'><body>%u</body></message>",
		    rows[i].from, i);
		snprintf(out, sizeof(out), "juliet/balcony: %s\n", in);
		route_in(s, rows[i].role, MSG_ROUTE, in);
		expect(s, rows[i].is_let_in ? out : "");
		refused += !rows[i].is_let_in;
		assert_int_equal(s->bus.errors, refused);
	}
	scene_free(s);
}

static void
test_inv_11_server_payloads(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'>"
	    "<delay xmlns='urn:xmpp:delay' from='h' stamp='2020-01-01T00:00:00Z'/>"
	    "<d:delay xmlns:d='urn:xmpp:delay' from='H' stamp='2020-01-01T00:00:00Z'/>"
	    "<body>1</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='x'/>"
	    "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>"
	    "<result xmlns='urn:xmpp:mam:2'/>"
	    "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
	    "<delay xmlns='urn:xmpp:delay' from='elsewhere.example' stamp='2020-01-01T00:00:00Z'/>"
	    "</message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>1</body>"
	    "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
	    "<delay xmlns='urn:xmpp:delay' from='elsewhere.example' stamp='T'/></message>\n");
	remote_says(s,
	    "<message from='a@remote.example' to='juliet@h'><body>1</body>"
	    "<sent xmlns='urn:xmpp:carbons:2'/><stanza-id xmlns='urn:xmpp:sid:0' by='h' id='x'/></message>");
	expect(s,
	    "juliet/balcony: <message from='a@remote.example' to='juliet@h'><body>1</body></message>\n");
	scene_free(s);
}

/* All of them, wherever they stand and whatever prefix they have; those of others are others' business. */
static void
test_inv_12_every_forged_id_goes(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	s->settings.archive = ARCHIVE_ALWAYS;
	s->shows_stores = true;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h' type='chat'><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='1'/>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='JULIET@H' id='2'/><body>hi</body>"
	    "<p:stanza-id xmlns:p='urn:xmpp:sid:0' id='3' by='juliet@h'/>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='room@elsewhere' id='4'/></message>");
	expect(s,
	    "STORE from to to juliet@h\n"
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='room@elsewhere' id='4'/>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@h' id='I'/></message>\n");
	scene_free(s);
}

#define DEEP(z)                                                                      \
	"juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'>" \
	"<body>1</body><y xmlns='urn:y'>t" z "</y></message>\n"

/* Each server-only payload: none, one, two and three of it, at the top and below, by whatever prefix. */
static void
test_inv_11_forgeries_at_any_depth(void **state)
{
	static const char *const forged[] = {
	    "<f:sent xmlns:f='urn:xmpp:carbons:2'><a xmlns='urn:a'/></f:sent>",
	    "<received xmlns='urn:xmpp:carbons:2'/>",
	    "<q:result xmlns:q='urn:xmpp:mam:2' id='1'/>",
	    "<o:occupant-id xmlns:o='urn:xmpp:occupant-id:0' id='1'/>",
	    "<s:stanza-id xmlns:s='urn:xmpp:sid:0' by='juliet@h' id='1'/>",
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='H' id='1'/>",
	    "<d:delay xmlns:d='urn:xmpp:delay' from='h.' stamp='2020-01-01T00:00:00Z'/>",
	    "<x xmlns='jabber:x:delay' from='h' stamp='20200101T00:00:00'/>",
	};
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	for (size_t i = 0; i < COUNT(forged); i++)
		for (unsigned times = 0; times <= 3; times++) {
			const char *a = times > 0 ? forged[i] : "", *b = times > 1 ? forged[i] : "",
				   *c = times > 2 ? forged[i] : "";
			char text[1024];

			snprintf(text, sizeof(text),
			    "<message to='juliet@h' type='chat'>%s<body>1</body><y xmlns='urn:y'>t%s<z>%s</z></y></message>",
			    a, b, c);
			says(s, "romeo/orchard", text);
			/* An element that something was taken out of keeps its end tag. */
			expect(s, times > 2 ? DEEP("<z></z>") : DEEP("<z/>"));
		}
	scene_free(s);
}

/* What a forwarded stanza was stamped with stays (XEP-0297 §3); a copy of a copy does not. */
static void
test_inv_11_a_forwarded_stanza_keeps_its_stamps(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	says(s, "romeo/orchard",
	    "<message to='juliet@h'><body>1</body><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='romeo@h' id='1'/><result xmlns='urn:xmpp:mam:2'/>"
	    "</forwarded></message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h'><body>1</body>"
	    "<forwarded xmlns='urn:xmpp:forward:0'>"
	    "<stanza-id xmlns='urn:xmpp:sid:0' by='romeo@h' id='I'/></forwarded></message>\n");
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_errors_are_ignored_or_delivered),
	    cmocka_unit_test(test_chat),
	    cmocka_unit_test(test_most_available),
	    cmocka_unit_test(test_errors_to_those_who_may_know),
	    cmocka_unit_test(test_unknown_user_and_domain),
	    cmocka_unit_test(test_groupchat_bounces),
	    cmocka_unit_test(test_other_shard),
	    cmocka_unit_test(test_11_route_that_fails),
	    cmocka_unit_test(test_route_to_a_component_that_fails),
	    cmocka_unit_test(test_inv_11_foreign_from),
	    cmocka_unit_test(test_inv_11_who_brings_serves_the_sender),
	    cmocka_unit_test(test_inv_11_server_payloads),
	    cmocka_unit_test(test_inv_11_forgeries_at_any_depth),
	    cmocka_unit_test(test_inv_11_a_forwarded_stanza_keeps_its_stamps),
	    cmocka_unit_test(test_inv_12_every_forged_id_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
