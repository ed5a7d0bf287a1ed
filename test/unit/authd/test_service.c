/* The whole of authd over the bus: logins, tickets, accounts. (What sessiond is told: test_notices.c.) */
#include "authd_steps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "keys.h"
#include "login.h"
#include "tickets.h"

static struct authd *
authd(void)
{
	return rig.daemon.state;
}

static void
test_login_and_ticket(void **state)
{
	struct id128 ticket;
	const struct rig_answer *a;

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "wonderland"));
	a = rig_plain(1, "alice", "wonderlanD");
	rig_expect_auth(a, AUTH_FAILURE, SASL_NOT_AUTHORIZED);
	assert_true(id_is_zero(&a->auth.ticket));
	assert_string_equal(a->jid, "");
	a = rig_plain(1, "alice", "wonderland");
	rig_expect_auth(a, AUTH_SUCCESS, SASL_NONE);
	assert_string_equal(a->jid, "alice@example.org");
	ticket = a->auth.ticket;
	/* C-5: for this connection only */
	rig_expect_failed(rig_redeem(ticket, rig_edge(), 2), BUS_ERROR_FORBIDDEN);
	rig_expect_failed(rig_redeem(ticket, rig_edge() + 1, 1), BUS_ERROR_FORBIDDEN);
	rig_expect_failed(rig_redeem(id_random(), rig_edge(), 1), BUS_ERROR_NOT_FOUND);
	for (int i = 0; i < 2; i++) {
		a = rig_redeem(ticket, rig_edge(), 1);
		assert_int_equal(a->type, MSG_REDEEMED);
		assert_string_equal(a->jid, "alice@example.org");
		assert_int_equal(a->generation, 1);
		assert_false(a->redeemed.admin);
	}
}

static void
test_inv_07_admin(void **state)
{
	(void)state;
	rig_expect_done(rig_add("root@example.org", "x"));
	struct id128 ticket = rig_log_in(1, "root", "x");
	assert_true(rig_redeem(ticket, rig_edge(), 1)->redeemed.admin);
}

static void
test_inv_07_foreign_domain(void **state)
{
	struct msg_AUTH_START m = {.conn = 1,
	    .domain = S("remote.example"),
	    .mechanism = S("PLAIN"),
	    .offered = S("PLAIN"),
	    .has_initial = true,
	    .tls = true,
	    .source = S("192.0.2.1")};

	(void)state;
	m.initial = rig_seal(RIG_C2SD, S("\0alice\0wonderland"));
	rig_expect_auth(rig_ask(RIG_C2SD, MSG_AUTH_START, &m), AUTH_FAILURE, SASL_NOT_AUTHORIZED);
	assert_int_equal(logins_count(authd()->logins), 0);
}

/* A password change voids tickets that were not redeemed yet, and raises the generation. */
static void
test_inv_17_ticket_dies_with_the_password(void **state)
{
	struct msg_USER_PASSWD m = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "old"));
	struct id128 ticket = rig_log_in(1, "alice", "old");
	m.password = rig_seal(RIG_CTL, S("new"));
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_PASSWD, &m));
	rig_expect_failed(rig_redeem(ticket, rig_edge(), 1), BUS_ERROR_NOT_FOUND);
	rig_expect_auth(rig_plain(1, "alice", "old"), AUTH_FAILURE, SASL_NOT_AUTHORIZED);
	ticket = rig_log_in(1, "alice", "new");
	assert_int_equal(rig_redeem(ticket, rig_edge(), 1)->generation, 2);
}

/* Who has read the account as it was, and then proves to be that, has proved nothing. */
static void
test_inv_17_login_dies_with_the_password(void **state)
{
	struct msg_AUTH_START m = {.domain = S("example.org"),
	    .mechanism = S("SCRAM-SHA-256"),
	    .offered = S("SCRAM-SHA-256"),
	    .has_initial = true,
	    .source = S("192.0.2.1")};
	struct msg_USER_PASSWD passwd = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "old"));
	rig_expect_done(rig_add("bob@example.org", "old"));
	struct id128 ticket = rig_log_in(3, "bob", "old");
	m.conn = 1;
	m.initial = rig_seal(RIG_C2SD, S("n,,n=alice,r=abcdef"));
	rig_expect_auth(rig_ask(RIG_C2SD, MSG_AUTH_START, &m), AUTH_CHALLENGE, SASL_NONE);
	m.conn = 2;
	m.initial = rig_seal(RIG_C2SD, S("n,,n=bob,r=abcdef"));
	rig_expect_auth(rig_ask(RIG_C2SD, MSG_AUTH_START, &m), AUTH_CHALLENGE, SASL_NONE);
	assert_int_equal(logins_count(authd()->logins), 2);
	passwd.password = rig_seal(RIG_CTL, S("new"));
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_PASSWD, &passwd));
	assert_int_equal(logins_count(authd()->logins), 1);
	assert_int_equal(rig_redeem(ticket, rig_edge(), 3)->generation, 1);
}

static void
test_inv_17_ticket_dies_with_the_account(void **state)
{
	struct msg_USER_DEL del = {.jid = S("alice@example.org")};
	struct msg_GENERATION_RAISE raise = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "x"));
	struct id128 ticket = rig_log_in(1, "alice", "x");
	assert_int_equal(rig_ask(RIG_SESSIOND, MSG_GENERATION_RAISE, &raise)->count, 1);
	rig_expect_failed(rig_redeem(ticket, rig_edge(), 1), BUS_ERROR_NOT_FOUND);
	ticket = rig_log_in(1, "alice", "x");
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_DEL, &del));
	rig_expect_failed(rig_redeem(ticket, rig_edge(), 1), BUS_ERROR_NOT_FOUND);
}

static void
test_scram_over_the_bus(void **state)
{
	struct msg_AUTH_START m = {.conn = 9,
	    .domain = S("example.org"),
	    .mechanism = S("SCRAM-SHA-256"),
	    .offered = S("SCRAM-SHA-256"),
	    .tls = false,
	    .source = S("192.0.2.1")};
	struct msg_AUTH_NEXT next = {.conn = 9};
	const struct rig_answer *a;

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "wonderland"));
	a = rig_ask(RIG_C2SD, MSG_AUTH_START, &m);
	rig_expect_auth(a, AUTH_CHALLENGE, SASL_NONE);
	assert_false(a->auth.has_data);
	next.data = rig_seal(RIG_C2SD, S("n,,n=alice,r=abcdef"));
	a = rig_ask(RIG_C2SD, MSG_AUTH_NEXT, &next);
	rig_expect_auth(a, AUTH_CHALLENGE, SASL_NONE);
	assert_non_null(strstr(a->data, ",i=4096"));
	assert_int_equal(strncmp(a->data, "r=abcdef", 8), 0);
	next.data = rig_seal(RIG_C2SD, S("c=biws,r=abcdef,p=AAAA"));
	rig_expect_auth(rig_ask(RIG_C2SD, MSG_AUTH_NEXT, &next), AUTH_FAILURE, SASL_NOT_AUTHORIZED);
	/* It is over: what follows has no exchange. */
	next.data = rig_seal(RIG_C2SD, S("n,,n=alice,r=abcdef"));
	rig_expect_auth(
	    rig_ask(RIG_C2SD, MSG_AUTH_NEXT, &next), AUTH_FAILURE, SASL_TEMPORARY_AUTH_FAILURE);
}

static const struct rig_answer *
begin(uint64_t conn)
{
	struct msg_AUTH_START m = {.conn = conn,
	    .domain = S("example.org"),
	    .mechanism = S("SCRAM-SHA-1"),
	    .offered = S("SCRAM-SHA-1"),
	    .source = S("192.0.2.1")};

	return rig_ask(RIG_C2SD, MSG_AUTH_START, &m);
}

static void
test_exchanges_are_limited(void **state)
{
	struct msg_AUTH_ABORT abort_m = {.conn = 3};

	(void)state;
	for (uint64_t conn = 1; conn <= 8; conn++)
		rig_expect_auth(begin(conn), AUTH_CHALLENGE, SASL_NONE);
	rig_expect_auth(begin(9), AUTH_FAILURE, SASL_TEMPORARY_AUTH_FAILURE);
	/* one connection has one exchange */
	rig_expect_auth(begin(8), AUTH_CHALLENGE, SASL_NONE);
	assert_int_equal(logins_count(authd()->logins), 8);
	rig_post(RIG_C2SD, MSG_AUTH_ABORT, &abort_m);
	assert_int_equal(logins_count(authd()->logins), 7);
	/* 30 s */
	uint64_t now = loop_now_ms(rig.daemon.loop);
	logins_tick(authd()->logins, now + 29000);
	assert_int_equal(logins_count(authd()->logins), 7);
	logins_tick(authd()->logins, now + 30001);
	assert_int_equal(logins_count(authd()->logins), 0);
}

static void
test_edge_dies(void **state)
{
	(void)state;
	rig_expect_auth(begin(1), AUTH_CHALLENGE, SASL_NONE);
	rig_restart_c2sd();
	rig_settle();
	assert_int_equal(logins_count(authd()->logins), 0);
	rig_expect_done(rig_add("alice@example.org", "x"));
	rig_log_in(1, "alice", "x");
}

static void
test_not_sealed_for_us(void **state)
{
	struct msg_AUTH_START m = {.conn = 1,
	    .domain = S("example.org"),
	    .mechanism = S("PLAIN"),
	    .offered = S("PLAIN"),
	    .has_initial = true,
	    .tls = true,
	    .source = S("192.0.2.1"),
	    .initial = S("\0alice\0in the clear, and long enough for a box")};

	(void)state;
	rig_expect_auth(
	    rig_ask(RIG_C2SD, MSG_AUTH_START, &m), AUTH_FAILURE, SASL_TEMPORARY_AUTH_FAILURE);
	m.initial = rig_seal(RIG_CTL, S("\0alice\0under another endpoint's key"));
	rig_expect_auth(
	    rig_ask(RIG_C2SD, MSG_AUTH_START, &m), AUTH_FAILURE, SASL_TEMPORARY_AUTH_FAILURE);
	assert_int_equal(logins_count(authd()->logins), 0);
}

static void
test_failures_are_penalized(void **state)
{
	const struct rig_answer *a = NULL;

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "x"));
	for (int i = 0; i < 20; i++) {
		a = rig_plain(1, "mallory", "guess");
		assert_int_equal(a->auth.wait_ms, 0);
	}
	a = rig_plain(1, "mallory", "guess");
	assert_int_equal(a->auth.wait_ms, 5000);
	/* The source waits for good news too, and then has its ticket. */
	a = rig_plain(1, "alice", "x");
	rig_expect_auth(a, AUTH_SUCCESS, SASL_NONE);
	assert_in_range(a->auth.wait_ms, 1, 5000);
	assert_int_equal(rig_redeem(a->auth.ticket, rig_edge(), 1)->type, MSG_REDEEMED);
}

static void
test_bad_requests(void **state)
{
	static const char *const wrong[] = {"alice", "example.org", "alice@example.org/x",
	    "Alice@example.org", "alice@remote.example", "al ice@example.org", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		rig_expect_failed(rig_add(wrong[i], "x"), BUS_ERROR_BAD_REQUEST);
	rig_expect_failed(rig_add("alice@example.org", ""), BUS_ERROR_BAD_REQUEST);
	rig_expect_done(rig_add("alice@example.org", "x"));
	rig_expect_failed(rig_add("alice@example.org", "x"), BUS_ERROR_EXISTS);
}

static void
test_list_and_generations(void **state)
{
	const struct rec_account names[] = {{S("alice@example.org")}, {S("nobody@example.org")}};
	struct msg_USER_LIST list = {.domain = S("example.org")};
	struct msg_GENERATIONS_GET get = {.accounts = {.items = names, .count = 2}};
	struct msg_GENERATION_RAISE raise = {.jid = S("alice@example.org")};
	struct msg_CAP_KEY_GET key = {0};
	char first[STORE_SECRET_BYTES];
	const struct rig_answer *a;

	(void)state;
	rig_expect_done(rig_add("bob@example.org", "x"));
	rig_expect_done(rig_add("alice@example.org", "x"));
	rig_expect_done(rig_add("alice@other.example", "x"));
	assert_string_equal(
	    rig_ask(RIG_CTL, MSG_USER_LIST, &list)->jid, "alice@example.org bob@example.org");
	list.after = S("alice@example.org");
	assert_string_equal(rig_ask(RIG_CTL, MSG_USER_LIST, &list)->jid, "bob@example.org");
	list = (struct msg_USER_LIST){0};
	assert_int_equal(rig_ask(RIG_CTL, MSG_USER_LIST, &list)->count, 3);
	assert_int_equal(rig_ask(RIG_SESSIOND, MSG_GENERATION_RAISE, &raise)->generation, 2);
	a = rig_ask(RIG_SESSIOND, MSG_GENERATIONS_GET, &get);
	assert_int_equal(a->count, 1);
	assert_int_equal(a->generation, 2);
	raise.jid = S("nobody@example.org");
	assert_int_equal(rig_ask(RIG_SESSIOND, MSG_GENERATION_RAISE, &raise)->count, 0);
	memcpy(first, rig_ask(RIG_SESSIOND, MSG_CAP_KEY_GET, &key)->data, sizeof(first));
	rig_restart_authd();
	a = rig_ask(RIG_SESSIOND, MSG_CAP_KEY_GET, &key);
	assert_memory_equal(a->data, first, sizeof(first));
}

/* With everything traced, no password and no key of ours is in the log. */
static void
test_inv_28_nothing_secret_in_the_log(void **state)
{
	static const char canary[] = "canary-8Yd2mQ";
	static char text[1 << 20];
	int log = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600), before = dup(STDERR_FILENO);
	struct msg_USER_PASSWD m = {.jid = S("alice@example.org")};
	struct msg_CAP_KEY_GET key = {0};

	(void)state;
	assert_true(log >= 0 && before >= 0 && dup2(log, STDERR_FILENO) >= 0);
	log_set_level(LOG_DEBUG);
	log_trace_enable("bus");
	rig_restart_authd();
	rig_add("alice@example.org", canary);
	rig_plain(1, "alice", canary);
	rig_plain(1, "alice", "canary-8Yd2mQ-not");
	m.password = rig_seal(RIG_CTL, str_z(canary));
	rig_ask(RIG_CTL, MSG_USER_PASSWD, &m);
	rig_ask(RIG_SESSIOND, MSG_CAP_KEY_GET, &key);
	log_set_level(LOG_ERROR);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	ssize_t n = pread(log, text, sizeof(text), 0);
	close(log);
	close(before);
	assert_true(n > 0 && memmem(text, (size_t)n, "AUTH_ANSWER", 11));
	assert_null(memmem(text, (size_t)n, canary, strlen(canary)));
	assert_null(memmem(text, (size_t)n, authd()->keys->secrets.capability, STORE_SECRET_BYTES));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_login_and_ticket),
	    TEST(test_inv_07_admin),
	    TEST(test_inv_07_foreign_domain),
	    TEST(test_inv_17_ticket_dies_with_the_password),
	    TEST(test_inv_17_login_dies_with_the_password),
	    TEST(test_inv_17_ticket_dies_with_the_account),
	    TEST(test_scram_over_the_bus),
	    TEST(test_exchanges_are_limited),
	    TEST(test_edge_dies),
	    TEST(test_not_sealed_for_us),
	    TEST(test_failures_are_penalized),
	    TEST(test_bad_requests),
	    TEST(test_list_and_generations),
	    TEST(test_inv_28_nothing_secret_in_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
