/* Penalties with a clock set by hand, and the addresses they go by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/id.h"
#include "base/mem.h"
#include "penalty.h"
#include "base/source.h"

#define MINUTE 60000u
#define WINDOW (10 * MINUTE)

static const struct penalty_limits limits = {
    .failures = 20, .window_ms = WINDOW, .first_ms = 5000, .most_ms = 600000};

#define HOME S("192.0.2.7")
#define AWAY S("198.51.100.9")
#define NOBODY ((struct str){0})

static struct penalty *
fresh(void)
{
	id_init();
	return penalty_new(&limits);
}

static uint64_t
fail_times(struct penalty *p, struct str source, unsigned n, uint64_t now)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(penalty_failed(p, source, NOBODY, now + i), 0);
	return now + n;
}

static void
test_doubles_from_5_s_to_10_min(void **state)
{
	static const uint32_t expected[] = {
	    5000, 10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000};
	struct penalty *p = fresh();
	uint64_t now = fail_times(p, HOME, 20, 1000);

	(void)state;
	assert_int_equal(penalty_source(p, HOME, now), 0);
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_int_equal(penalty_failed(p, HOME, NOBODY, now), expected[i]);
		assert_int_equal(penalty_source(p, HOME, now + 1000), expected[i] - 1000);
		assert_int_equal(penalty_source(p, AWAY, now + 1000), 0);
		/* It waits as it should, and guesses on: that does not lower the price. */
		now += expected[i];
		assert_int_equal(penalty_source(p, HOME, now), 0);
	}
	penalty_free(&p);
}

static void
test_parallel_guesses_do_not_share_a_price(void **state)
{
	struct penalty *p = fresh();
	uint64_t now = fail_times(p, HOME, 20, 1000);

	(void)state;
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 5000);
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 10000);
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 20000);
	penalty_free(&p);
}

static void
test_slow_failures_are_free(void **state)
{
	struct penalty *p = fresh();
	uint64_t now = 1;

	(void)state;
	/* 20 in 10 minutes is one every 30 s */
	for (unsigned i = 0; i < 1000; i++, now += 30000)
		assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 0);
	penalty_free(&p);
}

static void
test_forgotten_after_a_quiet_window(void **state)
{
	struct penalty *p = fresh();
	uint64_t now = fail_times(p, HOME, 20, 1000);

	(void)state;
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 5000);
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 10000);
	/* The window runs from the end of the penalty. */
	now += 10000 + WINDOW - 1;
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 20000);
	now += 20000 + WINDOW;
	now = fail_times(p, HOME, 20, now);
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 5000);
	penalty_free(&p);
}

static void
test_account_is_never_locked(void **state)
{
	struct penalty *p = fresh();
	char source[32];
	uint32_t wait = 0;
	uint64_t now = 1000;

	(void)state;
	/* Many sources at one account: failures get slow … */
	for (unsigned i = 0; i < 30; i++, now++) {
		snprintf(source, sizeof(source), "203.0.113.%u", i);
		wait = penalty_failed(p, str_z(source), S("alice@example.org"), now);
	}
	assert_int_equal(wait, 600000);
	/* … but what its owner is told from elsewhere does not wait, */
	assert_int_equal(penalty_source(p, HOME, now), 0);
	/* a slip of the owner's does, once, */
	assert_int_equal(penalty_failed(p, HOME, S("alice@example.org"), now), 600000);
	assert_int_equal(penalty_source(p, HOME, now), 0);
	/* and a success ends it. */
	penalty_succeeded(p, S("alice@example.org"));
	assert_int_equal(penalty_failed(p, HOME, S("alice@example.org"), now), 0);
	penalty_free(&p);
}

static void
test_success_does_not_wash_the_source(void **state)
{
	struct penalty *p = fresh();
	uint64_t now = 1000;

	(void)state;
	for (unsigned i = 0; i < 20; i++, now++) {
		assert_int_equal(penalty_failed(p, HOME, S("victim@example.org"), now), 0);
		penalty_succeeded(p, S("mallory@example.org"));
	}
	assert_int_equal(penalty_failed(p, HOME, S("victim2@example.org"), now), 5000);
	penalty_free(&p);
}

static void
test_exempt_networks(void **state)
{
	static const char *const networks[] = {"127.0.0.0/8", "::1", "2001:db8:1::/48"};
	struct penalty *p = fresh();
	struct networks exempt;

	(void)state;
	assert_int_equal(networks_set(&exempt, networks, 3, NULL), 0);
	penalty_set_exempt(p, &exempt);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(penalty_failed(p, S("127.1.2.3"), S("a@example.org"), 1000), 0);
		assert_int_equal(penalty_failed(p, S("::1"), NOBODY, 1000), 0);
		assert_int_equal(penalty_failed(p, S("::ffff:127.0.0.1"), NOBODY, 1000), 0);
		assert_int_equal(penalty_failed(p, S("2001:db8:1:ffff::5"), NOBODY, 1000), 0);
	}
	assert_int_equal(penalty_count(p), 0);
	fail_times(p, S("2001:db8:2::1"), 20, 1000);
	assert_int_equal(penalty_failed(p, S("2001:db8:2::1"), NOBODY, 1020), 5000);
	exempt.n = 0;
	penalty_set_exempt(p, &exempt);
	assert_int_equal(penalty_failed(p, S("127.0.0.1"), NOBODY, 1000), 0);
	assert_int_equal(penalty_count(p), 2);
	penalty_free(&p);
}

static void
test_source_is_the_customer(void **state)
{
	struct penalty *p = fresh();

	(void)state;
	/* All of a /64 is one customer; the next one is another. */
	fail_times(p, S("2001:db8::1"), 20, 1000);
	assert_int_equal(penalty_failed(p, S("2001:db8::ffff:1"), NOBODY, 1020), 5000);
	assert_int_equal(penalty_source(p, S("2001:db8:0:1::1"), 1020), 0);
	/* The same host by either notation. */
	fail_times(p, HOME, 20, 1000);
	assert_int_equal(penalty_failed(p, S("::ffff:192.0.2.7"), NOBODY, 1020), 5000);
	/* What is no address counts as it stands. */
	fail_times(p, S("unix"), 20, 1000);
	assert_int_equal(penalty_failed(p, S("unix"), NOBODY, 1020), 5000);
	penalty_free(&p);
}

static void
test_memory_is_bounded(void **state)
{
	struct penalty *p = fresh();
	char source[32];
	uint64_t now = fail_times(p, HOME, 20, 1000);

	(void)state;
	assert_int_equal(penalty_failed(p, HOME, NOBODY, now), 5000);
	for (unsigned i = 0; i < 70000; i++) {
		snprintf(source, sizeof(source), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		penalty_failed(p, str_z(source), NOBODY, now);
	}
	assert_int_equal(penalty_count(p), 65536);
	assert_int_equal(penalty_source(p, HOME, now), 0);
	penalty_free(&p);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool in;
	} cases[] = {
	    {"0.0.0.0/0", "203.0.113.1", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"192.0.2.0/25", "192.0.2.127", true},
	    {"192.0.2.0/25", "192.0.2.128", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"::/0", "2001:db8::1", true},
	    {"2001:db8::/33", "2001:db8:7fff::1", true},
	    {"2001:db8::/33", "2001:db8:8000::1", false},
	    {"fe80::/10", "fe80::1%eth0", true},
	};
	static const char *const wrong[] = {"", "/8", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x",
	    "1.2.3/8", "::/129", "x::/8", "1.2.3.4/8/8"};
	struct network n;
	struct source s;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(network_parse(str_z(cases[i].network), &n));
		assert_true(source_parse(str_z(cases[i].address), &s));
		assert_int_equal(network_has(&n, &s), cases[i].in);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(network_parse(str_z(wrong[i]), &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_doubles_from_5_s_to_10_min),
	    cmocka_unit_test(test_parallel_guesses_do_not_share_a_price),
	    cmocka_unit_test(test_slow_failures_are_free),
	    cmocka_unit_test(test_forgotten_after_a_quiet_window),
	    cmocka_unit_test(test_account_is_never_locked),
	    cmocka_unit_test(test_success_does_not_wash_the_source),
	    cmocka_unit_test(test_exempt_networks),
	    cmocka_unit_test(test_source_is_the_customer),
	    cmocka_unit_test(test_memory_is_bounded),
	    cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
