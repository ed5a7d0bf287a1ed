/* INV-3: for every (state, element) what comes of it; stream headers; what waits for an answer. */
#include <stdio.h>

#include "rig.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define TLS "xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
#define BIND "xmlns='urn:ietf:params:xml:ns:xmpp-bind'"

/* ---- the table ---- */

enum outcome {
	TAKEN, /* no stream error */
	NOT_AUTHORIZED,
	POLICY,      /* policy-violation */
	UNSUPPORTED, /* unsupported-stanza-type */
	NAMESPACE,   /* invalid-namespace */
	NO_TLS,      /* <failure/> of TLS, then the end */
	CLOSED,      /* the end without an error */
};

static const char *const CONDITIONS[] = {NULL, "not-authorized", "policy-violation",
    "unsupported-stanza-type", "invalid-namespace", NULL, NULL};

enum stage {
	FEATURES, /* in clear, STARTTLS required */
	SASL_WAIT,
	SASL_TURN,
	BINDABLE,
	BIND_WAIT,
	SESSION,
	STAGES,
};

static const struct row {
	const char *element;
	enum outcome in[STAGES];
} TABLE[] = {
    {"<starttls " TLS "/>", {TAKEN, NOT_AUTHORIZED, NO_TLS, NO_TLS, TAKEN, NO_TLS}},
    {"<auth " SASL " mechanism='SCRAM-SHA-256'>eA==</auth>",
	{TAKEN, TAKEN, TAKEN, POLICY, TAKEN, POLICY}},
    {"<response " SASL ">eA==</response>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, TAKEN, POLICY, TAKEN, POLICY}},
    {"<abort " SASL "/>", {NOT_AUTHORIZED, TAKEN, TAKEN, POLICY, TAKEN, POLICY}},
    {"<iq type='set' id='1'><bind " BIND "/></iq>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, TAKEN, TAKEN, TAKEN}},
    {"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, TAKEN, TAKEN}},
    {"<message/>", {NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, TAKEN, TAKEN}},
    {"<presence/>", {NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, TAKEN, TAKEN}},
    {"<message xmlns='jabber:server'/>",
	{NAMESPACE, NAMESPACE, NAMESPACE, NAMESPACE, TAKEN, NAMESPACE}},
    {"<starttls " SASL "/>", {NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, POLICY, TAKEN, POLICY}},
    {"<success " SASL "/>", {NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, POLICY, TAKEN, POLICY}},
    {"<compress xmlns='http://jabber.org/protocol/compress'/>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, UNSUPPORTED, TAKEN, UNSUPPORTED}},
    {"<surprise/>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, UNSUPPORTED, TAKEN, UNSUPPORTED}},
    {"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	{CLOSED, CLOSED, CLOSED, CLOSED, TAKEN, CLOSED}},
    {"<inactive xmlns='urn:xmpp:csi:0'/>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, UNSUPPORTED, TAKEN, TAKEN}},
    {"<stream:features/>",
	{NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED, UNSUPPORTED, TAKEN, UNSUPPORTED}},
};

static void
go_to(struct talker *p, enum stage stage)
{
	struct msg_AUTH_START start;
	struct msg_AUTH_ANSWER challenge = {.outcome = AUTH_CHALLENGE};

	switch (stage) {
	case FEATURES:
		rig_connect_to(p, LISTENER_REQUIRED);
		says(p, OPENING);
		hears(p, "</stream:features>");
		return;
	case SASL_WAIT:
	case SASL_TURN:
		rig_open(p);
		says(p, "<auth " SASL " mechanism='SCRAM-SHA-1'>eA==</auth>");
		takes(MSG_AUTH_START, &start);
		challenge.re = start.req;
		if (stage == SASL_WAIT)
			return;
		sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &challenge);
		hears(p, "</challenge>");
		return;
	case BINDABLE:
	case BIND_WAIT:
		rig_bindable(p);
		if (stage == BIND_WAIT)
			says(p, "<iq type='set' id='b'><bind " BIND "/></iq>");
		return;
	case SESSION:
		rig_session(p);
		return;
	case STAGES:
		break;
	}
}

/* Where an answer is awaited the socket is not read: what comes then is what came with the question. */
static void
say_to_reader(struct talker *p, const char *element)
{
	client_input(rig_client(p), str_z(element));
	rig_turn();
}

static void
check(enum stage stage, const struct row *row)
{
	struct talker p;
	enum outcome expected = row->in[stage];

	go_to(&p, stage);
	say_to_reader(&p, row->element);
	if (expected == TAKEN) {
		assert_int_not_equal(rig_client(&p)->state, CLIENT_CLOSING);
		rig_hang_up(&p);
		return;
	}
	if (expected == NO_TLS)
		hears(&p, "<failure " TLS "/>");
	is_ended(&p, CONDITIONS[expected]);
}

static void
test_inv_03_every_state_and_element(void **state)
{
	(void)state;
	for (enum stage stage = FEATURES; stage < STAGES; stage++) {
		for (size_t i = 0; i < COUNT(TABLE); i++) {
			print_message("# stage %d: %s\n", stage, TABLE[i].element);
			assert_int_equal(rig_setup(NULL), 0);
			check(stage, &TABLE[i]);
			rig_teardown(NULL);
		}
	}
}

/* ---- headers ---- */

#define HEADER(attributes) \
	"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' " attributes ">"

static void
test_headers(void **state)
{
	static const struct {
		const char *header, *condition;
	} table[] = {
	    {HEADER("xmlns='jabber:client' to='h' version='1.0'"), NULL},
	    {HEADER("xmlns='jabber:client' to='H' version='2.7'"), NULL},
	    {HEADER("to='h' version='1.0'"), NULL},
	    {"<stream xmlns='http://etherx.jabber.org/streams' to='h' version='1.0'>", NULL},
	    {HEADER("xmlns='jabber:client' version='1.0'"), "improper-addressing"},
	    {HEADER("xmlns='jabber:client' to='' version='1.0'"), "improper-addressing"},
	    {HEADER("xmlns='jabber:client' to='a b' version='1.0'"), "improper-addressing"},
	    {HEADER("xmlns='jabber:client' to='x@h' version='1.0'"), "improper-addressing"},
	    {HEADER("xmlns='jabber:client' to='elsewhere' version='1.0'"), "host-unknown"},
	    {HEADER("xmlns='jabber:client' to='h'"), "unsupported-version"},
	    {HEADER("xmlns='jabber:client' to='h' version='0.9'"), "unsupported-version"},
	    {HEADER("xmlns='jabber:client' to='h' version='x.y'"), "unsupported-version"},
	    {HEADER("xmlns='jabber:server' to='h' version='1.0'"), "invalid-namespace"},
	    {"<stream:stream xmlns:stream='urn:x' xmlns='jabber:client' to='h' version='1.0'>",
		"invalid-namespace"},
	    {"<stream:s xmlns:stream='http://etherx.jabber.org/streams' to='h' version='1.0'>",
		"bad-format"},
	    {HEADER("xmlns='jabber:client' to='h' from='@' version='1.0'"), "invalid-from"},
	    {"<?xml version='1.0' encoding='latin1'?>", "unsupported-encoding"},
	    {"<!DOCTYPE x>", "restricted-xml"},
	    {"hello", "not-well-formed"},
	};
	struct talker p;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].header);
		rig_connect(&p);
		says(&p, table[i].header);
		/* RFC 6120 §4.7.5: who tells no version is told none. */
		hears(&p,
		    strstr(table[i].header, "to='h'>") ? "' xml:lang='en'"
						       : "version='1.0' xml:lang='en'");
		if (table[i].condition) {
			is_ended(&p, table[i].condition);
			continue;
		}
		hears(&p, "</stream:features>");
		rig_hang_up(&p);
	}
}

/* RFC 6120 §4.7.2 */
static void
test_our_header_names_who_has_named_himself(void **state)
{
	struct talker p;

	(void)state;
	rig_connect(&p);
	says(&p, HEADER("xmlns='jabber:client' to='h' from='Alice@h/x' version='1.0'"));
	hears(&p, " from='h' to='alice@h'>");
	rig_hang_up(&p);
}

static void
test_stream_ids_are_new_each_time(void **state)
{
	struct talker p;
	char first[64];

	(void)state;
	rig_connect(&p);
	says(&p, OPENING);
	hears(&p, " id='");
	snprintf(first, sizeof(first), "%.32s", p.text);
	rig_hang_up(&p);
	rig_connect(&p);
	says(&p, OPENING);
	hears(&p, " id='");
	assert_int_not_equal(strncmp(first, p.text, 32), 0);
	rig_hang_up(&p);
}

static void
test_inv_07_the_domain_is_pinned(void **state)
{
	struct talker p;

	(void)state;
	rig_authenticate(&p);
	says(&p, HEADER("xmlns='jabber:client' to='other' version='1.0'"));
	is_ended(&p, "policy-violation");
}

static void
test_inv_07_the_account_is_pinned(void **state)
{
	struct talker p;

	(void)state;
	rig_authenticate(&p);
	says(&p, HEADER("xmlns='jabber:client' to='h' from='bob@h' version='1.0'"));
	is_ended(&p, "invalid-from");
}

/* ---- features ---- */

static void
test_inv_08_features_in_clear(void **state)
{
	struct talker p;

	(void)state;
	rig_connect_to(&p, LISTENER_REQUIRED);
	says(&p, OPENING);
	hears(&p,
	    "<stream:features><starttls " TLS "><required/></starttls>"
	    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10240</max-bytes></limits>"
	    "</stream:features>");
	hears_nothing(&p);
	rig_hang_up(&p);
}

static void
test_inv_08_plain_is_never_offered_in_clear(void **state)
{
	struct talker p;

	(void)state;
	rig_connect(&p);
	says(&p, OPENING);
	hears(&p,
	    "<starttls " TLS "/><mechanisms " SASL "><mechanism>SCRAM-SHA-256</mechanism>"
	    "<mechanism>SCRAM-SHA-1</mechanism></mechanisms><limits");
	rig_hang_up(&p);
}

static void
test_features_of_the_authenticated(void **state)
{
	struct talker p;

	(void)state;
	rig_authenticate(&p);
	says(&p, OPENING);
	hears(&p,
	    "<stream:features><bind " BIND "/>"
	    "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session><sm xmlns='urn:xmpp:sm:3'/>"
	    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes>"
	    "<idle-seconds>300</idle-seconds></limits></stream:features>");
	rig_hang_up(&p);
}

/* XEP-0115 §5.2 has this string and its hash. */
static void
test_features_of_sessiond(void **state)
{
	struct talker p;
	struct msg_FEATURES m = {.features = S("<csi xmlns='urn:xmpp:csi:0'/>"),
	    .node = S("urn:node"),
	    .caps = S("client/pc//Exodus 0.9.1<http://jabber.org/protocol/caps<"
		      "http://jabber.org/protocol/disco#info<"
		      "http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<")};

	(void)state;
	sends(ROLE_SESSIOND, MSG_FEATURES, &m);
	sends(ROLE_SESSIOND, MSG_FEATURES, &m);
	rig_open(&p);
	rig_hang_up(&p);
	rig_authenticate(&p);
	says(&p, OPENING);
	hears(&p,
	    "</session><sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/><c xmlns='http://jabber.org/protocol/caps' "
	    "hash='sha-1' node='urn:node' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/><limits");
	rig_hang_up(&p);
}

/* ---- STARTTLS ---- */

static void
test_inv_09_nothing_stands_behind_starttls(void **state)
{
	static const char *const behind[] = {"<presence/>", "<", "x", OPENING};
	struct talker p;
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(behind); i++) {
		rig_open(&p);
		snprintf(text, sizeof(text), "<starttls " TLS "/>%s", behind[i]);
		says(&p, text);
		is_ended(&p, "policy-violation");
	}
}

static void
test_white_space_may_stand_behind_starttls(void **state)
{
	struct talker p;

	(void)state;
	rig_open(&p);
	says(&p, "<starttls " TLS "/>\n");
	hears(&p, "<proceed " TLS "/>");
	assert_int_equal(rig_client(&p)->state, CLIENT_HANDSHAKE);
	rig_hang_up(&p);
}

/* ---- limits and the end ---- */

static void
test_inv_02_limits_before_authentication(void **state)
{
	struct talker p;
	char text[12000] = "<auth xmlns='";

	(void)state;
	memset(text + strlen(text), 'x', 11000);
	rig_open(&p);
	says(&p, text);
	hears(&p, "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	hears(&p, "<stanza-too-big xmlns='urn:xmpp:errors'/></stream:error>");
	is_ended(&p, NULL);
}

static void
test_a_closed_stream_is_closed(void **state)
{
	struct talker p;

	(void)state;
	for (enum stage stage = FEATURES; stage < STAGES; stage++) {
		if (stage == SASL_WAIT || stage == BIND_WAIT)
			continue;
		assert_int_equal(rig_setup(NULL), 0);
		go_to(&p, stage);
		says(&p, "</stream:stream>");
		is_ended(&p, NULL);
		rig_teardown(NULL);
	}
}

/* INV-24: at every state the connection breaks; nothing of the client is left. */
static void
test_inv_24_a_broken_connection_leaves_nothing(void **state)
{
	struct talker p;

	(void)state;
	for (enum stage stage = FEATURES; stage < STAGES; stage++) {
		assert_int_equal(rig_setup(NULL), 0);
		go_to(&p, stage);
		/* Where an answer is awaited the end is seen when it has come. */
		client_answered(rig_client(&p));
		rig_hang_up(&p);
		assert_int_equal(rig.c2sd->n_clients, 0);
		assert_int_equal(rig.c2sd->door.n_strangers, 0);
		rig_teardown(NULL);
	}
}

static void
test_deadlines(void **state)
{
	struct talker p;

	(void)state;
	rig_open(&p);
	client_set_deadline(rig_client(&p), 1);
	c2sd_tick(rig.c2sd);
	is_ended(&p, "connection-timeout");
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_03_every_state_and_element),
	    RIG_TEST(test_headers),
	    RIG_TEST(test_our_header_names_who_has_named_himself),
	    RIG_TEST(test_stream_ids_are_new_each_time),
	    RIG_TEST(test_inv_07_the_domain_is_pinned),
	    RIG_TEST(test_inv_07_the_account_is_pinned),
	    RIG_TEST(test_inv_08_features_in_clear),
	    RIG_TEST(test_inv_08_plain_is_never_offered_in_clear),
	    RIG_TEST(test_features_of_the_authenticated),
	    RIG_TEST(test_features_of_sessiond),
	    RIG_TEST(test_inv_09_nothing_stands_behind_starttls),
	    RIG_TEST(test_white_space_may_stand_behind_starttls),
	    RIG_TEST(test_inv_02_limits_before_authentication),
	    cmocka_unit_test(test_a_closed_stream_is_closed),
	    cmocka_unit_test(test_inv_24_a_broken_connection_leaves_nothing),
	    RIG_TEST(test_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
