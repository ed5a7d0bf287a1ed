/* common/service/settings.c: what stands in a file, and what is said about what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "service/settings.h"

struct values {
	int64_t number;
	bool flag;
	const char *text;
	int word;
	struct setting_strings list;
};

static const struct setting table[] = {
    {.name = "number",
	.type = SETTING_INT,
	.offset = offsetof(struct values, number),
	.def = "7",
	.min = 1,
	.max = 9},
    {.name = "flag", .type = SETTING_BOOL, .offset = offsetof(struct values, flag), .def = "true"},
    {.name = "text",
	.type = SETTING_STRING,
	.offset = offsetof(struct values, text),
	.def = "t",
	.max = 20},
    {.name = "word",
	.type = SETTING_ENUM,
	.offset = offsetof(struct values, word),
	.def = "b",
	.text = "a|b|c"},
    {.name = "list",
	.type = SETTING_LIST,
	.offset = offsetof(struct values, list),
	.def = "{x, y}",
	.max = 20},
    {.name = NULL},
};

static void
test_defaults(void **state)
{
	struct settings_pool *pool;
	struct values v = {0};
	struct err err;

	(void)state;
	assert_int_equal(settings_parse(table, &v, "f", "", &pool, &err), 0);
	assert_int_equal(v.number, 7);
	assert_true(v.flag);
	assert_string_equal(v.text, "t");
	assert_int_equal(v.word, 1);
	assert_int_equal(v.list.n, 2);
	assert_string_equal(v.list.v[1], "y");
	settings_free(&pool);
}

static void
test_values_and_comments(void **state)
{
	static const char text[] =
	    "# number = 1\nnumber = 3 # three\n/* flag = true\n */ flag = false\n"
	    "text = \"a # b // c /* d\"\n// word = a\nword = c\nlist = {http://x, '#'}\n";
	struct settings_pool *pool;
	struct values v = {0};
	struct err err;

	(void)state;
	assert_int_equal(settings_parse(table, &v, "f", text, &pool, &err), 0);
	assert_int_equal(v.number, 3);
	assert_false(v.flag);
	assert_string_equal(v.text, "a # b // c /* d");
	assert_int_equal(v.word, 2);
	assert_int_equal(v.list.n, 2);
	assert_string_equal(v.list.v[0], "http://x");
	assert_string_equal(v.list.v[1], "#");
	settings_free(&pool);
}

static void
check_error(const char *text, const char *where)
{
	struct settings_pool *pool;
	struct values v = {0};
	struct err err;

	assert_int_equal(settings_parse(table, &v, "f.conf", text, &pool, &err), -1);
	if (strncmp(err.text, where, strlen(where)) != 0)
		fail_msg("%s: expected %s", err.text, where);
}

static void
test_errors_name_the_line(void **state)
{
	(void)state;
	check_error("nonsense = 1\n", "f.conf:1:");
	check_error("# a\n#b = {c}\n\n#d = 1\nnonsense = 1\n", "f.conf:5:");
	check_error("/* a\n b\n */\n// c\nnumber = 10\n", "f.conf:5:");
	check_error("\nnumber = 10\nflag = true\n", "f.conf:2:");
	check_error("word = z\n", "f.conf:1:");
	check_error("# a\ntext = \"123456789012345678901\"\n", "f.conf:2:");
	check_error("flag = true\nlist = {a\n", "f.conf:");
	check_error("\nnumber = soon\n", "f.conf:2:");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_values_and_comments),
	    cmocka_unit_test(test_errors_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
