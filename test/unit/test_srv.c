/* SRV records: what is read of the wire, and the order in which hosts are tried (RFC 2782). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/mem.h"
#include "dns/srv.h"

/* priority 1, weight 2, port 5269 */
#define HEAD "\0\1\0\2\x14\x95"
#define REC(wire)                                \
	{                                        \
		HEAD wire, sizeof(HEAD wire) - 1 \
	}

static void
test_records(void **state)
{
	static const struct {
		struct str rdata;
		const char *target; /* NULL: refused */
	} cases[] = {
	    {REC("\4xmpp\7example\3org\0"), "xmpp.example.org"},
	    {REC("\4XMPP\7Example\3ORG\0"), "xmpp.example.org"}, {REC("\2_x\3a-1\0"), "_x.a-1"},
	    {REC("\0"), ""}, {REC(""), NULL}, {REC("\4xmpp"), NULL}, /* no end */
	    {REC("\4xmp\0"), NULL},               /* the label goes over the end */
	    {REC("\4xmpp\0\0"), NULL},            /* something behind it */
	    {REC("\0\4xmpp\0"), NULL},            /* something behind it */
	    {REC("\x0c\xc0\x0c\0"), NULL},        /* compression */
	    {REC("\xc0\x0c"), NULL},              /* compression */
	    {REC("\4xm.p\0"), NULL},              /* no part of a host's name */
	    {REC("\4xm\0p\0"), NULL},             /* a NUL in it */
	    {REC("\4xm p\0"), NULL},              /* a blank */
	    {REC("\5xm\xc3\xbcp\0"), NULL},       /* no ASCII */
	    {{"\0\1\0\2\0\0\4xmpp\0", 12}, NULL}, /* port 0 */
	    {{"\0\1\0\2\0\0\0", 7}, ""},          /* no port, but no service either */
	};
	struct srv s;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool ok = srv_parse(&s, cases[i].rdata);
		if (ok != (cases[i].target != NULL) ||
		    (ok && strcmp(s.target, cases[i].target) != 0))
			fail_msg("case %zu", i);
	}
	assert_true(srv_parse(&s, cases[0].rdata));
	assert_int_equal(s.priority, 1);
	assert_int_equal(s.weight, 2);
	assert_int_equal(s.port, 5269);
}

static void
test_inv_29_cut_records(void **state)
{
	static const struct str whole = REC("\4xmpp\7example\3org\0");
	struct srv s;

	(void)state;
	for (size_t n = 0; n < whole.n; n++)
		assert_false(srv_parse(&s, str_of(whole.p, n)));
}

/* The longest name there is has 253 characters. */
static void
test_long_names(void **state)
{
	char rdata[6 + 512] = HEAD;
	struct srv s;

	(void)state;
	for (size_t labels = 1; labels < 6; labels++) {
		size_t n = 6;
		for (size_t i = 0; i < labels; i++) {
			rdata[n++] = 62;
			memset(rdata + n, 'a', 62);
			n += 62;
		}
		rdata[n++] = '\0';
		assert_int_equal(srv_parse(&s, str_of(rdata, n)), labels <= 4);
		if (labels <= 4)
			assert_int_equal(strlen(s.target), labels * 63 - 1);
	}
	rdata[6] = 64;
	memset(rdata + 7, 'a', 64);
	rdata[7 + 64] = '\0';
	assert_false(srv_parse(&s, str_of(rdata, 7 + 65)));
}

static struct srv
host(uint16_t priority, uint16_t weight)
{
	struct srv s = {.priority = priority, .weight = weight, .port = 1};

	snprintf(s.target, sizeof(s.target), "p%uw%u", priority, weight);
	return s;
}

/* Whatever chance says: a permutation, by priority. */
static void
test_order_is_by_priority(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct srv s[16];
		size_t n = randombytes_uniform(COUNT(s) + 1);
		unsigned sum_before = 0, sum_after = 0;

		for (size_t i = 0; i < n; i++) {
			s[i] = host((uint16_t)randombytes_uniform(4),
			    (uint16_t)(randombytes_uniform(2) ? randombytes_uniform(65536) : 0));
			s[i].port = (uint16_t)(1U << i);
			sum_before += s[i].port;
		}
		srv_sort(s, n, randombytes_uniform);
		for (size_t i = 0; i < n; i++) {
			assert_true(i == 0 || s[i - 1].priority <= s[i].priority);
			sum_after += s[i].port;
		}
		assert_int_equal(sum_before, sum_after);
	}
}

static uint32_t
lowest(uint32_t limit)
{
	(void)limit;
	return 0;
}

static uint32_t
highest(uint32_t limit)
{
	return limit - 1;
}

static void
test_weights_decide_within_a_priority(void **state)
{
	struct srv s[] = {host(2, 0), host(1, 10), host(1, 0), host(1, 90)};

	(void)state;
	srv_sort(s, COUNT(s), lowest);
	assert_string_equal(s[0].target, "p1w0");
	assert_string_equal(s[1].target, "p1w10");
	assert_string_equal(s[2].target, "p1w90");
	assert_string_equal(s[3].target, "p2w0");
	srv_sort(s, COUNT(s), highest);
	assert_string_equal(s[0].target, "p1w90");
	assert_string_equal(s[1].target, "p1w10");
	assert_string_equal(s[2].target, "p1w0");
	assert_string_equal(s[3].target, "p2w0");
}

/* One of ten; 20,000 draws stay within 8 to 12 % unless the odds are wrong. */
static void
test_odds_are_as_the_weights(void **state)
{
	unsigned first = 0, without_weight = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct srv s[] = {host(1, 90), host(1, 10), host(1, 0)};
		srv_sort(s, COUNT(s), randombytes_uniform);
		first += s[0].weight == 10;
		without_weight += s[0].weight == 0;
	}
	assert_in_range(first, 1600, 2400);
	assert_in_range(without_weight, 1, 600); /* one of 101 */
}

static void
test_names_of_the_dns(void **state)
{
	static const struct {
		const char *domain, *name; /* NULL: none */
	} cases[] = {
	    {"example.org", "example.org"},
	    {"b\xc3\xbc"
	     "cher.example",
		"xn--bcher-kva.example"},
	    {"localhost", "localhost"},
	    {"192.0.2.1", NULL},
	    {"[2001:db8::1]", NULL},
	    {"", NULL},
	    {"a:b", NULL},
	    {"a b", NULL},
	};
	char name[DNS_NAME_MAX], many[1100];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool ok = dns_name(name, str_z(cases[i].domain));
		if (ok != (cases[i].name != NULL) || (ok && strcmp(name, cases[i].name) != 0))
			fail_msg("case %zu", i);
	}
	memset(many, 'a', sizeof(many));
	for (size_t i = 50; i < sizeof(many); i += 50)
		many[i] = '.';
	assert_false(dns_name(name, str_of(many, 1023)));
	assert_false(dns_name(name, str_of(many, 299)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_inv_29_cut_records),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_order_is_by_priority),
	    cmocka_unit_test(test_weights_decide_within_a_priority),
	    cmocka_unit_test(test_odds_are_as_the_weights),
	    cmocka_unit_test(test_names_of_the_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
