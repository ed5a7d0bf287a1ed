/* The copy of a session: deliveries by number, what is reported as written, its end on either side, and what a new sessiond is told. */
#include <unistd.h>

#include "rig.h"
#include "xml/writer.h"

static const struct opid OP = {.origin = {{42}}, .n = 17, .kind = OP_DELIVERY};

static struct stanza
message(const char *to)
{
	return (struct stanza){.kind = STANZA_MESSAGE,
	    .type = TYPE_CHAT,
	    .from = S("bob@h/x"),
	    .to = str_z(to),
	    .payload = S("<body>hi</body>")};
}

static struct session *
session_of(const struct talker *p)
{
	return session_find(rig.c2sd, p->number);
}

static void
told_written(const struct talker *p, uint64_t k)
{
	struct msg_WRITTEN m;
	struct rec_target t;

	report_now(session_of(p));
	takes(MSG_WRITTEN, &m);
	assert_true(bus_list_next(&m.targets, &bus_record_target, &t));
	assert_int_equal(t.conn, p->number);
	assert_int_equal(t.k, k);
}

/* What the reader kept while it negotiated is given back, though the client may say nothing for hours. */
static void
test_a_session_that_is_silent_holds_no_context(void **state)
{
	struct talker p;

	(void)state;
	rig_session(&p);
	assert_true(xml_reader_is_at_rest(rig_client(&p)->reader));
	rig_hang_up(&p);
}

/* ---- deliveries ---- */

static void
test_deliveries(void **state)
{
	struct talker p;
	struct stanza st = message("alice@h/r");

	(void)state;
	rig_session(&p);
	delivers(&p, 1, &st, &OP);
	hears(&p, "<message from='bob@h/x' to='alice@h/r' type='chat'><body>hi</body></message>");
	delivers(&p, 2, &st, &OP);
	hears(&p, "</message>");
	told_written(&p, 2);
	rig_hang_up(&p);
}

/* What several sockets have taken is one frame to sessiond. */
static void
test_reports_go_together(void **state)
{
	struct talker one, two;
	struct stanza st = message("alice@h/r");
	struct msg_WRITTEN m;
	struct rec_target t;

	(void)state;
	rig_session(&one);
	rig_session(&two);
	delivers(&one, 1, &st, &OP);
	delivers(&two, 1, &st, &OP);
	delivers(&two, 2, &st, &OP);
	hears(&one, "</message>");
	hears(&two, "</message><message");
	takes_nothing();
	usleep(2 * REPORT_MS * 1000);
	rig_turn();
	takes(MSG_WRITTEN, &m);
	assert_int_equal(m.targets.count, 2);
	assert_true(bus_list_next(&m.targets, &bus_record_target, &t));
	assert_true(t.conn == one.number && t.k == 1);
	assert_true(bus_list_next(&m.targets, &bus_record_target, &t));
	assert_true(t.conn == two.number && t.k == 2);
	takes_nothing();
	rig_hang_up(&one);
	rig_hang_up(&two);
}

/* Fan-out: to many at once, each under its own name. */
static void
test_an_empty_to_is_the_bare_jid(void **state)
{
	struct talker one, two;
	struct stanza st = message("");
	struct rec_target targets[] = {{.k = 1}, {.k = 1}, {.conn = 999, .k = 5}};
	struct msg_DELIVER m = {.targets = {.items = targets, .count = 3}, .st = st};

	(void)state;
	rig_session(&one);
	rig_session(&two);
	targets[0].conn = two.number;
	targets[1].conn = one.number;
	sends(ROLE_SESSIOND, MSG_DELIVER, &m);
	hears(&one, " to='alice@h' ");
	hears(&two, " to='alice@h' ");
	rig_hang_up(&one);
	rig_hang_up(&two);
}

static void
test_a_gap_ends_the_stream_only(void **state)
{
	struct talker p, other;
	struct stanza st = message("");
	struct msg_CLOSED closed;

	(void)state;
	rig_session(&p);
	rig_session(&other);
	log_set_level(LOG_ERROR + 1);
	delivers(&p, 2, &st, &OP);
	takes(MSG_CLOSED, &closed);
	is_ended(&p, "internal-server-error");
	delivers(&other, 1, &st, &OP);
	hears(&other, "</message>");
	rig_hang_up(&other);
}

/* Only what the kernel has counts as written. */
static void
test_what_is_not_flushed_is_not_reported(void **state)
{
	static char big[100000];
	struct talker p;
	struct stanza st = message("");
	struct session *s;

	(void)state;
	rig_session(&p);
	s = session_of(&p);
	memset(big, 'x', sizeof(big) - 1);
	st.payload = str_z(big);
	for (uint64_t k = 1; k <= 10; k++)
		delivers(&p, k, &st, &OP);
	assert_true(s->written < 10);
	while (bus_rig_next(&rig.bus))
		;
	report_now(s);
	takes_nothing();
	while (s->written < 10)
		reads(&p);
	report_now(s);
	assert_int_equal(s->report.told, 10);
	rig_hang_up(&p);
}

static void
test_inv_23_a_client_that_does_not_read(void **state)
{
	static char big[100000];
	struct talker p;
	struct stanza st = message("");
	struct msg_CLOSED closed;
	uint64_t k = 0;

	(void)state;
	rig_session(&p);
	memset(big, 'x', sizeof(big) - 1);
	st.payload = str_z(big);
	while (rig_client(&p)->state == CLIENT_SESSION) {
		delivers(&p, ++k, &st, &OP);
		assert_true(k < 100);
	}
	while (bus_rig_next(&rig.bus)->type != MSG_CLOSED)
		;
	bus_rig_decode(&rig.bus, &closed);
	assert_false(closed.clean);
	rig_hang_up(&p);
}

static void
test_inv_23_a_socket_that_takes_nothing(void **state)
{
	static char big[300000];
	struct talker p;
	struct stanza st = message("");
	struct client *c;

	(void)state;
	rig_session(&p);
	c = rig_client(&p);
	memset(big, 'x', sizeof(big) - 1);
	st.payload = str_z(big);
	for (uint64_t k = 1; k <= 3; k++)
		delivers(&p, k, &st, &OP);
	assert_false(wire_queued(&c->wire) == 0);
	c2sd_tick(rig.c2sd);
	assert_int_equal(c->state, CLIENT_SESSION);
	c->wire.out_taken_ms = 0;
	rig.settings.door.stall_seconds = 0;
	c2sd_tick(rig.c2sd);
	assert_int_equal(c->state, CLIENT_CLOSING);
	rig_hang_up(&p);
}

/* ---- the end ---- */

static void
test_the_client_closes_its_stream(void **state)
{
	struct talker p;
	struct msg_CLOSED m;

	(void)state;
	rig_session(&p);
	says(&p, "</stream:stream>");
	takes(MSG_CLOSED, &m);
	assert_int_equal(m.conn, p.number);
	assert_int_equal(m.epoch, 1);
	assert_true(m.clean);
	is_ended(&p, NULL);
}

/* The copy is one of two holders until sessiond says that it has let go (BUS.md §8). */
static void
test_the_copy_stays_until_closed_is_acknowledged(void **state)
{
	struct talker p;
	struct msg_CLOSED m;
	struct msg_STANZA stanza;

	(void)state;
	rig_session(&p); /* frames 1 and 2: REG_END, BIND */
	says(&p, "<message/>");
	takes(MSG_STANZA, &stanza);
	rig_hang_up(&p);
	takes(MSG_CLOSED, &m);
	assert_false(m.clean);
	assert_int_equal(rig.c2sd->n_clients, 0);
	acknowledges(3);
	assert_non_null(session_of(&p));
	assert_int_equal(session_of(&p)->done, 1);
	acknowledges(4);
	assert_null(session_of(&p));
}

/* A delivery that crosses with CLOSED is in the copy that a new sessiond would be told (BUS.md §5, §8). */
static void
test_deliveries_to_the_closed_are_taken(void **state)
{
	struct talker p;
	struct stanza st = message("");

	(void)state;
	rig_session(&p);
	rig_hang_up(&p);
	delivers(&p, 1, &st, &OP);
	assert_int_equal(session_of(&p)->k, 1);
	delivers(&p, 3, &st, &OP);
	assert_int_equal(session_of(&p)->k, 1);
}

static void
test_release(void **state)
{
	struct talker p;
	struct msg_RELEASE m = {.error = STREAM_CONFLICT, .text = S("taken")};
	struct msg_STANZA stanza;

	(void)state;
	rig_session(&p);
	says(&p, "<message/>");
	takes(MSG_STANZA, &stanza);
	m.conn = p.number;
	sends(ROLE_SESSIOND, MSG_RELEASE, &m);
	assert_null(session_of(&p));
	hears(&p, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	hears(&p, ">taken</text></stream:error>");
	is_ended(&p, NULL);
	takes_nothing();
}

/* What was withdrawn is not sent to the next sessiond. */
static void
test_release_withdraws_what_is_under_way(void **state)
{
	struct talker p;
	struct msg_RELEASE m = {.error = STREAM_RESET};
	struct msg_STANZA stanza;
	struct msg_REG_END end;
	struct msg_CLOSED closed;

	(void)state;
	rig_session(&p);
	says(&p, "<message/><message/>");
	takes(MSG_STANZA, &stanza);
	takes(MSG_STANZA, &stanza);
	rig_hang_up(&p);
	takes(MSG_CLOSED, &closed);
	m.conn = p.number;
	sends(ROLE_SESSIOND, MSG_RELEASE, &m);
	assert_null(session_of(&p));
	acknowledges(2);
	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC + 1);
	takes(MSG_REG_END, &end);
	assert_int_equal(end.count, 0);
	takes_nothing();
}

/* ---- a new sessiond ---- */

static void
check_record(const struct rec_session *r, const struct talker *p)
{
	struct bus_list list = r->ledger;
	struct rec_ledger_entry entry;
	struct rec_account account;

	assert_memory_equal(r->sid.b, session_of(p)->sid.b, ID_BYTES);
	assert_true(str_is(r->jid, "alice@h/r"));
	assert_true(str_is(r->capability, "fresh"));
	assert_int_equal(r->generation, 8);
	assert_int_equal(r->epoch, 1);
	assert_int_equal(r->done, 1);
	assert_int_equal(r->k, 2);
	assert_int_equal(r->presence, 1);
	assert_int_equal((int8_t)r->priority, -3);
	assert_int_equal(r->flags, 5);
	assert_true(str_is(r->presence_payload, "<show>away</show>"));
	assert_true(bus_list_next(&list, &bus_record_ledger_entry, &entry));
	assert_int_equal(entry.k, 1);
	assert_int_equal(entry.n, 17);
	assert_int_equal(entry.kind, OP_DELIVERY);
	assert_memory_equal(entry.origin.b, OP.origin.b, ID_BYTES);
	assert_false(bus_list_next(&list, &bus_record_ledger_entry, &entry));
	list = r->directed;
	assert_true(bus_list_next(&list, &bus_record_account, &account));
	assert_true(str_is(account.jid, "room@muc.h"));
}

static void
test_a_new_sessiond_is_told_everything_first(void **state)
{
	struct talker p;
	struct rec_account directed = {.jid = S("room@muc.h")};
	struct msg_PRESENCE_COPY copy = {.presence = 1,
	    .priority = (uint8_t)-3,
	    .payload = S("<show>away</show>"),
	    .flags = 5,
	    .directed = {.items = &directed, .count = 1}};
	struct msg_CAPABILITY fresh = {.capability = S("fresh"), .generation = 8};
	struct opid presence = {.origin = {{42}}, .n = 18, .kind = OP_PRESENCE};
	struct stanza st = message("");
	struct msg_STANZA stanza;
	struct msg_REG reg;
	struct msg_REG_END end;

	(void)state;
	rig_session(&p);
	copy.conn = fresh.conn = p.number;
	sends(ROLE_SESSIOND, MSG_PRESENCE_COPY, &copy);
	sends(ROLE_SESSIOND, MSG_CAPABILITY, &fresh);
	delivers(&p, 1, &st, &OP);
	delivers(&p, 2, &st, &presence);
	says(&p, "<message id='1'/><message id='2'/>");
	takes(MSG_STANZA, &stanza);
	takes(MSG_STANZA, &stanza);
	acknowledges(3); /* REG_END, BIND, the first message */

	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC + 1);
	takes(MSG_REG, &reg);
	assert_int_equal(reg.conn, p.number);
	check_record(&reg.session, &p);
	takes(MSG_REG_END, &end);
	assert_int_equal(end.count, 1);
	takes(MSG_STANZA, &stanza);
	assert_int_equal(stanza.n, 2);
	assert_true(str_is(stanza.st.id, "2"));
	rig_hang_up(&p);
}

/* What is closed but not acknowledged is registered too: its CLOSED comes behind. */
static void
test_the_closed_are_registered_too(void **state)
{
	struct talker p;
	struct msg_CLOSED closed;
	struct msg_REG reg;
	struct msg_REG_END end;

	(void)state;
	rig_session(&p);
	acknowledges(2);
	rig_hang_up(&p);
	takes(MSG_CLOSED, &closed);
	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC + 1);
	takes(MSG_REG, &reg);
	takes(MSG_REG_END, &end);
	takes(MSG_CLOSED, &closed);
	assert_int_equal(closed.conn, p.number);
}

/* ---- sessiond stays away ---- */

static void
test_a_stanza_that_nobody_took_is_answered(void **state)
{
	struct talker p;
	struct msg_STANZA m;

	(void)state;
	rig_session(&p);
	acknowledges(2);
	says(&p, "<message to='bob@h' id='sent'><body>x</body></message>");
	takes(MSG_STANZA, &m);
	bus_rig_down(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC);
	says(&p,
	    "<message to='bob@h' id='kept'/><presence/><message type='error'/>"
	    "<iq type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>");
	bus_rig_pass(&rig.bus, 4000);
	bus_rig_pass(&rig.bus, 70000);
	hears(&p,
	    "<message from='bob@h' to='alice@h/r' id='sent' type='error'><error type='wait'>"
	    "<remote-server-timeout ");
	hears(&p,
	    "<message from='bob@h' to='alice@h/r' id='kept' type='error'><error type='cancel'>"
	    "<service-unavailable ");
	hears(&p, "<iq from='alice@h' to='alice@h/r' id='q' type='error'>");
	hears(&p, "</iq>");
	hears_nothing(&p);
	rig_hang_up(&p);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_a_session_that_is_silent_holds_no_context),
	    RIG_TEST(test_deliveries),
	    RIG_TEST(test_reports_go_together),
	    RIG_TEST(test_an_empty_to_is_the_bare_jid),
	    RIG_TEST(test_a_gap_ends_the_stream_only),
	    RIG_TEST(test_what_is_not_flushed_is_not_reported),
	    RIG_TEST(test_inv_23_a_client_that_does_not_read),
	    RIG_TEST(test_inv_23_a_socket_that_takes_nothing),
	    RIG_TEST(test_the_client_closes_its_stream),
	    RIG_TEST(test_the_copy_stays_until_closed_is_acknowledged),
	    RIG_TEST(test_deliveries_to_the_closed_are_taken),
	    RIG_TEST(test_release),
	    RIG_TEST(test_release_withdraws_what_is_under_way),
	    RIG_TEST(test_a_new_sessiond_is_told_everything_first),
	    RIG_TEST(test_the_closed_are_registered_too),
	    RIG_TEST(test_a_stanza_that_nobody_took_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
