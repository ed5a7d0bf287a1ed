/* jid: the examples of RFC 7622 §3.5, mappings, limits, idempotence (INV-26, INV-27). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/jid.h"
#include "base/mem.h"

static const struct {
	const char *in, *out; /* NULL: refused */
} cases[] = {
    /* RFC 7622, table 1 */
    {"juliet@example.com", "juliet@example.com"},
    {"juliet@example.com/foo", "juliet@example.com/foo"},
    {"juliet@example.com/foo bar", "juliet@example.com/foo bar"},
    {"juliet@example.com/foo@bar", "juliet@example.com/foo@bar"},
    {"foo\\20bar@example.com", "foo\\20bar@example.com"},
    {"fussball@example.com", "fussball@example.com"},
    {"fu\xC3\x9F"
     "ball@example.com",
	"fu\xC3\x9F"
	"ball@example.com"},
    {"\xCF\x80@example.com", "\xCF\x80@example.com"},
    {"\xCE\xA3@example.com/foo", "\xCF\x83@example.com/foo"}, /* capital sigma */
    {"\xCF\x83@example.com/foo", "\xCF\x83@example.com/foo"},
    {"\xCF\x82@example.com/foo", "\xCF\x82@example.com/foo"}, /* final sigma stays apart */
    {"king@example.com/\xE2\x99\x9A", "king@example.com/\xE2\x99\x9A"},
    {"example.com", "example.com"},
    {"example.com/foobar", "example.com/foobar"},
    {"a.example.com/b@example.net", "a.example.com/b@example.net"},
    /* RFC 7622, table 2 */
    {"\"juliet\"@example.com", NULL},
    {"foo bar@example.com", NULL},
    {"@example.com/", NULL},
    {"henry\xE2\x85\xA3@example.com", NULL}, /* roman numeral four */
    {"\xE2\x99\x9A@example.com", NULL},
    {"juliet@", NULL},
    {"/foobar", NULL},
    /* parts */
    {"", NULL},
    {"@", NULL},
    {"/", NULL},
    {"@example.com", NULL},
    {"juliet@example.com/", NULL},
    {"a@b@c", NULL},
    {"a@b/c/d@e", "a@b/c/d@e"},
    {"juliet@example.com/ foo", "juliet@example.com/ foo"},
    /* localpart */
    {"JULIET@Example.COM/Balcony", "juliet@example.com/Balcony"},
    {"a&b@c", NULL},
    {"a'b@c", NULL},
    {"a:b@c", NULL},
    {"a<b@c", NULL},
    {"a>b@c", NULL},
    {"a\x01@c", NULL},
    {"a\x7F@c", NULL},
    {"!#$%()*+,-.;=?[\\]^_`{|}~@c", "!#$%()*+,-.;=?[\\]^_`{|}~@c"},
    {"e\xCC\x81@c", "\xC3\xA9@c"},          /* composed */
    {"\xC3\x89@c", "\xC3\xA9@c"},           /* É */
    {"\xEF\xBC\xA1\xEF\xBD\x82@c", "ab@c"}, /* full width */
    {"a\xEF\xBC\xA0x@c", NULL},             /* full width @ */
    {"a\xEF\xBC\x8Fx@c", NULL},             /* full width / */
    {"\xC4\xB0@c", "i\xCC\x87@c"},          /* dotted capital I */
    {"a\xC2\xADz@c", NULL},                 /* soft hyphen: ignorable */
    {"a\xE2\x80\x8Bz@c", NULL},             /* zero width space */
    {"a\xE2\x80\x8Dz@c", NULL},             /* ZWJ without virama */
    {"\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D@c", "\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D@c"},
    {"l\xC2\xB7l@c", "l\xC2\xB7l@c"}, /* middle dot between l */
    {"a\xC2\xB7l@c", NULL},
    {"\xD7\x90\xD7\x91@c", "\xD7\x90\xD7\x91@c"}, /* Hebrew */
    {"\xD7\x90"
     "a@c",
	NULL}, /* mixed direction */
    {"1\xD7\x90@c", NULL},
    {"\xD9\xA1\xDB\xB1@c", NULL}, /* both kinds of Arabic digits */
    {"a\xFF@c", NULL},
    {"a\xED\xA0\x80@c", NULL},
    {"a\xC0\xAF@c", NULL},
    /* resource */
    {"c/\xE2\x80\x83x", "c/ x"}, /* em space */
    {"c/e\xCC\x81", "c/\xC3\xA9"},
    {"c/A", "c/A"},
    {"c/\xEF\xBC\xA1", "c/\xEF\xBC\xA1"}, /* width is kept */
    {"c/a\nb", NULL},
    {"c/\xC2\x85", NULL},
    {"c/\xE2\x80\xAE", NULL},
    {"c/\xEF\xBF\xBE", NULL},
    {"c/\xCD\xB8", NULL}, /* unassigned */
    /* domain */
    {"localhost", "localhost"},
    {"example.com.", "example.com"},
    {"example.com..", NULL},
    {".", NULL},
    {".com", NULL},
    {"a..b", NULL},
    {"-a.com", NULL},
    {"a-.com", NULL},
    {"a_b.com", NULL},
    {"a b.com", NULL},
    {"a:5222", NULL},
    {"r3---sn.example", "r3---sn.example"},
    {"127.0.0.1", "127.0.0.1"},
    {"[::1]", "[::1]"},
    {"[2001:DB8:0::0001]", "[2001:db8::1]"},
    {"a@[::ffff:1.2.3.4]/r", "a@[::ffff:1.2.3.4]/r"},
    {"[::1%eth0]", NULL},
    {"[::1", NULL},
    {"[]", NULL},
    {"[127.0.0.1]", NULL},
    {"[::1]x", NULL},
    {"b\xC3\xBC"
     "cher.example",
	"b\xC3\xBC"
	"cher.example"},
    {"B\xC3\x9C"
     "CHER.example.",
	"b\xC3\xBC"
	"cher.example"},
    {"bu\xCC\x88"
     "cher.example",
	"b\xC3\xBC"
	"cher.example"},
    {"xn--bcher-kva.example",
	"b\xC3\xBC"
	"cher.example"},
    {"XN--Bcher-KVA.example",
	"b\xC3\xBC"
	"cher.example"},
    {"xn--strae-oqa.example",
	"stra\xC3\x9F"
	"e.example"}, /* not ss */
    {"\xEF\xBD\x85xample.com", "example.com"},
    {"a\xEF\xBC\x8E"
     "b",
	"a.b"},
    {"xn--juln-ljuli", "j\xE1\x8F\xA7\xE1\x8F\xA5\xE1\x8F\xA8uln"}, /* Cherokee */
    {"\xE1\x8F\xA7@c", "\xEA\xAE\xB7@c"},
    {"xn--a", NULL},
    {"xn--", NULL},
    {"xn--a-ecp.ru.", NULL},
    {"\xE2\x99\x9A.example", NULL},
    {"\xE3\x80\x82.example", NULL},
    {"a\xFF.example", NULL},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct jid_buf buf;
		struct jid j;
		bool ok = jid_prepare(&j, &buf, str_z(cases[i].in));
		if (ok != (cases[i].out != NULL) || (ok && !str_is(j.full, cases[i].out)))
			fail_msg("%s: %s, not %s", cases[i].in, ok ? buf.text : "refused",
			    cases[i].out ? cases[i].out : "refused");
	}
}

static void
test_inv_27_idempotent(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct jid_buf once, twice;
		struct jid a, b;
		if (!jid_prepare(&a, &once, str_z(cases[i].in)))
			continue;
		assert_true(jid_prepare(&b, &twice, a.full));
		assert_true(str_eq(a.full, b.full));
	}
}

/* Random strings of characters that mappings change: what is accepted must not change again. */
static void
test_inv_27_idempotent_random(void **state)
{
	(void)state;
	static const uint32_t pool[] = {'a', 'A', '.', '-', 0xE9, 0x301, 0x130, 0x3A3, 0x3C2,
	    0xFF21, 0xFF0E, 0x212A, 0x2126, 0x5D0, 0x661, 0x200D, 0x94D, 0x915, 0xAC00, 0xFF76,
	    0xFF9E, 0x1E9B, 0x323, 0x3000};
	unsigned seed = 1, accepted = 0;
	for (int round = 0; round < 20000; round++) {
		char in[64];
		size_t n = 0;
		for (int i = 0; i < 6; i++) {
			seed = seed * 1103515245 + 12345;
			uint32_t c = pool[(seed >> 16) % COUNT(pool)];
			n += (size_t)snprintf(in + n, sizeof(in) - n,
			    c < 0x80        ? "%c"
				: c < 0x800 ? "%c%c"
					    : "%c%c%c",
			    c < 0x80        ? (int)c
				: c < 0x800 ? (int)(0xC0 | c >> 6)
					    : (int)(0xE0 | c >> 12),
			    c < 0x800 ? (int)(0x80 | (c & 0x3F)) : (int)(0x80 | (c >> 6 & 0x3F)),
			    (int)(0x80 | (c & 0x3F)));
		}
		bool (*const parts[])(struct str *, struct jid_buf *, struct str) = {
		    jid_prepare_local, jid_prepare_domain, jid_prepare_resource};
		for (size_t p = 0; p < COUNT(parts); p++) {
			struct jid_buf once, twice;
			struct str a, b;
			if (!parts[p](&a, &once, str_of(in, n)))
				continue;
			accepted++;
			assert_true(parts[p](&b, &twice, a));
			assert_true(str_eq(a, b));
		}
	}
	assert_true(accepted > 1000);
}

static void
check_limit(bool (*part)(struct str *, struct jid_buf *, struct str), const char *unit,
    size_t bytes, bool ok)
{
	char *in = mem_new(bytes + 1);
	size_t u = strlen(unit), n = bytes % u;
	struct jid_buf buf;
	struct str out;
	memset(in, 'a', n);
	for (; n < bytes; n += u)
		memcpy(in + n, unit, u);
	assert_int_equal(part(&out, &buf, str_of(in, bytes)), ok);
	if (ok)
		assert_int_equal(out.n, bytes);
	free(in);
}

static void
test_inv_26_limits(void **state)
{
	(void)state;
	static const char *const units[] = {"a", "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x90\x90\xA8"};
	for (size_t i = 0; i < COUNT(units); i++) {
		for (size_t n = 1020; n <= 1027; n++) {
			check_limit(jid_prepare_local, units[i], n, n <= 1023);
			check_limit(jid_prepare_resource, units[i], n, n <= 1023);
		}
	}
	for (size_t n = 1020; n <= 1027; n++)
		check_limit(jid_prepare_domain, "a.b", n, n <= 1023);
	check_limit(jid_prepare_domain, "a", 63, true);
	check_limit(jid_prepare_domain, "a", 64, false);
	check_limit(jid_prepare_resource, "a", 1000000, false);
	check_limit(jid_prepare_domain, "\xC3\xA9", 1000000, false);
}

static void
test_inv_26_whole_address(void **state)
{
	(void)state;
	static char in[JID_MAX + 2];
	struct jid_buf buf;
	struct jid j;
	memset(in, 'a', JID_MAX);
	in[JID_PART_MAX] = '@';
	for (size_t i = JID_PART_MAX + 2; i < 2 * JID_PART_MAX + 1; i += 2)
		in[i] = '.';
	in[2 * JID_PART_MAX + 1] = '/';
	assert_true(jid_prepare(&j, &buf, str_of(in, JID_MAX)));
	assert_int_equal(j.full.n, JID_MAX);
	assert_int_equal(j.local.n, JID_PART_MAX);
	assert_int_equal(j.domain.n, JID_PART_MAX);
	assert_int_equal(j.resource.n, JID_PART_MAX);
	in[JID_MAX] = 'a';
	assert_false(jid_prepare(&j, &buf, str_of(in, JID_MAX + 1)));
	assert_int_equal(j.full.n, JID_MAX);
}

static void
test_embedded_nul(void **state)
{
	(void)state;
	struct jid_buf buf;
	struct jid j;
	assert_false(jid_prepare(&j, &buf, S("a\0b@c")));
	assert_false(jid_prepare(&j, &buf, S("a@c\0d")));
	assert_false(jid_prepare(&j, &buf, S("a@[::1\0]")));
	assert_false(jid_prepare(&j, &buf, S("a@b\xC3\xBC\0x")));
	assert_false(jid_prepare(&j, &buf, S("a@c/\0")));
	assert_false(jid_prepare(&j, &buf, S("a@c/\xC3\xA9\0")));
}

static void
test_split_and_join(void **state)
{
	(void)state;
	static const struct {
		const char *in, *local, *domain, *resource, *bare;
	} splits[] = {
	    {"a@b/c", "a", "b", "c", "a@b"},
	    {"a@b", "a", "b", "", "a@b"},
	    {"b/c@d/e", "", "b", "c@d/e", "b"},
	    {"b", "", "b", "", "b"},
	};
	for (size_t i = 0; i < COUNT(splits); i++) {
		struct jid j = jid_split(str_z(splits[i].in));
		assert_true(str_is(j.full, splits[i].in));
		assert_true(str_is(j.local, splits[i].local));
		assert_true(str_is(j.domain, splits[i].domain));
		assert_true(str_is(j.resource, splits[i].resource));
		assert_true(str_is(j.bare, splits[i].bare));
		assert_int_equal(jid_is_bare(&j), splits[i].resource[0] == '\0');
	}
	struct jid_buf buf;
	struct jid joined = jid_join(&buf, S("a@b"), S("c"));
	assert_true(str_is(joined.full, "a@b/c"));
	assert_string_equal(buf.text, "a@b/c");
}

static void
test_password(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} passwords[] = {
	    {"correct horse battery staple", "correct horse battery staple"},
	    {"Correct Horse", "Correct Horse"},
	    {"\xCF\x80\xC3\x9F\xC3\xA5", "\xCF\x80\xC3\x9F\xC3\xA5"},
	    {"Jack of \xE2\x99\xA6s", "Jack of \xE2\x99\xA6s"},
	    {"foo\xE1\x9A\x80"
	     "bar",
		"foo bar"}, /* ogham space */
	    {"e\xCC\x81", "\xC3\xA9"},
	    {"", NULL},
	    {"my cat is a \x09"
	     "by",
		NULL},
	    {"\xFF", NULL},
	};
	for (size_t i = 0; i < COUNT(passwords); i++) {
		size_t n = 0;
		char *p = jid_prepare_password(str_z(passwords[i].in), &n);
		assert_int_equal(p != NULL, passwords[i].out != NULL);
		if (p) {
			assert_string_equal(p, passwords[i].out);
			assert_int_equal(n, strlen(p));
		}
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_inv_27_idempotent),
	    cmocka_unit_test(test_inv_27_idempotent_random),
	    cmocka_unit_test(test_inv_26_limits),
	    cmocka_unit_test(test_inv_26_whole_address),
	    cmocka_unit_test(test_embedded_nul),
	    cmocka_unit_test(test_split_and_join),
	    cmocka_unit_test(test_password),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
