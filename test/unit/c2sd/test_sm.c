/* Stream management (XEP-0198) on the wire: what is counted, from when on, what is asked and what is answered. */
#include "rig.h"

#include "base/mem.h"

#define SM "urn:xmpp:sm:3"
#define ENABLE "<enable xmlns='" SM "'/>"
#define REQUEST "<r xmlns='" SM "'/>"
#define MESSAGE "<message to='bob@h'><body>hi</body></message>"

static const struct opid OP = {.origin = {{42}}, .n = 17, .kind = OP_DELIVERY};
static const struct stanza PRESENCE = {
    .kind = STANZA_PRESENCE, .type = TYPE_AVAILABLE, .from = {"bob@h/x", 7}};

static struct session *
session_of(const struct talker *p)
{
	return session_find(rig.c2sd, p->number);
}

static void
answers(const struct talker *p, const struct msg_SM_ENABLE *m)
{
	struct msg_BOUND_TO bound = {
	    .re = m->req, .conn = p->number, .session = {.jid = S("alice@h/r")}};

	bound.session.sid = m->sid;
	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
}

static void
enables(struct talker *p)
{
	struct msg_SM_ENABLE m;

	says(p, ENABLE);
	takes(MSG_SM_ENABLE, &m);
	assert_int_equal(m.conn, p->number);
	answers(p, &m);
	hears(p, "<enabled xmlns='" SM "'/>");
}

/* The number of the last frame of level 1 that c2sd has sent. */
static uint64_t
sends_message(struct talker *p)
{
	struct msg_STANZA m;

	says(p, MESSAGE);
	takes(MSG_STANZA, &m);
	return m.n;
}

static void
turn(void)
{
	rig_turn();
	c2sd_turn(rig.c2sd);
	rig_turn();
}

static void
drains(void)
{
	while (bus_rig_next(&rig.bus))
		;
}

/* ---- beginning ---- */

static void
test_offered_behind_authentication(void **state)
{
	struct talker p;

	(void)state;
	rig_authenticate(&p);
	says(&p, OPENING);
	hears(&p, "<sm xmlns='" SM "'/>");
	rig_hang_up(&p);
}

static void
test_not_before_binding(void **state)
{
	struct talker p;

	(void)state;
	rig_bindable(&p);
	says(&p, ENABLE);
	hears(&p,
	    "<failed xmlns='" SM
	    "'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
	says(&p, "<resume xmlns='" SM "' h='0' previd='x'/>");
	hears(&p, "<failed xmlns='" SM "'><item-not-found ");
	rig_hang_up(&p);
}

static void
test_not_twice(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	enables(&p);
	says(&p, ENABLE);
	hears(&p, "<unexpected-request ");
	is_ended(&p, "policy-violation");
}

static void
test_sessiond_refuses(void **state)
{
	struct talker p;
	struct msg_SM_ENABLE m;
	struct msg_FAILED failed = {.error = BUS_ERROR_NOT_FOUND};

	(void)state;
	rig_session(&p);
	says(&p, ENABLE);
	takes(MSG_SM_ENABLE, &m);
	failed.re = m.req;
	sends(ROLE_SESSIOND, MSG_FAILED, &failed);
	hears(&p, "<failed xmlns='" SM "'>");
	assert_false(sm_counts(session_of(&p)));
	rig_hang_up(&p);
}

static void
test_gone_before_the_answer(void **state)
{
	struct talker p;
	struct msg_SM_ENABLE m;

	(void)state;
	rig_session(&p);
	says(&p, ENABLE);
	takes(MSG_SM_ENABLE, &m);
	rig_hang_up(&p);
	rig_turn();
	answers(&p, &m);
}

static void
test_without_it_there_is_nothing_to_count(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	says(&p, REQUEST);
	hears(&p, "<unexpected-request ");
	says(&p, "<a xmlns='" SM "' h='0'/>");
	hears(&p, "<unexpected-request ");
	rig_hang_up(&p);
}

/* ---- h to the client ---- */

static void
test_h_is_what_is_in_custody(void **state)
{
	struct talker p;
	uint64_t n;

	(void)state;
	rig_session(&p);
	sends_message(&p); /* before it: not counted */
	enables(&p);
	sends_message(&p);
	n = sends_message(&p);
	assert_int_equal(n, 3);
	says(&p, REQUEST);
	hears(&p, "<a xmlns='" SM "' h='0'/>");
	turn();
	hears_nothing(&p);
	session_of(&p)->done = 2;
	sm_done(session_of(&p));
	turn();
	hears(&p, "<a xmlns='" SM "' h='1'/>");
	session_of(&p)->done = 3;
	sm_done(session_of(&p));
	turn();
	hears(&p, "<a xmlns='" SM "' h='2'/>");
	/* All that it had asked for: not without being asked. */
	sends_message(&p);
	session_of(&p)->done = 4;
	sm_done(session_of(&p));
	turn();
	hears_nothing(&p);
	says(&p, REQUEST);
	hears(&p, "<a xmlns='" SM "' h='3'/>");
	drains();
	rig_hang_up(&p);
}

static void
test_custody_is_sessionds(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	enables(&p);
	sends_message(&p);
	says(&p, REQUEST);
	hears(&p, "<a xmlns='" SM "' h='0'/>");
	acknowledges(100);
	turn();
	hears(&p, "<a xmlns='" SM "' h='1'/>");
	rig_hang_up(&p);
}

static void
test_asked_before_it_is_on(void **state)
{
	struct talker p;
	struct msg_SM_ENABLE m;

	(void)state;
	rig_session(&p);
	says(&p, ENABLE REQUEST);
	takes(MSG_SM_ENABLE, &m);
	hears_nothing(&p);
	answers(&p, &m);
	hears(&p, "<enabled xmlns='" SM "'/><a xmlns='" SM "' h='0'/>");
	rig_hang_up(&p);
}

static void
test_h_wraps(void **state)
{
	struct talker p;
	struct session *s;

	(void)state;
	rig_session(&p);
	enables(&p);
	s = session_of(&p);
	s->n = s->done = s->sm_stream.in_base + UINT32_MAX + UINT64_C(3);
	says(&p, REQUEST);
	hears(&p, "<a xmlns='" SM "' h='2'/>");
	rig_hang_up(&p);
}

/* ---- h from the client ---- */

static void
told_acked(uint64_t k)
{
	struct msg_CLIENT_ACK m;

	takes(MSG_CLIENT_ACK, &m);
	assert_int_equal(m.acked, k);
}

static void
test_acknowledged(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	delivers(&p, 1, &PRESENCE, &OP); /* before it: not counted */
	enables(&p);
	delivers(&p, 2, &PRESENCE, &OP);
	delivers(&p, 3, &PRESENCE, &OP);
	reads(&p);
	drains();
	says(&p, "<a xmlns='" SM "' h='1'/>");
	told_acked(2);
	says(&p, "<a xmlns='" SM "' h='1'/>");
	takes_nothing();
	says(&p, "<a xmlns='" SM "' h='2'/>");
	told_acked(3);
	rig_hang_up(&p);
}

static void
test_inv_25_too_high(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	enables(&p);
	delivers(&p, 1, &PRESENCE, &OP);
	reads(&p);
	says(&p, "<a xmlns='" SM "' h='2'/>");
	hears(&p,
	    "<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
	    "<handled-count-too-high xmlns='" SM "' h='2' send-count='1'/></stream:error>");
	is_ended(&p, NULL);
}

static void
test_inv_25_never_back(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	enables(&p);
	delivers(&p, 1, &PRESENCE, &OP);
	delivers(&p, 2, &PRESENCE, &OP);
	reads(&p);
	says(&p, "<a xmlns='" SM "' h='2'/>");
	says(&p, "<a xmlns='" SM "' h='1'/>");
	hears(&p, "<handled-count-too-high ");
	is_ended(&p, NULL);
}

static void
test_inv_25_h_from_the_client_wraps(void **state)
{
	struct talker p;
	struct session *s;
	uint64_t before;

	(void)state;
	rig_session(&p);
	enables(&p);
	s = session_of(&p);
	before = s->sm_stream.out_base + UINT32_MAX;
	s->k = s->acked = s->written = s->report.told = s->sm_stream.asked_k = before;
	delivers(&p, before + 1, &PRESENCE, &OP);
	delivers(&p, before + 2, &PRESENCE, &OP);
	reads(&p);
	drains();
	says(&p, "<a xmlns='" SM "' h='1'/>");
	told_acked(before + 2);
	rig_hang_up(&p);
}

static void
test_h_is_a_number(void **state)
{
	static const char *const BAD[] = {"<a xmlns='" SM "'/>", "<a xmlns='" SM "' h='-1'/>",
	    "<a xmlns='" SM "' h='4294967296'/>", "<a xmlns='" SM "' h='1x'/>"};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct talker p;

		rig_session(&p);
		enables(&p);
		says(&p, BAD[i]);
		is_ended(&p, "policy-violation");
		drains();
	}
}

/* ---- asking ---- */

static void
test_asks_after_some_stanzas(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	enables(&p);
	for (uint64_t k = 1; k < SM_ASK_STANZAS; k++)
		delivers(&p, k, &PRESENCE, &OP);
	reads(&p);
	delivers(&p, SM_ASK_STANZAS, &PRESENCE, &OP);
	hears(&p, "/>" REQUEST);
	/* Not again before it has answered. */
	for (uint64_t k = 1; k <= SM_ASK_STANZAS; k++)
		delivers(&p, SM_ASK_STANZAS + k, &PRESENCE, &OP);
	assert_null(strstr(p.text, "<r "));
	reads(&p);
	says(&p, "<a xmlns='" SM "' h='20'/>");
	hears(&p, REQUEST);
	rig_hang_up(&p);
}

static void
test_asks_after_some_time(void **state)
{
	struct talker p;
	struct session *s;

	(void)state;
	rig_session(&p);
	enables(&p);
	s = session_of(&p);
	sm_tick(rig.c2sd, c2sd_now_ms(rig.c2sd) + 2 * SM_ASK_MS);
	turn();
	hears_nothing(&p);
	delivers(&p, 1, &PRESENCE, &OP);
	reads(&p);
	sm_tick(rig.c2sd, s->sm_stream.open_ms + SM_ASK_MS - 1);
	turn();
	hears_nothing(&p);
	sm_tick(rig.c2sd, s->sm_stream.open_ms + SM_ASK_MS);
	turn();
	hears(&p, REQUEST);
	says(&p, "<a xmlns='" SM "' h='1'/>");
	assert_true(list_empty(&s->sm_stream.open));
	rig_hang_up(&p);
}

static void
test_who_does_not_answer_is_gone(void **state)
{
	struct talker p;
	struct session *s;

	(void)state;
	rig_session(&p);
	enables(&p);
	s = session_of(&p);
	sm_ask(s);
	turn();
	hears(&p, REQUEST);
	sm_tick(rig.c2sd, s->sm_stream.asked_ms + SM_ANSWER_MS);
	turn();
	is_ended(&p, "connection-timeout");
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_offered_behind_authentication),
	    T(test_not_before_binding),
	    T(test_not_twice),
	    T(test_sessiond_refuses),
	    T(test_gone_before_the_answer),
	    T(test_without_it_there_is_nothing_to_count),
	    T(test_h_is_what_is_in_custody),
	    T(test_custody_is_sessionds),
	    T(test_asked_before_it_is_on),
	    T(test_h_wraps),
	    T(test_acknowledged),
	    T(test_inv_25_too_high),
	    T(test_inv_25_never_back),
	    T(test_inv_25_h_from_the_client_wraps),
	    T(test_h_is_a_number),
	    T(test_asks_after_some_stanzas),
	    T(test_asks_after_some_time),
	    T(test_who_does_not_answer_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
