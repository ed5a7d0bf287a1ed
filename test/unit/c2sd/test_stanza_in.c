/* Elements become envelopes: what is taken as it is, what is marked to be refused, what ends the stream. */
#include "links.h"
#include "rig.h"
#include "xml/writer.h"

static void
test_a_message(void **state)
{
	struct talker p;
	struct msg_STANZA m;
	struct opid op;

	(void)state;
	rig_session(&p);
	says(&p,
	    "<message to='Bob@h/Desk' type='chat' id='1' xml:lang='de'><body>a&amp;b</body>"
	    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>");
	takes(MSG_STANZA, &m);
	op = got_op();
	assert_int_equal(m.conn, p.number);
	assert_memory_equal(op.origin.b, m.sid.b, ID_BYTES);
	assert_int_equal(op.n, 1);
	assert_int_equal(op.kind, OP_STANZA);
	assert_int_equal(m.refuse, SE_NONE);
	assert_int_equal(m.st.kind, STANZA_MESSAGE);
	assert_int_equal(m.st.type, TYPE_CHAT);
	assert_true(m.st.facts & FACT_BODY && m.st.facts & FACT_CHAT_STATE);
	assert_true(str_empty(m.st.from));
	assert_true(str_is(m.st.to, "bob@h/Desk"));
	assert_true(str_is(m.st.id, "1"));
	assert_true(str_is(m.st.lang, "de"));
	assert_true(str_is(m.st.payload,
	    "<body>a&amp;b</body><active xmlns='http://jabber.org/protocol/chatstates'/>"));
	rig_hang_up(&p);
}

static void
test_stanzas_are_numbered(void **state)
{
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	says(&p, "<presence><priority>-7</priority></presence><message/><iq type='get' id='x'/>");
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.st.type, TYPE_AVAILABLE);
	assert_int_equal(m.st.priority, -7);
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 2);
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 3);
	assert_int_equal(m.refuse, SE_BAD_REQUEST);
	rig_hang_up(&p);
}

/* RFC 6120 §8.1.5 */
static void
test_the_streams_language_holds_for_its_stanzas(void **state)
{
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	rig_client(&p)->lang = str_dup(S("fr"));
	says(&p, "<message/><message xml:lang='en'/>");
	takes(MSG_STANZA, &m);
	assert_true(str_is(m.st.lang, "fr"));
	takes(MSG_STANZA, &m);
	assert_true(str_is(m.st.lang, "en"));
	rig_hang_up(&p);
}

static void
test_what_is_refused(void **state)
{
	static const struct {
		const char *stanza;
		enum stanza_error error;
	} table[] = {
	    {"<message to='@h'/>", SE_JID_MALFORMED},
	    {"<iq type='get' id='1' to='a b'><x xmlns='x:x'/></iq>", SE_JID_MALFORMED},
	    {"<message type='nonsense'/>", SE_NONE},
	    {"<presence type='nonsense'/>", SE_BAD_REQUEST},
	    {"<iq type='nonsense' id='1'><x xmlns='x:x'/></iq>", SE_BAD_REQUEST},
	    {"<iq id='1'><x xmlns='x:x'/></iq>", SE_BAD_REQUEST},
	    {"<iq type='get'><x xmlns='x:x'/></iq>", SE_BAD_REQUEST},
	    {"<iq type='get' id=''><x xmlns='x:x'/></iq>", SE_BAD_REQUEST},
	    {"<iq type='get' id='1'><x xmlns='x:x'/></iq>", SE_NONE},
	    {"<iq type='get' id='1'/>", SE_BAD_REQUEST},
	    {"<iq type='set' id='1'><x xmlns='x:x'/><y xmlns='x:y'/></iq>", SE_BAD_REQUEST},
	    {"<iq type='result' id='1'/>", SE_NONE},
	    {"<iq type='result' id='1'><x xmlns='x:x'/></iq>", SE_NONE},
	    {"<iq type='result' id='1'><x xmlns='x:x'/><y xmlns='x:y'/></iq>", SE_BAD_REQUEST},
	    {"<iq type='error' id='1'><x xmlns='x:x'/><error type='wait'/></iq>", SE_NONE},
	    {"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
		SE_NOT_ALLOWED},
	    {"<iq type='set' id='1' to='x'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
		SE_NONE},
	};
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].stanza);
		says(&p, table[i].stanza);
		takes(MSG_STANZA, &m);
		assert_int_equal(m.refuse, table[i].error);
		assert_int_equal(m.n, i + 1);
	}
	hears_nothing(&p);
	rig_hang_up(&p);
}

/* The sender is never what the client says (C-4); what is not its own is an error (RFC 6120 §4.9.3.9). */
static void
test_from(void **state)
{
	static const char *const own[] = {"<message from='alice@h/r'/>",
	    "<message from='alice@h'/>", "<message from='ALICE@h/r'/>"};
	static const char *const foreign[] = {"<message from='bob@h'/>",
	    "<message from='alice@h/other'/>", "<message from='h'/>", "<message from='@'/>",
	    "<presence from='alice@other/r'/>"};
	struct talker p;
	struct msg_STANZA m;
	struct msg_CLOSED closed;

	(void)state;
	rig_session(&p);
	for (size_t i = 0; i < COUNT(own); i++) {
		says(&p, own[i]);
		takes(MSG_STANZA, &m);
		assert_true(str_empty(m.st.from));
	}
	rig_hang_up(&p);
	takes(MSG_CLOSED, &closed);
	for (size_t i = 0; i < COUNT(foreign); i++) {
		rig_session(&p);
		says(&p, foreign[i]);
		takes(MSG_CLOSED, &closed);
		is_ended(&p, "invalid-from");
		takes_nothing();
	}
}

static void
test_ids_and_languages_are_bounded(void **state)
{
	struct talker p;
	char text[1200] = "<message id='";

	(void)state;
	memset(text + strlen(text), 'x', 1024);
	memcpy(text + strlen(text), "'/>", 4);
	rig_session(&p);
	says(&p, text);
	is_ended(&p, "policy-violation");
}

/* XEP-0352 */
static void
test_csi(void **state)
{
	struct talker p;
	struct msg_CSI m;
	struct msg_STANZA stanza;

	(void)state;
	rig_session(&p);
	says(&p, "<inactive xmlns='urn:xmpp:csi:0'/><presence/><active xmlns='urn:xmpp:csi:0'/>");
	takes(MSG_CSI, &m);
	assert_int_equal(m.conn, p.number);
	assert_false(m.active);
	takes(MSG_STANZA, &stanza);
	assert_int_equal(stanza.n, 1);
	takes(MSG_CSI, &m);
	assert_true(m.active);
	rig_hang_up(&p);
}

/* RFC 6120 §4.6: its answer goes to nobody, and takes no number. */
static void
test_a_silent_client_is_asked(void **state)
{
	struct talker p;
	struct client *c;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	c = rig_client(&p);
	rig.settings.idle_seconds = 0;
	c->look_ms = 0;
	c2sd_tick(rig.c2sd);
	hears(&p,
	    "<iq from='h' to='alice@h/r' id='alive' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
	c->look_ms = 0;
	c2sd_tick(rig.c2sd);
	hears_nothing(&p);
	says(&p, "<iq type='result' id='alive' to='bob@h'/>");
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 1);
	says(&p, "<iq type='error' id='alive' to='h'><error type='cancel'/></iq>");
	takes_nothing();
	says(&p, "<iq type='result' id='alive' to='h'/>");
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 2);
	rig_hang_up(&p);
}

static void
test_a_client_that_stays_silent_is_dead(void **state)
{
	struct talker p;
	struct msg_CLOSED closed;

	(void)state;
	rig_session(&p);
	rig.settings.dead_seconds = 0;
	c2sd_tick(rig.c2sd);
	takes(MSG_CLOSED, &closed);
	assert_false(closed.clean);
	is_ended(&p, "connection-timeout");
}

/* INV-23: no credit, no reading, also of somebody whose stanza is half there; with credit it goes on where it was. */
static void
test_inv_23_without_credit_nothing_is_read(void **state)
{
	static char big[200000];
	struct talker p;
	struct msg_STANZA m;
	struct talker q;
	unsigned n = 0;

	(void)state;
	rig_session(&p);
	rig_session(&q);
	says(&q, "<message id='q'><body>");
	memset(big, 'x', sizeof(big) - 1);
	while (bus_has_credit(rig.bus.bus, ROLE_SESSIOND)) {
		struct msg_STANZA filler = {.st = {.payload = str_z(big)}};
		struct endpoint to = {.role = ROLE_SESSIOND};

		bus_send(rig.bus.bus, &to, MSG_STANZA, &filler, NULL, NULL, 0);
		takes(MSG_STANZA, &m);
		n++;
	}
	says(&p, "<presence/>");
	takes_nothing();
	says(&q, "</body></message>");
	takes_nothing();
	acknowledges(2 + n);
	takes(MSG_STANZA, &m);
	assert_int_equal(m.st.kind, STANZA_PRESENCE);
	assert_int_equal(m.n, 1);
	takes(MSG_STANZA, &m);
	assert_true(str_is(m.st.id, "q"));
	rig_hang_up(&p);
	rig_hang_up(&q);
}

static void
test_a_fast_sender_is_read_more_slowly(void **state)
{
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	rig.settings.rate.bytes_per_second = 1;
	rig.settings.rate.burst_bytes = 15;
	says(&p, "<message/>");
	takes(MSG_STANZA, &m);
	says(&p, "<message/>");
	takes(MSG_STANZA, &m);
	says(&p, "<message/>");
	takes_nothing();
	shaper_turn(&rig.c2sd->shaper);
	takes_nothing();
	/* its time has come */
	wheel_put(&rig.c2sd->shaper.waiting, &rig_client(&p)->shaped.node, 0);
	shaper_turn(&rig.c2sd->shaper);
	rig_turn();
	takes(MSG_STANZA, &m);
	assert_int_equal(m.n, 3);
	rig_hang_up(&p);
}

/* N-62 */
static void
test_an_administrator_is_read_as_fast_as_it_sends(void **state)
{
	static const char *const admins[] = {"alice@h"};
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig.daemon.suite.admins = admins;
	rig.daemon.suite.n_admins = 1;
	rig_session(&p);
	rig.settings.rate.bytes_per_second = 1;
	rig.settings.rate.burst_bytes = 15;
	for (int i = 0; i < 4; i++) {
		says(&p, "<message/>");
		takes(MSG_STANZA, &m);
	}
	rig_hang_up(&p);
}

/* What sessiond dies of is refused in its place, with its number; if it dies of that too, the stream ends. */
static void
test_11_poison_is_refused_in_its_place(void **state)
{
	struct talker p;
	struct msg_STANZA m, again;
	struct opid op;

	(void)state;
	rig_session(&p);
	says(&p, "<message to='bob@h' id='m'><body>poison</body></message>");
	takes(MSG_STANZA, &m);
	op = got_op();
	c2sd_events.failed(rig.c2sd, bus_message(MSG_STANZA), &m, &op, NULL, BUS_POISON);
	takes(MSG_STANZA, &again);
	assert_int_equal(again.n, 1);
	assert_int_equal(got_op().n, op.n);
	assert_int_equal(again.refuse, SE_INTERNAL_SERVER_ERROR);
	assert_true(str_is(again.st.id, "m") && str_is(again.st.to, "bob@h"));
	assert_true(str_empty(again.st.payload) && again.st.facts == 0);
	c2sd_events.failed(rig.c2sd, bus_message(MSG_STANZA), &again, &op, NULL, BUS_POISON);
	is_ended(&p, "internal-server-error");
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_a_message),
	    RIG_TEST(test_stanzas_are_numbered),
	    RIG_TEST(test_the_streams_language_holds_for_its_stanzas),
	    RIG_TEST(test_what_is_refused),
	    RIG_TEST(test_from),
	    RIG_TEST(test_ids_and_languages_are_bounded),
	    RIG_TEST(test_csi),
	    RIG_TEST(test_a_silent_client_is_asked),
	    RIG_TEST(test_a_client_that_stays_silent_is_dead),
	    RIG_TEST(test_inv_23_without_credit_nothing_is_read),
	    RIG_TEST(test_a_fast_sender_is_read_more_slowly),
	    RIG_TEST(test_an_administrator_is_read_as_fast_as_it_sends),
	    RIG_TEST(test_11_poison_is_refused_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
