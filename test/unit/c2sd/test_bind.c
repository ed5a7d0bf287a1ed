/* Binding: the request and its answers, what waits behind it, and a session that nobody wants any more. */
#include "rig.h"

#define BIND "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
#define ASK "<iq type='set' id='b'>" BIND "</iq>"

static struct msg_BOUND_TO
bound_to(const struct talker *p, const struct msg_BIND *m)
{
	return (struct msg_BOUND_TO){.re = m->req,
	    .conn = p->number,
	    .session = {.sid = {{9}}, .jid = S("alice@h/r"), .epoch = 4}};
}

static void
asks(struct talker *p, struct msg_BIND *m)
{
	rig_bindable(p);
	says(p, ASK);
	takes(MSG_BIND, m);
}

static void
test_the_request(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct msg_BOUND_TO bound;

	(void)state;
	rig_authenticate(&p);
	says(&p,
	    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	    "to='h' version='1.0' xml:lang='de'>");
	says(&p,
	    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>\u212bBC</resource></bind></iq>");
	takes(MSG_BIND, &m);
	assert_int_equal(m.conn, p.number);
	assert_int_equal(m.ticket.b[0], 7);
	assert_true(str_is(m.jid, "alice@h"));
	assert_true(str_is(m.resource, "\u00c5BC"));
	assert_true(str_is(m.lang, "de"));
	assert_true(str_is(m.source, "192.0.2.1"));
	bound = bound_to(&p, &m);
	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
	hears(&p,
	    "<iq id='b' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<jid>alice@h/r</jid></bind></iq>");
	rig_hang_up(&p);
}

static void
test_what_is_refused_here(void **state)
{
	static const char *const bad[] = {
	    "<iq type='set'>" BIND "</iq>",
	    "<iq type='set' id='1'>" BIND "<x xmlns='urn:x'/></iq>",
	    ("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	     "<resource>\t</resource></bind></iq>"),
	};
	struct talker p;

	(void)state;
	rig_bindable(&p);
	for (size_t i = 0; i < COUNT(bad); i++) {
		says(&p, bad[i]);
		hears(&p, " type='error'><error type='modify'><bad-request");
		hears(&p, "</iq>");
	}
	takes_nothing();
	says(&p, "<iq type='get' id='1'>" BIND "</iq>");
	is_ended(&p, "not-authorized");
}

static void
test_errors(void **state)
{
	static const struct {
		enum bus_error error;
		const char *condition;
	} table[] = {
	    {BUS_ERROR_CONFLICT, "<conflict "},
	    {BUS_ERROR_LIMIT, "<resource-constraint "},
	    {BUS_ERROR_UNAVAILABLE, "<resource-constraint "},
	    {BUS_ERROR_FORBIDDEN, "<not-allowed "},
	    {BUS_ERROR_INTERNAL, "<internal-server-error "},
	};
	struct talker p;
	struct msg_BIND m;

	(void)state;
	rig_bindable(&p);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct msg_FAILED failed = {.error = (uint8_t)table[i].error};

		says(&p, ASK);
		takes(MSG_BIND, &m);
		failed.re = m.req;
		sends(ROLE_SESSIOND, MSG_FAILED, &failed);
		hears(&p, "<iq id='b' type='error'>");
		hears(&p, table[i].condition);
		hears(&p, "</iq>");
		assert_int_equal(rig_client(&p)->state, CLIENT_BIND);
	}
	rig_hang_up(&p);
}

static void
test_sessiond_is_not_there(void **state)
{
	struct talker p;

	(void)state;
	rig_bindable(&p);
	bus_rig_down(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC);
	bus_rig_pass(&rig.bus, 10000);
	says(&p, ASK);
	hears(&p, "<error type='wait'><resource-constraint ");
	rig_hang_up(&p);
}

/* The request goes to the successor; its answer counts. */
static void
test_sessiond_dies(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct msg_REG_END end;
	struct frame f = {.type = MSG_BOUND_TO,
	    .src = frame_endpoint(ROLE_SESSIOND, 0),
	    .src_inc = SESSIOND_INC + 1,
	    .dst_inc = RIG_INC,
	    .seq = 1};
	struct msg_BOUND_TO bound;

	(void)state;
	asks(&p, &m);
	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC + 1);
	takes(MSG_REG_END, &end);
	takes(MSG_BIND, &m);
	bound = bound_to(&p, &m);
	f.dst = rig.bus.bus->number;
	bus_rig_frame(&rig.bus, &f, &bound);
	hears(&p, "<jid>alice@h/r</jid>");
	rig_hang_up(&p);
}

/* Whoever hangs up while sessiond makes the session must not leave it behind there. */
static void
test_a_session_for_nobody_is_closed(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct msg_BOUND_TO bound;
	struct msg_CLOSED closed;

	(void)state;
	asks(&p, &m);
	bound = bound_to(&p, &m);
	client_lost(rig_client(&p), "test");
	rig_hang_up(&p);
	assert_int_equal(rig.c2sd->n_clients, 0);
	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
	takes(MSG_CLOSED, &closed);
	assert_int_equal(closed.conn, p.number);
	assert_int_equal(closed.sid.b[0], 9);
	assert_int_equal(closed.epoch, 4);
	assert_false(closed.clean);
	assert_non_null(rig.c2sd->sessions);
	acknowledges(3);
	assert_null(rig.c2sd->sessions);
}

static void
test_a_refusal_for_nobody_is_nothing(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct msg_FAILED failed = {.error = BUS_ERROR_CONFLICT};

	(void)state;
	asks(&p, &m);
	failed.re = m.req;
	client_lost(rig_client(&p), "test");
	rig_hang_up(&p);
	sends(ROLE_SESSIOND, MSG_FAILED, &failed);
	takes_nothing();
}

static void
test_what_comes_behind_waits_in_order(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct msg_BOUND_TO bound;
	struct msg_STANZA stanza;

	(void)state;
	rig_bindable(&p);
	says(&p,
	    ASK "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq><presence/>"
		"<message id='2' to='bob@h'><body>x</body></message>");
	takes(MSG_BIND, &m);
	takes_nothing();
	bound = bound_to(&p, &m);
	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
	hears(&p, "<jid>");
	takes(MSG_STANZA, &stanza);
	assert_int_equal(stanza.n, 1);
	assert_int_equal(stanza.st.kind, STANZA_IQ);
	assert_true(str_is(stanza.st.payload, "<query xmlns='jabber:iq:roster'/>"));
	takes(MSG_STANZA, &stanza);
	assert_int_equal(stanza.st.kind, STANZA_PRESENCE);
	takes(MSG_STANZA, &stanza);
	assert_int_equal(stanza.n, 3);
	assert_true(str_is(stanza.st.to, "bob@h"));
	assert_true(str_is(stanza.st.payload, "<body>x</body>"));
	rig_hang_up(&p);
}

/* The wait is bounded: what does not fit is the client's fault. */
static void
test_inv_23_too_much_waits(void **state)
{
	struct talker p;
	struct msg_BIND m;
	struct buf text = {.data = NULL};

	(void)state;
	rig_bindable(&p);
	buf_add_z(&text, ASK);
	for (size_t n = 0; n < WAITING_BYTES; n += strlen("<presence/>"))
		buf_add_z(&text, "<presence/>");
	buf_add_c(&text, '\0');
	says(&p, buf_str(&text).p);
	takes(MSG_BIND, &m);
	is_ended(&p, "policy-violation");
	buf_deinit(&text);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_the_request),
	    RIG_TEST(test_what_is_refused_here),
	    RIG_TEST(test_errors),
	    RIG_TEST(test_sessiond_is_not_there),
	    RIG_TEST(test_sessiond_dies),
	    RIG_TEST(test_a_session_for_nobody_is_closed),
	    RIG_TEST(test_a_refusal_for_nobody_is_nothing),
	    RIG_TEST(test_what_comes_behind_waits_in_order),
	    RIG_TEST(test_inv_23_too_much_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
