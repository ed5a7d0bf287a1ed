/* What nobody can bring again is forgotten: here, at the edge that has a copy, in other shards (BUS.md §7, settled). */
#include <stdio.h>

#include "base/clock.h"
#include "detach.h"
#include "scene.h"
#include "settle.h"

#define LONG (2 * LEDGER_MAX)

static void
hello(struct scene *s, const char *to)
{
	char text[128];

	snprintf(text, sizeof(text), "<message to='%s' type='chat'><body>hi</body></message>", to);
	says(s, "romeo/orchard", text);
}

/* Romeo's edge knows of the acknowledgement of all that he has said. */
static void
proves(struct scene *s)
{
	const struct client *c = client_of(s, "romeo/orchard");
	struct opid op = {.origin = c->sid, .n = c->n, .kind = OP_STANZA};

	sessiond_events.proven(&s->sd, &c->edge, &op);
}

static unsigned
known(struct scene *s, const char *name)
{
	return session_named(s, name)->out.ledger.n;
}

/* However long it lasts, with and without stream management. */
static void
test_7_ledgers_do_not_grow_in_a_long_session(void **state)
{
	struct scene *s = scene_of_two();
	unsigned before = 0;

	(void)state;
	login(s, "juliet/garden");
	for (unsigned i = 0; i < LONG; i++) {
		hello(s, i % 2 ? "juliet@h/balcony" : "juliet@h/garden");
		reads(s, "juliet/balcony");
		reads(s, "juliet/garden");
		acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
		proves(s);
		forget(s);
		if (i == 0)
			before = s->bus.settled;
	}
	assert_true(known(s, "juliet/balcony") <= 1);
	assert_true(known(s, "juliet/garden") <= 1);
	assert_int_equal(s->bus.settled, before + LONG - 1);
	assert_int_equal(s->bus.settled_to.role, ROLE_C2SD);
	assert_int_equal(s->bus.settled_id.n, client_of(s, "romeo/orchard")->n);
	scene_free(s);
}

static void
test_7_what_its_client_may_not_have_is_not_forgotten(void **state)
{
	struct scene *s = scene_of_two();
	unsigned before = 0;

	(void)state;
	before = known(s, "juliet/balcony");
	hello(s, "juliet@h/balcony");
	reads(s, "juliet/balcony");
	proves(s);
	assert_int_equal(known(s, "juliet/balcony"), before + 1);
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	assert_int_equal(known(s, "juliet/balcony"), before);
	scene_free(s);
}

/* One session has read it, the other one ends without: it goes to whoever has not had it. */
static void
test_7_what_is_given_again_goes_to_nobody_twice(void **state)
{
	struct scene *s = scene_of_two();

	(void)state;
	s->settings.deliver_to_all_resources = true;
	login(s, "juliet/garden");
	hello(s, "juliet@h");
	assert_true(has(s, "juliet/garden: <message"));
	reads(s, "juliet/garden");
	proves(s);
	loses(s, "juliet/balcony");
	forget(s);
	detach_expire(&s->sd, clock_mono_ms() + 601000);
	scene_pump(s);
	assert_false(has(s, "<body>hi</body>"));
	scene_free(s);
}

/* Its row is deleted later than its client has it; if this process ends before, the next one is brought it again. */
static void
test_7_what_a_row_may_bring_is_not_forgotten(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	hello(s, "juliet@h");
	assert_int_equal(s->n_rows, 1);
	login(s, "juliet/balcony");
	proves(s);
	reads(s, "juliet/balcony");
	assert_int_equal(known(s, "juliet/balcony"), 1);
	scene_free(s);
}

/* An edge proves nothing of sessions that are not its own, nor of what is not done. */
static void
test_7_proofs_are_of_ones_own_sessions(void **state)
{
	struct scene *s = scene_of_two();
	const struct client *c = client_of(s, "romeo/orchard");
	struct endpoint other = {.role = ROLE_C2SD, .instance = 1, .incarnation = 2000};
	struct opid op = {.origin = c->sid, .kind = OP_STANZA};
	unsigned before = known(s, "juliet/balcony");

	(void)state;
	hello(s, "juliet@h/balcony");
	reads(s, "juliet/balcony");
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	op.n = c->n;
	sessiond_events.proven(&s->sd, &other, &op);
	op.n = c->n + 1;
	sessiond_events.proven(&s->sd, &c->edge, &op);
	assert_int_equal(known(s, "juliet/balcony"), before + 1);
	scene_free(s);
}

/* With its row, a session that is lost is in two places: nobody can bring again what the row says is done. */
static void
test_7_a_row_settles_too(void **state)
{
	struct scene *s = scene_of_two();
	unsigned before = known(s, "juliet/balcony");

	(void)state;
	enables(s, "romeo/orchard");
	hello(s, "juliet@h/balcony");
	reads(s, "juliet/balcony");
	acks(s, "juliet/balcony", session_named(s, "juliet/balcony")->out.k);
	assert_int_equal(known(s, "juliet/balcony"), before + 1);
	loses(s, "romeo/orchard");
	assert_true(known(s, "juliet/balcony") <= before);
	scene_free(s);
}

static void
test_7_another_shard_is_told(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	s->bus.shards = 2;
	hello(s, "xena@h"); /* whom the other one serves */
	assert_int_equal(s->bus.settled, 0);
	proves(s);
	assert_int_equal(s->bus.settled, 1);
	assert_int_equal(s->bus.settled_to.role, ROLE_SESSIOND);
	assert_int_equal(s->bus.settled_to.instance, 1);
	proves(s);
	assert_int_equal(s->bus.settled, 1);
	scene_free(s);
}

static void
test_7_another_shard_tells(void **state)
{
	struct scene *s = scene_new();
	struct endpoint shard = {.role = ROLE_SESSIOND, .instance = 1, .incarnation = 1};
	struct opid op = {.origin = id_random(), .n = 7, .kind = OP_DELIVERY};
	struct rec_settled id = {.origin = op.origin, .n = op.n};
	struct msg_ROUTE m = {
	    .st = stanza_from(
		s, "<message from='xena@h/a' to='juliet@h' type='chat'><body>1</body></message>")};

	(void)state;
	s->bus.shards = 2;
	login(s, "juliet/balcony");
	fake_receive(&s->bus, &shard, MSG_ROUTE, &m, &op, NULL);
	scene_pump(s);
	reads(s, "juliet/balcony");
	sessiond_events.settled(&s->sd, &s->edge, &id);
	assert_int_equal(known(s, "juliet/balcony"), 1);
	sessiond_events.settled(&s->sd, &shard, &id);
	assert_int_equal(known(s, "juliet/balcony"), 0);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_7_ledgers_do_not_grow_in_a_long_session),
	    cmocka_unit_test(test_7_what_its_client_may_not_have_is_not_forgotten),
	    cmocka_unit_test(test_7_what_is_given_again_goes_to_nobody_twice),
	    cmocka_unit_test(test_7_what_a_row_may_bring_is_not_forgotten),
	    cmocka_unit_test(test_7_proofs_are_of_ones_own_sessions),
	    cmocka_unit_test(test_7_a_row_settles_too),
	    cmocka_unit_test(test_7_another_shard_is_told),
	    cmocka_unit_test(test_7_another_shard_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
