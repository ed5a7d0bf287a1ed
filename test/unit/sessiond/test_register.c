/* A new sessiond: the barrier, registrations and what makes them believed (BUS.md §9, INV-25). */
#include <stdio.h>

#include "base/clock.h"
#include "scene.h"

/* The session as the edge holds it: taken from a scene in which it was bound. */
struct held {
	struct msg_REG reg;
	struct buf body;
	struct msg_REG decoded;
};

/* Makes the record that an edge has of this client. */
static void
hold(struct scene *s, const char *name, struct held *h)
{
	struct client *c = client_of(s, name);
	struct session *session = sessions_by_sid(&s->sd, &c->sid);
	uint8_t mac[CAPABILITY_BYTES];

	h->reg = (struct msg_REG){.conn = c->conn, .session = session_record(session, mac)};
	h->reg.session.acked = session->out.written;
	memset(&h->body, 0, sizeof(h->body));
	bus_encode(&h->body, bus_message(MSG_REG), &h->reg);
	assert_true(bus_decode(bus_message(MSG_REG), buf_str(&h->body), &h->decoded));
}

static void
registers(struct scene *s, const char *name, const struct held *h)
{
	struct client *c = &s->clients[s->n_clients++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->edge = s->edge;
	c->conn = h->decoded.conn;
	c->sid = h->decoded.session.sid;
	c->n = h->decoded.session.done;
	c->k = h->decoded.session.k;
	fake_receive(&s->bus, &s->edge, MSG_REG, &h->decoded, NULL, NULL);
}

/* Romeo's session, available, as of a sessiond that is gone. */
static void
make_held(struct held *h)
{
	struct scene *s = scene_new();

	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	hold(s, "romeo/orchard", h);
	scene_free(s);
}

static void
send_end(struct scene *s)
{
	struct msg_REG_END end = {.count = 1};

	fake_receive(&s->bus, &s->edge, MSG_REG_END, &end, NULL, NULL);
	scene_pump(s);
}

static void
is_refused(struct scene *s, struct held *h)
{
	registers(s, "romeo/orchard", h);
	send_end(s);
	expect(s, "romeo/orchard: RELEASE not-authorized\n");
	buf_deinit(&h->body);
}

static void
test_session_goes_on(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	registers(s, "romeo/orchard", &h);
	/* In the same batch of frames: waits for the gate. */
	says(s, "romeo/orchard", "<message to='romeo@h' type='chat'><body>me</body></message>");
	expect_nothing(s);
	send_end(s);
	expect(s,
	    "romeo/orchard: <message from='romeo@h/orchard' to='romeo@h' type='chat'><body>me</body></message>\n");
	assert_int_equal(sessions_count(&s->sd), 1);
	/* It is still interested. */
	says(s, "romeo/orchard",
	    "<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='juliet@h'/></query></iq>");
	assert_true(has(s, "id='push'"));
	buf_deinit(&h.body);
	scene_free(s);
}

static void
test_inv_25_capability(void **state)
{
	static uint8_t wrong[CAPABILITY_BYTES];
	struct held h;

	(void)state;
	make_held(&h);
	for (unsigned i = 0; i < 6; i++) {
		struct scene *s = scene_new_closed();
		struct held forged = h;

		if (i == 0)
			forged.decoded.session.capability = str_of(wrong, sizeof(wrong));
		else if (i == 1)
			forged.decoded.session.capability = (struct str){0};
		else if (i == 2)
			forged.decoded.session.jid = S("juliet@h/balcony");
		else if (i == 3)
			forged.decoded.conn++;
		else if (i == 4)
			forged.decoded.session.sid.b[0] ^= 1;
		else
			forged.decoded.session.generation++;
		registers(s, "romeo/orchard", &forged);
		send_end(s);
		expect(s, "romeo/orchard: RELEASE not-authorized\n");
		assert_int_equal(sessions_count(&s->sd), 0);
		assert_true(s->sd.is_open);
		scene_free(s);
	}
	buf_deinit(&h.body);
}

/* The same from another edge process: the incarnation is part of it. */
static void
test_inv_25_other_incarnation(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	sessiond_events.peer_gone(&s->sd, &s->edge);
	s->edge.incarnation = s->bus.c2sd_incarnation[0] = 1001;
	sessiond_events.peer_new(&s->sd, &s->edge);
	is_refused(s, &h);
	scene_free(s);
}

/* The password was changed while sessiond was away. */
static void
test_generation_has_changed(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	s->generation = 2;
	is_refused(s, &h);
	scene_free(s);
}

static void
test_account_is_gone(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	s->users[0] = NULL;
	is_refused(s, &h);
	scene_free(s);
}

static void
test_barrier(void **state)
{
	struct scene *s = scene_new_closed();
	struct endpoint second = {.role = ROLE_C2SD, .instance = 1, .incarnation = 2000};
	struct msg_REG_END end = {.count = 0};

	(void)state;
	s->daemon.suite.n_c2sd = 2;
	s->bus.c2sd_incarnation[1] = 2000;
	binds(s, "romeo/orchard");
	expect_nothing(s);
	/* One edge is ready, another may still come. */
	send_end(s);
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_false(s->sd.is_open);
	sessiond_events.peer_new(&s->sd, &second);
	s->sd.linked_at_ms = clock_mono_ms() - 3100;
	sessiond_tick(&s->sd);
	assert_false(s->sd.is_open);
	fake_receive(&s->bus, &second, MSG_REG_END, &end, NULL, NULL);
	assert_true(s->sd.is_open);
	scene_pump(s);
	expect(s, "romeo/orchard is romeo@h/orchard\n");
	scene_free(s);
}

/* Fewer edges than there should be: 3 seconds. */
static void
test_barrier_opens_after_a_while(void **state)
{
	struct scene *s = scene_new_closed();

	(void)state;
	s->daemon.suite.n_c2sd = 2;
	send_end(s);
	sessiond_tick(&s->sd);
	assert_false(s->sd.is_open);
	s->sd.linked_at_ms = clock_mono_ms() - 3100;
	sessiond_tick(&s->sd);
	assert_true(s->sd.is_open);
	scene_free(s);
}

static void
test_barrier_waits_for_the_key(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	s->is_authd_down = true;
	scene_pump(s);
	registers(s, "romeo/orchard", &h);
	send_end(s);
	assert_false(s->sd.is_open);
	s->is_authd_down = false;
	scene_pump(s);
	assert_true(s->sd.is_open);
	assert_int_equal(sessions_count(&s->sd), 1);
	buf_deinit(&h.body);
	scene_free(s);
}

/* authd does not answer the question for the generations: it is asked again. */
static void
test_authd_does_not_answer(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	scene_pump(s);
	s->is_authd_down = true;
	registers(s, "romeo/orchard", &h);
	send_end(s);
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		struct sent *f = CONTAINER_OF(it, struct sent, link);

		assert_int_equal(f->message->type, MSG_GENERATIONS_GET);
		sent_answer(&s->bus, f, 0, NULL);
	}
	assert_false(s->sd.is_open);
	s->is_authd_down = false;
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_true(s->sd.is_open);
	assert_int_equal(sessions_count(&s->sd), 1);
	buf_deinit(&h.body);
	scene_free(s);
}

/* What an edge registered before it died without REG_END is discarded. */
static void
test_edge_dies_while_it_registers(void **state)
{
	struct scene *s = scene_new_closed();
	struct held h;

	(void)state;
	make_held(&h);
	registers(s, "romeo/orchard", &h);
	says(s, "romeo/orchard", "<message to='romeo@h' type='chat'><body>me</body></message>");
	s->bus.c2sd_incarnation[0] = 0;
	sessiond_events.peer_gone(&s->sd, &s->edge);
	s->sd.linked_at_ms = clock_mono_ms() - 3100;
	sessiond_tick(&s->sd);
	scene_pump(s);
	assert_true(s->sd.is_open);
	assert_int_equal(sessions_count(&s->sd), 0);
	expect_nothing(s);
	buf_deinit(&h.body);
	scene_free(s);
}

/* Presumed dead, its sessions ended, and then it is there again: what it holds is void. */
static void
test_edge_that_was_presumed_dead(void **state)
{
	struct scene *s = scene_new();
	struct held h;
	struct client *c = login(s, "romeo/orchard");

	(void)state;
	hold(s, "romeo/orchard", &h);
	sessiond_events.peer_gone(&s->sd, &s->edge);
	scene_pump(s);
	forget(s);
	/* It knows nothing of it, if just its own link was down: it registers nothing, and its client may say nothing. */
	sessiond_events.peer_new(&s->sd, &s->edge);
	scene_pump(s);
	expect(s, "romeo/orchard: RELEASE reset\n");
	fake_receive(&s->bus, &s->edge, MSG_REG, &h.decoded, NULL, NULL);
	scene_pump(s);
	expect(s, "romeo/orchard: RELEASE reset\n");
	says(s, c->name, "<message to='romeo@h' type='chat'><body>me</body></message>");
	expect(s, "romeo/orchard: RELEASE reset\n");
	buf_deinit(&h.body);
	scene_free(s);
}

/* The same for what it had registered and nobody had believed yet; not for a successor, which has nothing of it. */
static void
test_registered_at_an_edge_that_was_presumed_dead(void **state)
{
	struct scene *s = scene_new();
	struct endpoint next;
	struct held h;

	(void)state;
	login(s, "romeo/orchard");
	hold(s, "romeo/orchard", &h);
	next = s->edge;
	next.incarnation++;
	sessiond_events.peer_gone(&s->sd, &s->edge);
	scene_pump(s);
	s->bus.c2sd_incarnation[0] = next.incarnation;
	sessiond_events.peer_new(&s->sd, &next);
	forget(s);
	scene_pump(s);
	expect_nothing(s);
	fake_receive(&s->bus, &next, MSG_REG, &h.decoded, NULL, NULL);
	sessiond_events.peer_gone(&s->sd, &next);
	sessiond_events.peer_new(&s->sd, &next);
	scene_pump(s);
	assert_true(has(s, "RELEASE reset"));
	forget(s);
	buf_deinit(&h.body);
	scene_free(s);
}

/* A late edge holds back its own frames only. */
static void
test_late_edge(void **state)
{
	struct scene *s = scene_new();
	struct endpoint second = {.role = ROLE_C2SD, .instance = 1, .incarnation = 2000};
	struct endpoint first = s->edge;

	(void)state;
	login(s, "romeo/orchard");
	s->bus.c2sd_incarnation[1] = 2000;
	sessiond_events.peer_new(&s->sd, &second);
	s->edge = second;
	binds(s, "juliet/balcony");
	expect_nothing(s);
	says(s, "romeo/orchard", "<message to='romeo@h' type='chat'><body>me</body></message>");
	assert_true(has(s, "<body>me</body>"));
	forget(s);
	send_end(s);
	expect(s, "juliet/balcony is juliet@h/balcony\n");
	s->edge = first;
	scene_free(s);
}

/* The ledger that the edge brings: what an earlier sessiond delivered is not delivered again, and its row goes. */
static void
test_ledger_is_registered(void **state)
{
	struct scene *s = scene_new_closed();
	struct opid op = {.origin = id_random(), .n = 3, .kind = OP_DELIVERY};
	struct rec_ledger_entry entry = {.origin = op.origin, .n = 3, .kind = OP_DELIVERY};
	struct held h;
	struct stanza st = stanza_from(
	    s, "<message from='juliet@h/b' to='romeo@h' type='chat'><body>1</body></message>");

	(void)state;
	make_held(&h);
	entry.k = h.decoded.session.k;
	h.decoded.session.ledger = (struct bus_list){.items = &entry, .count = 1};
	h.decoded.session.presence = PRESENCE_AVAILABLE;
	h.decoded.session.acked = entry.k - 1;
	s->rows[s->n_rows++] = (struct row){.row = ++s->next_row,
	    .owner = str_dup(S("romeo@h")),
	    .op = op,
	    .stamp_us = 1,
	    .st = stanza_copy(&st)};
	registers(s, "romeo/orchard", &h);
	send_end(s);
	expect_nothing(s);
	assert_int_equal(s->n_rows, 1);
	reads(s, "romeo/orchard");
	assert_int_equal(s->n_rows, 0);
	buf_deinit(&h.body);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session_goes_on),
	    cmocka_unit_test(test_inv_25_capability),
	    cmocka_unit_test(test_inv_25_other_incarnation),
	    cmocka_unit_test(test_generation_has_changed),
	    cmocka_unit_test(test_account_is_gone),
	    cmocka_unit_test(test_barrier),
	    cmocka_unit_test(test_barrier_opens_after_a_while),
	    cmocka_unit_test(test_barrier_waits_for_the_key),
	    cmocka_unit_test(test_authd_does_not_answer),
	    cmocka_unit_test(test_edge_dies_while_it_registers),
	    cmocka_unit_test(test_edge_that_was_presumed_dead),
	    cmocka_unit_test(test_registered_at_an_edge_that_was_presumed_dead),
	    cmocka_unit_test(test_late_edge),
	    cmocka_unit_test(test_ledger_is_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
