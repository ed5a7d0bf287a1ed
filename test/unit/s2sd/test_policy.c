/* Who is talked with, in which direction, and what must be proved (M-03, N-06). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"
#include "settings.h"

static struct settings_pool *pool;
static struct s2sd_settings settings;

static const struct s2sd_settings *
read_settings(const char *text)
{
	struct err err;

	settings_free(&pool);
	settings = (struct s2sd_settings){.policy = 0};
	if (settings_parse(s2sd_settings_table, &settings, "s2sd.conf", text, &pool, &err) != 0)
		fail_msg("%s", err.text);
	return &settings;
}

static int
teardown(void **state)
{
	(void)state;
	settings_free(&pool);
	return 0;
}

static void
test_tls_is_required_unless_somebody_says_otherwise(void **state)
{
	const struct s2sd_settings *s = read_settings("");

	(void)state;
	assert_int_equal(policy_of(s, S("us.example"), S("them.example")), POLICY_REQUIRED);
	assert_true(policy_wants_tls(POLICY_REQUIRED) && policy_wants_tls(POLICY_REQUIRED_VERIFIED));
	assert_false(policy_wants_tls(POLICY_OPTIONAL) || policy_wants_tls(POLICY_OFF));
}

static void
test_the_remote_domain_goes_before_the_local_one(void **state)
{
	const struct s2sd_settings *s =
	    read_settings("policy = optional\n"
			  "local \"us.example\" { policy = required-verified }\n"
			  "remote \"old.example\" { policy = off }\n"
			  "remote \"plain.example\" { incoming = true }\n");

	(void)state;
	assert_int_equal(policy_of(s, S("us.example"), S("x.example")), POLICY_REQUIRED_VERIFIED);
	assert_int_equal(policy_of(s, S("us.example"), S("old.example")), POLICY_OFF);
	assert_int_equal(
	    policy_of(s, S("us.example"), S("plain.example")), POLICY_REQUIRED_VERIFIED);
	assert_int_equal(policy_of(s, S("other.example"), S("x.example")), POLICY_OPTIONAL);
}

static void
test_m_03_each_role_opens_one_direction(void **state)
{
	const struct s2sd_settings *s =
	    read_settings("local \"in.example\" { outgoing = false }\n"
			  "local \"out.example\" { incoming = false }\n"
			  "remote \"them-in.example\" { outgoing = false }\n"
			  "remote \"them-out.example\" { incoming = false }\n");

	(void)state;
	assert_true(policy_serves(s, S("in.example")));
	assert_false(policy_sends_from(s, S("in.example")));
	assert_false(policy_serves(s, S("out.example")));
	assert_true(policy_sends_from(s, S("out.example")));
	assert_true(policy_admits(s, S("them-in.example")));
	assert_false(policy_sends_to(s, S("them-in.example")));
	assert_false(policy_admits(s, S("them-out.example")));
	assert_true(policy_sends_to(s, S("them-out.example")));
}

static void
test_m_04_a_title_may_have_the_protocol_before_it(void **state)
{
	const struct s2sd_settings *s =
	    read_settings("remote \"#xmpp#Old.Example\" { policy = off }\n");

	(void)state;
	assert_int_equal(policy_of(s, S("us.example"), S("old.example")), POLICY_OFF);
}

static void
test_lists(void **state)
{
	const struct s2sd_settings *s = read_settings("allow = {\"a.example\", \"*.b.example\"}\n"
						      "deny = {\"bad.b.example\"}\n");

	(void)state;
	assert_true(policy_admits(s, S("a.example")) && policy_sends_to(s, S("a.example")));
	assert_true(policy_admits(s, S("x.b.example")));
	assert_true(policy_admits(s, S("y.x.b.example")));
	assert_false(policy_admits(s, S("b.example")));
	assert_false(policy_admits(s, S("xb.example")));
	assert_false(policy_admits(s, S("bad.b.example")) || policy_sends_to(s, S("bad.b.example")));
	assert_false(policy_admits(s, S("elsewhere.example")));
}

static void
test_m_05_a_domain_may_have_a_secret_of_its_own(void **state)
{
	const struct s2sd_settings *s = read_settings(
	    "dialback_secret = common\nlocal \"own.example\" { dialback_secret = special }\n");

	(void)state;
	assert_true(str_is(policy_secret(s, S("own.example")), "special"));
	assert_true(str_is(policy_secret(s, S("other.example")), "common"));
	assert_true(str_empty(policy_secret(read_settings(""), S("other.example"))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls_is_required_unless_somebody_says_otherwise),
	    cmocka_unit_test(test_the_remote_domain_goes_before_the_local_one),
	    cmocka_unit_test(test_m_03_each_role_opens_one_direction),
	    cmocka_unit_test(test_m_04_a_title_may_have_the_protocol_before_it),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_m_05_a_domain_may_have_a_secret_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
