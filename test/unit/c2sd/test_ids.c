/* The ids of what was delivered, which the next sessiond is told: bounded, and forgotten when settled (BUS.md §7). */
#include "rig.h"

static const struct opid OP = {.origin = {{42}}, .n = 17, .kind = OP_DELIVERY};
static const struct stanza MESSAGE = {
    .kind = STANZA_MESSAGE, .type = TYPE_CHAT, .from = {"bob@h/x", 7}};

static struct session *
session_of(const struct talker *p)
{
	return session_find(rig.c2sd, p->number);
}

static void
test_the_ledger_is_bounded(void **state)
{
	struct talker p;
	struct session *s;
	struct opid op = OP;

	(void)state;
	rig_session(&p);
	s = session_of(&p);
	for (uint64_t k = 1; k <= 2 * LEDGER_MAX; k++) {
		op.n = k;
		delivers(&p, k, &MESSAGE, &op);
		assert_true(s->ledger.n <= LEDGER_MAX);
		assert_int_equal(ledger_find(&s->ledger, &op)->k, k);
	}
	assert_int_equal(s->ledger.n, LEDGER_MAX);
	rig_hang_up(&p);
}

/* A long session: what sessiond says is settled is forgotten, and a new sessiond is not told of it. */
static void
test_7_the_ledger_forgets_what_is_settled(void **state)
{
	struct talker p;
	struct opid op = OP;
	struct rec_settled id = {.origin = OP.origin};
	struct msg_SETTLED m = {.ids = {.items = &id, .count = 1}};

	(void)state;
	rig_session(&p);
	for (uint64_t k = 1; k <= 2 * LEDGER_MAX; k++) {
		op.n = id.n = k;
		delivers(&p, k, &MESSAGE, &op);
		sends(ROLE_SESSIOND, MSG_SETTLED, &m);
		assert_int_equal(session_of(&p)->ledger.n, 0);
	}
	/* Nobody else may say so. */
	op.n++;
	delivers(&p, op.n, &MESSAGE, &op);
	id.n = op.n;
	sends(ROLE_AUTHD, MSG_SETTLED, &m);
	assert_int_equal(session_of(&p)->ledger.n, 1);
	rig_hang_up(&p);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_the_ledger_is_bounded),
	    RIG_TEST(test_7_the_ledger_forgets_what_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
