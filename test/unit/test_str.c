/* str: comparison, splitting, numbers, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

static void
test_compare(void **state)
{
	(void)state;
	assert_true(str_eq((struct str){0}, S("")));
	assert_false(str_eq(S("a"), S("b")));
	assert_false(str_is(S("a"), "ab"));
	assert_true(str_starts(S("abc"), S("ab")));
	assert_true(str_starts(S("abc"), S("")));
	assert_false(str_starts(S("ab"), S("abc")));
	assert_true(str_ends(S("abc"), S("bc")));
	assert_true(str_ends(S("abc"), S("abc")));
	assert_false(str_ends(S("bc"), S("abc")));
	assert_true(str_cmp(S("a"), S("b")) < 0);
	assert_true(str_cmp(S("ab"), S("a")) > 0);
	assert_int_equal(str_cmp(S(""), (struct str){0}), 0);
	assert_int_equal(str_z(NULL).n, 0);
}

static void
test_split(void **state)
{
	(void)state;
	static const struct {
		const char *in, *head, *rest;
		bool found;
	} cases[] = {
	    {"a/b", "a", "b", true},
	    {"a/b/c", "a", "b/c", true},
	    {"/b", "", "b", true},
	    {"a/", "a", "", true},
	    {"a", "a", "", false},
	    {"", "", "", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str head, rest;
		assert_int_equal(str_split(str_z(cases[i].in), '/', &head, &rest), cases[i].found);
		assert_true(str_is(head, cases[i].head));
		assert_true(str_is(rest, cases[i].rest));
	}
	assert_int_equal(str_find(S("abc"), 'c'), 2);
	assert_int_equal(str_find(S("abc"), 'x'), 3);
	assert_true(str_is(str_from(S("abc"), 1), "bc"));
	assert_int_equal(str_from(S("abc"), 4).n, 0);
}

static void
test_trim(void **state)
{
	(void)state;
	assert_true(str_is(str_trim(S(" \t\r\n a b \n")), "a b"));
	assert_true(str_is(str_trim(S("  ")), ""));
	assert_true(str_is(str_trim((struct str){0}), ""));
}

static void
test_copies(void **state)
{
	(void)state;
	char small[4] = "zzz";
	char *z = str_dup(S("a\0b"));
	assert_memory_equal(z, "a\0b", 4);
	free(z);
	assert_true(str_copy(small, sizeof(small), S("abc")));
	assert_string_equal(small, "abc");
	assert_false(str_copy(small, sizeof(small), S("abcd")));
	assert_string_equal(small, "abc");
}

static void
test_u64(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool ok;
		uint64_t v;
	} cases[] = {
	    {"0", true, 0},
	    {"007", true, 7},
	    {"18446744073709551615", true, UINT64_MAX},
	    {"18446744073709551616", false, 0},
	    {"99999999999999999999", false, 0},
	    {"", false, 0},
	    {"-1", false, 0},
	    {"+1", false, 0},
	    {" 1", false, 0},
	    {"1 ", false, 0},
	    {"1x", false, 0},
	    {"0x1", false, 0},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t v = 77;
		assert_int_equal(str_u64(str_z(cases[i].in), &v), cases[i].ok);
		assert_true(v == (cases[i].ok ? cases[i].v : 77));
	}
}

static void
test_inv_04_strict_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool ok;
	} cases[] = {
	    {"", true},
	    {"plain", true},
	    {"\xC3\xA9", true},
	    {"\xE2\x82\xAC", true},
	    {"\xF0\x9F\x98\x80", true},
	    {"\xED\x9F\xBF", true},     /* U+D7FF */
	    {"\xEE\x80\x80", true},     /* U+E000 */
	    {"\xF4\x8F\xBF\xBF", true}, /* U+10FFFF */
	    {"\x80", false},
	    {"\xBF", false},
	    {"\xC0\xAF", false}, /* overlong '/' */
	    {"\xC1\xBF", false},
	    {"\xE0\x80\xAF", false},
	    {"\xE0\x9F\xBF", false},
	    {"\xF0\x80\x80\xAF", false},
	    {"\xF0\x8F\xBF\xBF", false},
	    {"\xED\xA0\x80", false}, /* surrogate */
	    {"\xED\xBF\xBF", false},
	    {"\xF4\x90\x80\x80", false}, /* over U+10FFFF */
	    {"\xF5\x80\x80\x80", false},
	    {"\xFE", false},
	    {"\xFF", false},
	    {"a\xC3", false}, /* cut short */
	    {"a\xE2\x82", false},
	    {"a\xF0\x9F\x98", false},
	    {"\xC3\x28", false},
	    {"\xE2\x28\xA1", false},
	    {"\xE2\x82\x28", false},
	    {"\xF0\x9F\x98\x28", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(str_is_utf8(str_z(cases[i].in)), cases[i].ok);
	for (size_t at = 0; at < 20; at++) {
		char text[] = "abcdefghijklmnopqrst";
		assert_int_equal(str_ascii_len(str_z(text)), 20);
		text[at] = '\xC3';
		assert_int_equal(str_ascii_len(str_z(text)), at);
		assert_false(str_is_utf8(str_z(text)));
		if (at == 19)
			continue;
		text[at + 1] = '\xA9';
		assert_true(str_is_utf8(str_z(text)));
	}
	assert_int_equal(str_utf8_len(S("\xE2\x82\xAC!")), 3);
	assert_int_equal(str_utf8_len(S("")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_trim),
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_u64),
	    cmocka_unit_test(test_inv_04_strict_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
