/* Escapes at every place of a text: what is looked at in blocks and what is not must come out the same. */
#include "xml/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define LEN 40

static const struct {
	const char *sent, *in_text, *in_attr; /* NULL: left out */
} cases[] = {
    {"&", "&amp;", "&amp;"},
    {"<", "&lt;", "&lt;"},
    {">", "&gt;", "&gt;"},
    {"\r", "&#13;", "&#13;"},
    {"\n", "\n", "&#10;"},
    {"\t", "\t", "&#9;"},
    {"'", "'", "&apos;"},
    {"\"", "\"", "&quot;"},
    {"~", "~", "~"},
    {" ", " ", " "},
    {"\x7F", "\x7F", "\x7F"},
    {"\xC3\xA9", "\xC3\xA9", "\xC3\xA9"},
    {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
    {"\x1F", NULL, NULL},
    {"\xEF\xBF\xBF", NULL, NULL},
};

static void
check(void (*write)(struct buf *, struct str), const char *sent, const char *expected, size_t at,
    size_t length)
{
	struct buf in = {0}, want = {0}, got = {0};
	for (size_t i = 0; i < length; i++) {
		char c = (char)('a' + i % 26);
		buf_add(&in, &c, 1);
		buf_add(&want, &c, 1);
		if (i == at) {
			buf_add_z(&in, sent);
			buf_add_z(&want, expected);
		}
	}
	write(&got, buf_str(&in));
	assert_int_equal(buf_len(&got), buf_len(&want));
	assert_memory_equal(got.data, want.data, buf_len(&want));
	buf_deinit(&in);
	buf_deinit(&want);
	buf_deinit(&got);
}

static void
test_every_place(void **state)
{
	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		for (size_t length = 1; length < LEN; length++) {
			for (size_t at = 0; at < length; at++) {
				const char *text = cases[c].in_text ? cases[c].in_text : "";
				const char *attr = cases[c].in_attr ? cases[c].in_attr : "";
				check(escape_any_text, cases[c].sent, text, at, length);
				check(escape_any_attr, cases[c].sent, attr, at, length);
				if (!cases[c].in_text)
					continue; /* no such character comes from the parser */
				check(escape_text, cases[c].sent, text, at, length);
				check(escape_attr, cases[c].sent, attr, at, length);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
