/* XEP-0191. What XEP-0016 makes of the same list: test_privacy.c. */
#include <stdio.h>

#include "base/clock.h"
#include "block.h"
#include "scene.h"

#define NS "xmlns='urn:xmpp:blocking'"
/* XEP-0016 §2.2: what is blocked is a list too, and all are told that it is another one. */
#define LIST_PUSH(resource)                             \
	"romeo/" resource ": <iq to='romeo@h/" resource \
	"' id='push' type='set'><query xmlns='jabber:iq:privacy'><list name='blocked'/></query></iq>\n"

static void
sets(struct scene *s, const char *name, const char *payload)
{
	char text[2048];

	snprintf(text, sizeof(text), "<iq type='set' id='b'>%s</iq>", payload);
	says(s, name, text);
}

static void
asks_for(struct scene *s, const char *name, const char *payload)
{
	char text[2048];

	snprintf(text, sizeof(text), "<iq type='get' id='b'>%s</iq>", payload);
	says(s, name, text);
}

/* romeo and juliet are friends and here. */
static struct scene *
scene_of_friends(void)
{
	struct scene *s = scene_new();

	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	forget(s);
	return s;
}

static struct scene *
scene_with_juliet_blocked(void)
{
	struct scene *s = scene_of_friends();

	sets(s, "romeo/orchard", "<block " NS "><item jid='juliet@h'/></block>");
	forget(s);
	return s;
}

static void
test_list_and_pushes(void **state)
{
	struct scene *s = scene_of_friends();

	(void)state;
	login(s, "romeo/garden");
	login(s, "romeo/old");
	forget(s);
	asks_for(s, "romeo/orchard", "<blocklist " NS "/>");
	expect(s,
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='b' type='result'><blocklist " NS
	    "/></iq>\n");
	asks_for(s, "romeo/garden", "<blocklist " NS "/>");
	forget(s);
	sets(s, "romeo/orchard",
	    "<block " NS "><item jid='Tybalt@H'/><item jid='evil.example'/></block>");
	expect(s,
	    "romeo/orchard: <iq to='romeo@h/orchard' id='push' type='set'><block " NS
	    "><item jid='tybalt@h'/><item jid='evil.example'/></block></iq>\n"
	    "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'><block " NS
	    "><item jid='tybalt@h'/><item jid='evil.example'/></block></iq>\n" LIST_PUSH("orchard")
		LIST_PUSH("garden") LIST_PUSH(
		    "old") "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='b' type='result'/>\n");
	sets(s, "romeo/orchard", "<unblock " NS "><item jid='tybalt@h'/></unblock>");
	assert_true(has(s,
	    "romeo/garden: <iq to='romeo@h/garden' id='push' type='set'><unblock " NS
	    "><item jid='tybalt@h'/></unblock></iq>\n"));
	forget(s);
	asks_for(s, "romeo/old", "<blocklist " NS "/>");
	assert_true(has(s, "<blocklist " NS "><item jid='evil.example'/></blocklist>"));
	forget(s);
	sets(s, "romeo/old", "<unblock " NS "/>");
	assert_true(
	    has(s, "romeo/old: <iq to='romeo@h/old' id='push' type='set'><unblock " NS "/></iq>"));
	forget(s);
	asks_for(s, "romeo/old", "<blocklist " NS "/>");
	assert_true(has(s, "<blocklist " NS "/>"));
	scene_free(s);
}

static void
test_wrong_requests(void **state)
{
	static const struct {
		const char *payload, *error;
	} cases[] = {
	    {"<block " NS "/>", "bad-request"},
	    {"<block " NS "><item/></block>", "jid-malformed"},
	    {"<block " NS "><item jid='@'/></block>", "jid-malformed"},
	    {"<unblock " NS "><item jid='a@b@c'/></unblock>", "jid-malformed"},
	};
	struct scene *s = scene_of_friends();
	char text[128];

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		sets(s, "romeo/orchard", cases[i].payload);
		snprintf(text, sizeof(text), "[%s]", cases[i].error);
		assert_true(has(s, text));
		forget(s);
	}
	says(s, "romeo/orchard", "<iq type='get' id='b' to='juliet@h'><blocklist " NS "/></iq>");
	assert_true(has(s, "[service-unavailable]"));
	scene_free(s);
}

static void
test_presence_when_blocked_and_unblocked(void **state)
{
	struct scene *s = scene_of_friends();

	(void)state;
	sets(s, "romeo/orchard", "<block " NS "><item jid='juliet@h'/></block>");
	expect(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h' type='unavailable'/>\n"
	    "romeo/orchard: <presence from='juliet@h' to='romeo@h/orchard' type='unavailable'/>\n" LIST_PUSH(
		"orchard") "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='b' type='result'/>\n");
	says(s, "romeo/orchard", "<presence><show>dnd</show></presence>");
	assert_false(has(s, "juliet"));
	forget(s);
	says(s, "juliet/balcony", "<presence><show>away</show></presence>");
	assert_false(has(s, "romeo"));
	/* To a new session neither: no probe goes out, none is answered. */
	login(s, "romeo/garden");
	login(s, "juliet/chamber");
	says(s, "juliet/chamber", "<presence to='romeo@h' type='probe'/>");
	assert_false(has(s, "romeo"));
	forget(s);
	sets(s, "romeo/orchard", "<unblock " NS "><item jid='juliet@h'/></unblock>");
	assert_true(has(s,
	    "juliet/balcony: <presence from='romeo@h/orchard' to='juliet@h'><show>dnd</show></presence>\n"));
	scene_free(s);
}

static void
test_what_the_blocked_one_sends(void **state)
{
	struct scene *s = scene_with_juliet_blocked();

	(void)state;
	says(s, "juliet/balcony",
	    "<message to='romeo@h' type='chat' id='1'><body>hi</body></message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h' to='juliet@h/balcony' id='1' type='error'>[service-unavailable]</message>\n");
	says(s, "juliet/balcony",
	    "<message to='romeo@h/orchard' type='chat' id='1'><body>hi</body></message>");
	expect(s,
	    "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h/balcony' id='1' type='error'>[service-unavailable]</message>\n");
	says(s, "juliet/balcony", "<iq to='romeo@h/orchard' type='get' id='2'><a xmlns='x'/></iq>");
	expect(s,
	    "juliet/balcony: <iq from='romeo@h/orchard' to='juliet@h/balcony' id='2' type='error'>[service-unavailable]</iq>\n");
	says(s, "juliet/balcony",
	    "<iq to='romeo@h' type='get' id='3'><vCard xmlns='vcard-temp'/></iq>");
	expect(s,
	    "juliet/balcony: <iq from='romeo@h' to='juliet@h/balcony' id='3' type='error'>[service-unavailable]</iq>\n");
	says(s, "juliet/balcony", "<iq to='romeo@h/orchard' type='result' id='4'/>");
	says(s, "juliet/balcony", "<presence to='romeo@h/orchard'/>");
	says(s, "juliet/balcony", "<presence to='romeo@h' type='subscribe'/>");
	assert_false(has(s, "romeo/orchard:"));
	scene_free(s);
}

/* Nothing is kept for later either. */
static void
test_nothing_offline(void **state)
{
	struct scene *s = scene_with_juliet_blocked();

	(void)state;
	leaves(s, "romeo/orchard");
	forget(s);
	says(s, "juliet/balcony",
	    "<message to='romeo@h' type='chat' id='1'><body>hi</body></message>");
	assert_true(has(s, "[service-unavailable]"));
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_what_the_user_sends(void **state)
{
	static const char *const stanzas[] = {
	    "<message to='juliet@h' id='1'><body>hi</body></message>",
	    "<message to='juliet@h/balcony' type='chat' id='1'><body>hi</body></message>",
	    "<iq to='juliet@h/balcony' type='get' id='1'><a xmlns='x'/></iq>",
	    "<presence to='juliet@h/balcony' id='1'/>",
	    "<presence to='juliet@h' type='subscribe' id='1'/>",
	    "<presence to='juliet@h' type='unsubscribed' id='1'/>",
	};
	struct scene *s = scene_with_juliet_blocked();

	(void)state;
	for (unsigned i = 0; i < COUNT(stanzas); i++) {
		says(s, "romeo/orchard", stanzas[i]);
		assert_true(has(s, "[not-acceptable]"));
		assert_false(has(s, "juliet/"));
		forget(s);
	}
	says(s, "romeo/orchard", "<iq to='juliet@h/balcony' type='result' id='1'/>");
	expect_nothing(s);
	scene_free(s);
}

/* The list that a block makes, with these addresses. */
static void
has_blocked(struct account *a, const char *const *jids, unsigned n)
{
	struct privacy_item *items = mem_new_array(n, sizeof(*items));

	for (unsigned i = 0; i < n; i++)
		items[i] = (struct privacy_item){.order = i + 1,
		    .denies = true,
		    .kinds = PRIVACY_ALL,
		    .type = PRIVACY_JID,
		    .value = str_z(jids[i])};
	privacy_put(&a->privacy, privacy_list_new(S(PRIVACY_BLOCKED), items, n), 1);
	a->privacy.default_id = 1;
	free(items);
}

static bool
account_blocks(const struct account *a, struct str jid)
{
	return account_denies(a, jid, PRIVACY_MESSAGE);
}

/* §6: what an item covers. */
static void
test_matching(void **state)
{
	static const struct {
		const char *item, *jid;
		bool covers;
	} cases[] = {
	    {"a@x/r", "a@x/r", true},
	    {"a@x/r", "a@x/s", false},
	    {"a@x/r", "a@x", false},
	    {"a@x", "a@x/r", true},
	    {"a@x", "b@x/r", false},
	    {"x/r", "x/r", true},
	    {"x/r", "a@x/r", false},
	    {"x", "x", true},
	    {"x", "x/r", true},
	    {"x", "a@x/r", true},
	    {"x", "a@y.x", false},
	    {"y.x", "a@x", false},
	};
	struct scene *s = scene_of_friends();
	struct account *a = account_find(&s->sd, S("romeo@h"));

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		has_blocked(a, &cases[i].item, 1);
		assert_int_equal(account_blocks(a, str_z(cases[i].jid)), cases[i].covers);
		assert_int_equal(block_covers(privacy_default(&a->privacy), str_z(cases[i].jid)),
		    cases[i].covers);
	}
	/* §5: never the own sessions, nor the server. */
	has_blocked(a, (const char *const[]){"h", "romeo@h"}, 2);
	assert_false(account_blocks(a, S("romeo@h/garden")));
	assert_false(account_blocks(a, S("h")));
	assert_true(account_blocks(a, S("juliet@h")));
	scene_free(s);
}

/* Directed presence is taken back. */
static void
test_directed_presence(void **state)
{
	struct scene *s = scene_of_friends();

	(void)state;
	login(s, "tybalt/street");
	says(s, "romeo/orchard", "<presence to='tybalt@h/street'/>");
	forget(s);
	sets(s, "romeo/orchard", "<block " NS "><item jid='tybalt@h'/></block>");
	assert_true(has(s,
	    "tybalt/street: <presence from='romeo@h/orchard' to='tybalt@h/street' type='unavailable'/>"));
	forget(s);
	says(s, "romeo/orchard", "<presence type='unavailable'/>");
	assert_false(has(s, "tybalt"));
	scene_free(s);
}

static void
test_limits_and_refusals(void **state)
{
	struct scene *s = scene_of_friends();
	struct account *a = account_find(&s->sd, S("romeo@h"));
	const char *jids[BLOCK_ITEMS_MAX];

	(void)state;
	s->refuse_put = BUS_ERROR_FULL;
	sets(s, "romeo/orchard", "<block " NS "><item jid='tybalt@h'/></block>");
	assert_true(has(s, "[resource-constraint]"));
	assert_false(account_blocks(a, S("tybalt@h")));
	s->refuse_put = 0;
	for (unsigned i = 0; i < BLOCK_ITEMS_MAX; i++)
		jids[i] = arena_printf(&s->arena, "spam%u@evil.example%c", i, 0).p;
	has_blocked(a, jids, BLOCK_ITEMS_MAX);
	forget(s);
	sets(s, "romeo/orchard", "<block " NS "><item jid='tybalt@h'/></block>");
	assert_true(has(s, "[resource-constraint]"));
	scene_free(s);
}

/* It is there again when the account is. */
static void
test_is_kept(void **state)
{
	struct scene *s = scene_with_juliet_blocked();

	(void)state;
	leaves(s, "romeo/orchard");
	accounts_trim(&s->sd, clock_mono_ms() - 1000); /* in a tick that began before */
	assert_non_null(account_find(&s->sd, S("romeo@h")));
	accounts_trim(&s->sd, UINT64_MAX / 2);
	assert_null(account_find(&s->sd, S("romeo@h")));
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='juliet@h' id='1'><body>hi</body></message>");
	assert_true(has(s, "[not-acceptable]"));
	scene_free(s);
}

/* What an older version kept. */
static void
test_the_older_form_is_read(void **state)
{
	struct privacy p = {0};

	(void)state;
	privacy_load(&p, S("<blocklist " NS "><item jid='tybalt@h'/><item jid='x'/></blocklist>"));
	assert_true(block_has(privacy_default(&p), S("tybalt@h")));
	assert_true(block_has(privacy_default(&p), S("x")));
	assert_false(block_has(privacy_default(&p), S("juliet@h")));
	privacy_load(&p, S("<blocklist " NS "/>"));
	assert_null(p.lists);
	privacy_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list_and_pushes),
	    cmocka_unit_test(test_wrong_requests),
	    cmocka_unit_test(test_presence_when_blocked_and_unblocked),
	    cmocka_unit_test(test_what_the_blocked_one_sends),
	    cmocka_unit_test(test_nothing_offline),
	    cmocka_unit_test(test_what_the_user_sends),
	    cmocka_unit_test(test_matching),
	    cmocka_unit_test(test_directed_presence),
	    cmocka_unit_test(test_limits_and_refusals),
	    cmocka_unit_test(test_is_kept),
	    cmocka_unit_test(test_the_older_form_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
