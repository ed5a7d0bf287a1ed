/* SASL framing: what goes to authd, what is refused here, what authd's answers make of the stream. */
#include <stdio.h>

#include "base/enc.h"
#include "rig.h"

#define NS "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define AUTH(mechanism, data) "<auth " NS " mechanism='" mechanism "'>" data "</auth>"
#define FAILURE(condition) "<failure " NS "><" condition "/></failure>"

static void
answers(uint64_t request, enum auth_outcome outcome, const char *data)
{
	struct msg_AUTH_ANSWER m = {.re = request, .outcome = outcome, .has_data = data != NULL};
	struct buf sealed = {.data = NULL};

	m.jid = outcome == AUTH_SUCCESS ? S("alice@h") : S("");
	m.condition = outcome == AUTH_FAILURE ? SASL_NOT_AUTHORIZED : SASL_NONE;
	if (data)
		seal_close(&rig.authd, str_z(data), &sealed);
	m.data = buf_str(&sealed);
	sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &m);
	buf_deinit(&sealed);
}

/* A client that waits for authd. */
static void
begins(struct talker *p, struct msg_AUTH_START *start)
{
	rig_open(p);
	says(p, AUTH("SCRAM-SHA-256", "eA=="));
	takes(MSG_AUTH_START, start);
}

static void
test_a_whole_exchange(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_NEXT next;

	(void)state;
	rig_open(&p);
	says(&p, AUTH("SCRAM-SHA-256", "aGVsbG8="));
	takes(MSG_AUTH_START, &start);
	assert_true(str_is(start.mechanism, "SCRAM-SHA-256"));
	assert_true(str_is(start.domain, "h"));
	assert_true(str_is(start.offered, "SCRAM-SHA-256 SCRAM-SHA-1"));
	assert_true(str_is(start.source, "192.0.2.1"));
	assert_int_equal(start.conn, p.number);
	assert_false(start.tls);
	assert_true(start.has_initial);
	assert_true(str_is(unseal(start.initial), "hello"));
	hears_nothing(&p);

	answers(start.req, AUTH_CHALLENGE, "who?");
	hears(&p, "<challenge " NS ">d2hvPw==</challenge>");
	says(&p, "<response " NS ">bWU=</response>");
	takes(MSG_AUTH_NEXT, &next);
	assert_int_equal(next.conn, p.number);
	assert_true(str_is(unseal(next.data), "me"));

	answers(next.req, AUTH_SUCCESS, "v");
	hears(&p, "<success " NS ">dg==</success>");
	hears_nothing(&p);
	says(&p, OPENING);
	hears(&p, "<bind ");
	rig_hang_up(&p);
}

/* RFC 6120 §6.4.2: no content is no initial response, "=" is an empty one. */
static void
test_empty_data(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_NEXT next;

	(void)state;
	rig_open(&p);
	says(&p, AUTH("SCRAM-SHA-1", ""));
	takes(MSG_AUTH_START, &start);
	assert_false(start.has_initial);
	answers(start.req, AUTH_CHALLENGE, NULL);
	hears(&p, "<challenge " NS ">=</challenge>");
	says(&p, "<response " NS "/>");
	takes(MSG_AUTH_NEXT, &next);
	assert_true(str_empty(unseal(next.data)));
	answers(next.req, AUTH_FAILURE, NULL);
	hears(&p, FAILURE("not-authorized"));

	says(&p, AUTH("SCRAM-SHA-1", "="));
	takes(MSG_AUTH_START, &start);
	assert_true(start.has_initial);
	assert_true(str_empty(unseal(start.initial)));
	answers(start.req, AUTH_SUCCESS, "");
	hears(&p, "<success " NS ">=</success>");
	rig_hang_up(&p);
}

static void
test_what_is_refused_here(void **state)
{
	static const struct {
		const char *auth, *failure;
	} table[] = {
	    {AUTH("SCRAM-SHA-256", "!"), FAILURE("incorrect-encoding")},
	    {AUTH("SCRAM-SHA-256", "eA="), FAILURE("incorrect-encoding")},
	    {AUTH("SCRAM-SHA-256", "e A=="), FAILURE("incorrect-encoding")},
	    {AUTH("SCRAM-SHA-256", "eA==<x/>"), FAILURE("malformed-request")},
	    {AUTH("SCRAM-SHA-512", "eA=="), FAILURE("invalid-mechanism")},
	    {AUTH("scram-sha-256", "eA=="), FAILURE("invalid-mechanism")},
	    {AUTH("", "eA=="), FAILURE("invalid-mechanism")},
	    {"<auth " NS ">eA==</auth>", FAILURE("invalid-mechanism")},
	    {AUTH("SCRAM-SHA-256-PLUS", "eA=="), FAILURE("invalid-mechanism")},
	    {AUTH("PLAIN", "eA=="), FAILURE("encryption-required")},
	};
	struct talker p;

	(void)state;
	rig.settings.auth_failures = 100;
	rig_open(&p);
	for (size_t i = 0; i < COUNT(table); i++) {
		says(&p, table[i].auth);
		hears(&p, table[i].failure);
	}
	takes_nothing();
	rig_hang_up(&p);
}

static void
test_inv_08_nothing_before_tls(void **state)
{
	struct talker p;

	(void)state;
	rig_connect_to(&p, LISTENER_REQUIRED);
	says(&p, OPENING AUTH("SCRAM-SHA-256", "eA=="));
	hears(&p, FAILURE("encryption-required"));
	takes_nothing();
	rig_hang_up(&p);
}

/* Larger data than a message of the bus has room for never gets there, whatever the settings say. */
static void
test_inv_02_data_that_is_too_long(void **state)
{
	struct talker p;
	struct buf text = {.data = NULL};

	(void)state;
	rig.settings.stranger.bytes = 100000;
	rig_open(&p);
	buf_add_z(&text, "<auth " NS " mechanism='SCRAM-SHA-256'>");
	for (int i = 0; i < 6000; i++)
		buf_add_z(&text, "AAAA");
	buf_add_z(&text, "</auth>");
	buf_add_c(&text, '\0');
	says(&p, buf_str(&text).p);
	hears(&p, FAILURE("malformed-request"));
	rig_hang_up(&p);
	buf_deinit(&text);
}

static void
test_failures_are_counted(void **state)
{
	struct talker p;

	(void)state;
	rig_open(&p);
	for (int i = 0; i < 2; i++) {
		says(&p, AUTH("PLAIN", "eA=="));
		hears(&p, FAILURE("encryption-required"));
		hears_nothing(&p);
	}
	says(&p, AUTH("PLAIN", "eA=="));
	hears(&p, FAILURE("encryption-required"));
	is_ended(&p, "policy-violation");
}

/* Every answer is held back, and told by the tick when its time has come. */
static void
test_answers_wait(void **state)
{
	static const enum auth_outcome outcomes[] = {AUTH_FAILURE, AUTH_SUCCESS};
	static const char *const told[] = {FAILURE("not-authorized"), "<success " NS "></success>"};
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_ANSWER m = {.condition = SASL_NOT_AUTHORIZED, .wait_ms = 60000};

	(void)state;
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		begins(&p, &start);
		m.re = start.req;
		m.outcome = outcomes[i];
		m.jid = outcomes[i] == AUTH_SUCCESS ? S("alice@h") : S("");
		sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &m);
		c2sd_tick(rig.c2sd);
		hears_nothing(&p);
		/* Giving up does not help. */
		client_input(rig_client(&p), S("<abort " NS "/>"));
		hears_nothing(&p);
		assert_true(rig_client(&p)->nego->deadline_ms > rig_client(&p)->nego->due.due_ms);
		client_set_deadline(rig_client(&p), 0);
		c2sd_tick(rig.c2sd);
		hears(&p, told[i]);
		rig_hang_up(&p);
	}
}

static void
test_abort(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_ABORT abort;

	(void)state;
	begins(&p, &start);
	answers(start.req, AUTH_CHALLENGE, "x");
	hears(&p, "</challenge>");
	says(&p, "<abort " NS "/>");
	hears(&p, FAILURE("aborted"));
	takes(MSG_AUTH_ABORT, &abort);
	assert_int_equal(abort.conn, p.number);

	/* In one breath with the request: its answer is not waited for. */
	says(&p, AUTH("SCRAM-SHA-256", "eA==") "<abort " NS "/>");
	hears(&p, FAILURE("aborted"));
	takes(MSG_AUTH_START, &start);
	takes(MSG_AUTH_ABORT, &abort);
	answers(start.req, AUTH_SUCCESS, NULL);
	hears_nothing(&p);
	says(&p, AUTH("PLAIN", "="));
	hears(&p, "<failure");
	rig_hang_up(&p);
}

static void
test_who_hangs_up_gives_up(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_ABORT abort;

	(void)state;
	begins(&p, &start);
	answers(start.req, AUTH_CHALLENGE, "x");
	rig_hang_up(&p);
	takes(MSG_AUTH_ABORT, &abort);
	assert_int_equal(abort.conn, p.number);
}

/* While authd decides nothing more is read; what was read already is no part of any stream. */
static void
test_inv_09_nothing_stands_behind_success(void **state)
{
	static const char *const behind[] = {"<presence/>", "<iq type='set'", "x", OPENING};
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_ABORT abort;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(behind); i++) {
		rig_open(&p);
		snprintf(text, sizeof(text), AUTH("SCRAM-SHA-256", "eA==") "%s", behind[i]);
		says(&p, text);
		takes(MSG_AUTH_START, &start);
		answers(start.req, AUTH_SUCCESS, NULL);
		hears(&p, "<stream:error>");
		assert_null(strstr(p.text, "<success"));
		rig_hang_up(&p);
		takes(MSG_AUTH_ABORT, &abort);
		takes_nothing();
	}
}

static void
test_authd_dies(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;

	(void)state;
	begins(&p, &start);
	bus_rig_up(&rig.bus, ROLE_AUTHD, 0, AUTHD_INC + 1);
	hears(&p, FAILURE("temporary-auth-failure"));
	rig_hang_up(&p);
}

/* Its successor knows nothing of the exchange. */
static void
test_authd_dies_between_two_steps(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_SEAL_KEY key;

	(void)state;
	begins(&p, &start);
	answers(start.req, AUTH_CHALLENGE, "x");
	hears(&p, "</challenge>");
	bus_rig_up(&rig.bus, ROLE_AUTHD, 0, AUTHD_INC + 1);
	takes(MSG_SEAL_KEY, &key);
	says(&p, "<response " NS ">eA==</response>");
	hears(&p, FAILURE("temporary-auth-failure"));
	takes_nothing();
	rig_hang_up(&p);
}

static void
test_authd_is_not_there(void **state)
{
	struct talker p;

	(void)state;
	rig_open(&p);
	bus_rig_down(&rig.bus, ROLE_AUTHD, 0, AUTHD_INC);
	bus_rig_pass(&rig.bus, 10000);
	says(&p, AUTH("SCRAM-SHA-256", "eA=="));
	hears(&p, FAILURE("temporary-auth-failure"));
	rig_hang_up(&p);
}

/* Data of authd that does not open (sealed with another key) is no answer. */
static void
test_an_answer_that_does_not_open(void **state)
{
	struct talker p;
	struct msg_AUTH_START start;
	struct msg_AUTH_ANSWER m = {.outcome = AUTH_SUCCESS,
	    .has_data = true,
	    .data = S("this was never sealed by anybody"),
	    .jid = S("alice@h")};

	(void)state;
	begins(&p, &start);
	m.re = start.req;
	sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &m);
	hears(&p, FAILURE("temporary-auth-failure"));
	rig_hang_up(&p);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_a_whole_exchange),
	    RIG_TEST(test_empty_data),
	    RIG_TEST(test_what_is_refused_here),
	    RIG_TEST(test_inv_08_nothing_before_tls),
	    RIG_TEST(test_inv_02_data_that_is_too_long),
	    RIG_TEST(test_failures_are_counted),
	    RIG_TEST(test_answers_wait),
	    RIG_TEST(test_abort),
	    RIG_TEST(test_who_hangs_up_gives_up),
	    RIG_TEST(test_inv_09_nothing_stands_behind_success),
	    RIG_TEST(test_authd_dies),
	    RIG_TEST(test_authd_dies_between_two_steps),
	    RIG_TEST(test_authd_is_not_there),
	    RIG_TEST(test_an_answer_that_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
