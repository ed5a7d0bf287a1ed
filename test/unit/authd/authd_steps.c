/* See authd_steps.h. */
#include "authd_steps.h"

void
rig_expect_done(const struct rig_answer *a)
{
	if (a->type != MSG_DONE)
		fail_msg("answer %d: %s", a->type, a->data);
}

void
rig_expect_failed(const struct rig_answer *a, enum bus_error error)
{
	if (a->type != MSG_FAILED || a->failed.error != error)
		fail_msg("answer %d, error %d: %s", a->type, a->failed.error, a->data);
}

void
rig_expect_auth(const struct rig_answer *a, enum auth_outcome outcome, enum sasl_condition condition)
{
	assert_int_equal(a->type, MSG_AUTH_ANSWER);
	assert_int_equal(a->auth.outcome, outcome);
	assert_int_equal(a->auth.condition, condition);
}

const struct rig_answer *
rig_redeem(struct id128 ticket, uint64_t incarnation, uint64_t conn)
{
	struct msg_REDEEM m = {.ticket = ticket, .edge_incarnation = incarnation, .conn = conn};

	return rig_ask(RIG_SESSIOND, MSG_REDEEM, &m);
}

uint64_t
rig_edge(void)
{
	return bus_own_incarnation(rig.bus[RIG_C2SD]);
}

struct id128
rig_log_in(uint64_t conn, const char *user, const char *password)
{
	const struct rig_answer *a = rig_plain(conn, user, password);

	rig_expect_auth(a, AUTH_SUCCESS, SASL_NONE);
	assert_false(id_is_zero(&a->auth.ticket));
	return a->auth.ticket;
}
