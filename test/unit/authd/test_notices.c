/* What authd tells sessiond of accounts: each change until it is acknowledged, over restarts, and not too many at a time. */
#include "authd_steps.h"

#include <stdio.h>

#include "base/mem.h"
#include "notice.h"
#include "store.h"

static struct authd *
authd(void)
{
	return rig.daemon.state;
}

static bool
was_told(void)
{
	return rig.notices.changed + rig.notices.removed > 0;
}

static bool
all_settled(void)
{
	return notices_count(authd()->notices) == 0;
}

static void
test_sessiond_hears_of_changes(void **state)
{
	struct msg_PASSWORD_SET set = {
	    .jid = S("alice@example.org"), .edge_incarnation = rig_edge()};
	struct msg_USER_PASSWD reset = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "x"));
	set.password = rig_seal(RIG_C2SD, S("y"));
	rig_expect_done(rig_ask(RIG_SESSIOND, MSG_PASSWORD_SET, &set));
	assert_true(rig_wait(was_told));
	assert_int_equal(rig.notices.generation, 2);
	assert_false(rig.notices.close);
	assert_true(rig_wait(all_settled));
	rig_log_in(1, "alice", "y");
	rig.notices = (struct rig_notices){0};
	reset.password = rig_seal(RIG_CTL, S("z"));
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_PASSWD, &reset));
	assert_true(rig_wait(was_told));
	assert_int_equal(rig.notices.generation, 3);
	assert_true(rig.notices.close);
	/* told once, and not again */
	assert_true(rig_wait(all_settled));
	rig_restart_authd();
	rig_settle();
	assert_int_equal(rig.notices.changed, 1);
}

/* DESIGN.md §4: no login at once; the tombstone stands, over restarts, until sessiond has
 * acknowledged. */
static void
test_removal_until_acknowledged(void **state)
{
	struct msg_USER_DEL del = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_done(rig_add("alice@example.org", "x"));
	struct id128 ticket = rig_log_in(1, "alice", "x");
	rig.hold_notices = true;
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_DEL, &del));
	rig_expect_auth(rig_plain(2, "alice", "x"), AUTH_FAILURE, SASL_NOT_AUTHORIZED);
	rig_expect_failed(rig_redeem(ticket, rig_edge(), 1), BUS_ERROR_NOT_FOUND);
	assert_true(rig_wait(was_told));
	rig_settle();
	rig_expect_failed(rig_add("alice@example.org", "x"), BUS_ERROR_CONFLICT);
	rig_expect_done(rig_ask(RIG_CTL, MSG_USER_DEL, &del));
	assert_int_equal(rig.notices.removed, 1);
	rig_restart_authd();
	rig_settle();
	assert_int_equal(rig.notices.removed, 2);
	rig_expect_failed(rig_add("alice@example.org", "x"), BUS_ERROR_CONFLICT);
	rig_release_notices();
	assert_true(rig_wait(all_settled));
	rig_expect_done(rig_add("alice@example.org", "x"));
	rig_restart_authd();
	rig_settle();
	assert_int_equal(rig.notices.removed, 2);
}

#define MANY 700
#define UNDER_WAY_MAX 500 /* notice.c's */

static unsigned n_made;

static void
on_made(struct store_request *r)
{
	assert_int_equal(r->result, STORE_OK);
	n_made++;
}

static bool
all_made(void)
{
	return n_made == MANY;
}

static bool
all_told(void)
{
	return rig.notices.removed == MANY && all_settled();
}

/* Accounts without a password: deriving so many takes long. */
static void
make_many(char names[MANY][32])
{
	static struct store_request r[MANY];

	n_made = 0;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "user%u@example.org", i);
		r[i] = (struct store_request){.verb = STORE_ADD,
		    .jid = str_z(names[i]),
		    .domain = S("example.org"),
		    .done = on_made};
		store_submit(authd()->store, &r[i]);
	}
	assert_true(rig_wait(all_made));
}

/* Over the bound they wait in the store; each is told once, in the end all. */
static void
test_notices_under_way_are_bounded(void **state)
{
	char names[MANY][32];

	(void)state;
	make_many(names);
	rig.hold_notices = true;
	for (unsigned i = 0; i < MANY; i++) {
		struct msg_USER_DEL del = {.jid = str_z(names[i])};

		rig_expect_done(rig_ask(RIG_CTL, MSG_USER_DEL, &del));
		assert_true(notices_count(authd()->notices) <= UNDER_WAY_MAX);
	}
	rig_settle();
	assert_int_equal(notices_count(authd()->notices), UNDER_WAY_MAX);
	assert_int_equal(rig.notices.removed, UNDER_WAY_MAX);
	rig_release_notices();
	assert_true(rig_wait(all_told));
	rig_expect_done(rig_add(names[0], "x"));
	rig_expect_done(rig_add(names[MANY - 1], "x"));
}

static void
test_user_removes_itself(void **state)
{
	struct msg_USER_REMOVE_SELF m = {.jid = S("alice@example.org")};

	(void)state;
	rig_expect_failed(rig_ask(RIG_SESSIOND, MSG_USER_REMOVE_SELF, &m), BUS_ERROR_NOT_FOUND);
	rig_expect_done(rig_add("alice@example.org", "x"));
	rig_expect_done(rig_ask(RIG_SESSIOND, MSG_USER_REMOVE_SELF, &m));
	assert_true(rig_wait(was_told));
	assert_string_equal(rig.notices.jid, "alice@example.org");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_sessiond_hears_of_changes),
	    TEST(test_removal_until_acknowledged),
	    TEST(test_notices_under_way_are_bounded),
	    TEST(test_user_removes_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
