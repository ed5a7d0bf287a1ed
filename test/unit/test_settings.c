/* common/service/settings*.c: what stands in a file, and what is said about what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service/settings.h"

struct door {
	const char *title;
	int64_t port;
	struct setting_strings names;
	const char *token;
};

struct values {
	int64_t number, low;
	bool flag;
	const char *text, *password;
	int word;
	struct setting_strings list, tokens;
	struct setting_sections doors;
};

#define AT(member) offsetof(struct values, member)

static int
check_even(const char *value, struct err *err)
{
	return strlen(value) % 2 == 0 ? 0 : err_set(err, "\"%s\" is odd", value);
}

static const struct setting door_table[] = {
    {.name = "port",
	.type = SETTING_INT,
	.offset = offsetof(struct door, port),
	.def = "22",
	.min = 1,
	.max = 99},
    {.name = "names",
	.type = SETTING_LIST,
	.offset = offsetof(struct door, names),
	.max = 9,
	.check = check_even},
    {.name = "token", .type = SETTING_STRING, .offset = offsetof(struct door, token), .secret = true},
    {.name = NULL},
};

static const struct setting table[] = {
    {.name = "number", .type = SETTING_INT, .offset = AT(number), .def = "7", .min = 1, .max = 9},
    {.name = "low", .type = SETTING_INT, .offset = AT(low), .def = "0", .min = -9, .max = 0},
    {.name = "flag", .type = SETTING_BOOL, .offset = AT(flag), .def = "true", .help = "A flag"},
    {.name = "text", .type = SETTING_STRING, .offset = AT(text), .def = "t", .max = 20},
    {.name = "word", .type = SETTING_ENUM, .offset = AT(word), .def = "b", .text = "a|b|c"},
    {.name = "list", .type = SETTING_LIST, .offset = AT(list), .def = "{x, y}", .max = 20},
    {.name = "password",
	.type = SETTING_STRING,
	.offset = AT(password),
	.secret = true,
	.check = check_even},
    {.name = "tokens", .type = SETTING_LIST, .offset = AT(tokens), .secret = true},
    {.name = "door",
	.type = SETTING_SECTIONS,
	.offset = AT(doors),
	.section = door_table,
	.section_size = sizeof(struct door)},
    {.name = NULL},
};

static struct settings_pool *
parse_good(const char *text, struct values *v)
{
	struct settings_pool *pool;
	struct err err;

	memset(v, 0, sizeof(*v));
	if (settings_parse(table, v, "f.conf", text, &pool, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	return pool;
}

static void
test_defaults(void **state)
{
	struct values v;
	struct settings_pool *pool = parse_good("", &v);

	(void)state;
	assert_int_equal(v.number, 7);
	assert_true(v.flag);
	assert_string_equal(v.text, "t");
	assert_int_equal(v.word, 1);
	assert_int_equal(v.list.n, 2);
	assert_string_equal(v.list.v[1], "y");
	assert_int_equal(v.doors.n, 0);
	assert_int_equal(settings_line(pool, "number"), 0);
	settings_free(&pool);
	assert_null(pool);
}

static void
test_values_and_comments(void **state)
{
	static const char text[] =
	    "# number = 1\nnumber = 3 # three\n/* flag = true\n */ flag = false\n"
	    "text = \"a # b // c /* d\"\n// word = a\nword = c\nlist = {http://x, '#'}\n";
	struct values v;
	struct settings_pool *pool = parse_good(text, &v);

	(void)state;
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
test_sections(void **state)
{
	struct values v;
	struct settings_pool *pool =
	    parse_good("door \"a b\" {\n port = 5\n names = {ab, cd}\n}\ndoor c { }\n", &v);
	const struct door *d = v.doors.v;

	(void)state;
	assert_int_equal(v.doors.n, 2);
	assert_string_equal(d[0].title, "a b");
	assert_int_equal(d[0].port, 5);
	assert_int_equal(d[0].names.n, 2);
	assert_string_equal(d[1].title, "c");
	assert_int_equal(d[1].port, 22);
	settings_free(&pool);
}

/* What text = … becomes. */
static void
test_texts(void **state)
{
	static const struct {
		const char *written, *meant;
	} cases[] = {
	    {"plain", "plain"},
	    {"\"\"", ""},
	    {"\"a\\\"b\\\\\"", "a\"b\\"},
	    {"\"a\\tb\"", "a\tb"},
	    {"'a\"b'", "a\"b"},
	    {"'${HOME}'", "${HOME}"},
	    {"\"\\${HOME}\"", "${HOME}"},
	    {"\"$5 {x}\"", "$5 {x}"},
	    {"\"\xc3\xa4\"", "\xc3\xa4"},
	    {"\"}\"", "}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[100] = "text = ";
		struct values v;
		struct settings_pool *pool;

		strncat(text, cases[i].written, sizeof(text) - strlen(text) - 1);
		pool = parse_good(text, &v);
		assert_string_equal(v.text, cases[i].meant);
		settings_free(&pool);
	}
}

static const struct {
	const char *text, *error;
} broken[] = {
    {"nonsense = 1\n", "f.conf:1: no such option 'nonsense'"},
    {"# a\n#b = {c}\n\n#d = 1\nnonsense = 1\n", "f.conf:5: no such option 'nonsense'"},
    {"/* a\n b\n */\n// c\nnumber = 10\n", "f.conf:5: number: 10 is not within 1 and 9"},
    {"\nnumber = 10\nflag = true\n", "f.conf:2: number: 10 is not within 1 and 9"},
    {"number = 010\n",
	"f.conf:1: number: \"010\" is no whole number; write it with decimal digits only"},
    {"number = 0x5\n",
	"f.conf:1: number: \"0x5\" is no whole number; write it with decimal digits only"},
    {"number = ${JACKDAW_TEST}\n",
	"f.conf:1: ${...} is not replaced here; write the value, in single quotes if it is meant so"},
    {"text = \"a${JACKDAW_TEST}\"\n",
	"f.conf:1: ${...} is not replaced here; write the value, in single quotes if it is meant so"},
    {"text = a${JACKDAW_TEST}\n",
	"f.conf:1: ${...} is not replaced here; write the value, in single quotes if it is meant so"},
    {"number = soon\n",
	"f.conf:1: number: \"soon\" is no whole number; write it with decimal digits only"},
    {"number = 99999999999999999999\n",
	"f.conf:1: number: \"99999999999999999999\" is no whole number; write it with decimal digits only"},
    {"number = 5x\n",
	"f.conf:1: number: \"5x\" is no whole number; write it with decimal digits only"},
    {"number = \"\"\n",
	"f.conf:1: number: \"\" is no whole number; write it with decimal digits only"},
    {"low = -10\n", "f.conf:1: low: -10 is not within -9 and 0"},
    {"low = 1\n", "f.conf:1: low: 1 is not within -9 and 0"},
    {"flag = 2\n", "f.conf:1: invalid boolean value for option 'flag'"},
    {"word = \"a\xff"
     "b\"\n",
	"f.conf:1: word: \"a\\xFFb\" is not one of a|b|c"},
    {"word = z\n", "f.conf:1: word: \"z\" is not one of a|b|c"},
    {"# a\ntext = \"123456789012345678901\"\n", "f.conf:2: text: longer than 20 bytes"},
    {"list = {a, \"123456789012345678901\"}\n", "f.conf:1: list: longer than 20 bytes"},
    {"flag = true\nlist = {a\n", "f.conf:2: this { is never closed; add a }"},
    {"flag = true\n\"\nnumber = 10\n",
	"f.conf:2: this quote is not closed in its line; add the second one"},
    {"text = \"abc\nlist = \"x\"\n",
	"f.conf:1: this quote is not closed in its line; add the second one"},
    {"text = 'abc\n", "f.conf:1: this quote is not closed in its line; add the second one"},
    {"text = abc\"\n", "f.conf:1: this quote is not closed in its line; add the second one"},
    {"text = \"a\\\nb\"\n",
	"f.conf:1: a backslash must not end the line; write the text in one line"},
    {"text = \"a\\0b\"\n",
	"f.conf:1: numeric escapes are not understood; write the character itself"},
    {"text = \"a\\x00b\"\n",
	"f.conf:1: numeric escapes are not understood; write the character itself"},
    {"door a {\nport = 5\n", "f.conf:1: this { is never closed; add a }"},
    {"door a {\nport = 5\ndoor b {\n}\n", "f.conf:1: this { is never closed; add a }"},
    {"door \"\"+ {\n}\n", "f.conf:1: a + is for += only; put texts into quotes"},
    {"door \"\" {\n}\n", "f.conf:1: a section needs a name between its quotes"},
    {"door '' {\n}\n", "f.conf:1: a section needs a name between its quotes"},
    {"door {\n}\n", "f.conf:1: missing title for section 'door'"},
    {"door a {\n}\ndoor a {\n}\n", "f.conf:3: found duplicate title 'a'"},
    {"door a {\nport = 100\n}\n", "f.conf:2: port: 100 is not within 1 and 99"},
    {"door a {\nnames = {ab,\n abc}\n}\n", "f.conf:3: names: \"abc\" is odd"},
    {"door a {\nnonsense = 5\n}\n", "f.conf:2: no such option 'nonsense'"},
    {"door a { names = { {a} } }\n", "f.conf:1: this { is one too deep; is a } missing before it?"},
    {"number = 5\n}\n", "f.conf:2: this } closes nothing; remove it"},
    {"include(\"/etc/passwd\")\n", "f.conf:1: there are no ( and ) here; put texts into quotes"},
    {"include \"/etc/passwd\"\n", "f.conf:1: no such option 'include'"},
    {"number 5\n", "f.conf:1: missing equal sign after option 'number'"},
    {"number =\n", "f.conf:2: premature end of file"},
    {"number = \n\nflag = true\n",
	"f.conf:3: number: \"flag\" is no whole number; write it with decimal digits only"},
    {"= 5\n", "f.conf:1: unexpected token '='"},
    {"password = odd\n", "f.conf:1: password: is not of the form that it must have"},
    {"text = a\001b\n", "f.conf:1: there is a control character; remove it"},
    {"/* never\n closed\n", "f.conf:1: this comment is never closed; add */"},
    {"text = a b\n", "f.conf:1: no such option 'b'"},
    {"text = {a, b}\n", "f.conf:1: unexpected token '{'"},
    {"list += {z}\nlist = a, b\n", "f.conf:2: unexpected token ','"},
};

static void
test_errors(void **state)
{
	(void)state;
	setenv("JACKDAW_TEST", "5", 1);
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct settings_pool *pool;
		struct values v = {0};
		struct err err = {.text = "nothing"};

		if (settings_parse(table, &v, "f.conf", broken[i].text, &pool, &err) != -1)
			fail_msg("taken: %s", broken[i].text);
		assert_string_equal(err.text, broken[i].error);
		assert_int_equal(v.number, 0);
	}
}

static void
test_where(void **state)
{
	struct values v;
	struct settings_pool *pool =
	    parse_good("# 1\nnumber = 2\n\nnumber = 3\ndoor x {\nport = 5\n}\n"
		       "list = {\n a,\n b}\n",
		&v);
	struct err err;

	(void)state;
	assert_int_equal(settings_line(pool, "number"), 4);
	assert_int_equal(settings_line(pool, "list"), 10);
	assert_int_equal(settings_line(pool, "port"), 0);
	assert_int_equal(settings_line(pool, "door"), 0);
	err_set(&err, "number: larger than low");
	assert_int_equal(settings_err_where(pool, "f.conf", &err), -1);
	assert_string_equal(err.text, "f.conf:4: number: larger than low");
	err_set(&err, "low is too high");
	settings_err_where(pool, "f.conf", &err);
	assert_string_equal(err.text, "f.conf: low is too high");
	err_set(&err, "door \"x\": port needs a key");
	settings_err_where(pool, "f.conf", &err);
	assert_string_equal(err.text, "f.conf:6: door \"x\": port needs a key");
	err_set(&err, "door \"y\": port needs a key");
	settings_err_where(pool, "f.conf", &err);
	assert_string_equal(err.text, "f.conf: door \"y\": port needs a key");
	settings_free(&pool);
}

/* What -nn prints is a settings file again, but for the secrets (INV-28). */
static void
test_inv_28_print(void **state)
{
	static const char text[] =
	    "text = \"a\\\"b\\\\ \\${c}\"\npassword = \"canary12\"\ntokens = {canary1, canary2}\n"
	    "door d {\ntoken = canary3\nnames = {ab}\n}\n";
	struct values v, again;
	struct settings_pool *pool = parse_good(text, &v), *pool2;
	struct buf out = {.data = NULL};

	(void)state;
	settings_print(table, &v, &out);
	buf_add_c(&out, 0);
	assert_null(strstr((const char *)out.data, "canary"));
	assert_non_null(strstr((const char *)out.data, "password = \"***\""));
	assert_non_null(strstr((const char *)out.data, "tokens = {\"***\"}"));
	/* Three stars are odd. */
	*strstr((char *)out.data, "password") = '#';
	pool2 = parse_good((const char *)out.data, &again);
	assert_string_equal(again.text, v.text);
	assert_int_equal(again.number, v.number);
	assert_int_equal(again.doors.n, 1);
	buf_deinit(&out);
	settings_free(&pool);
	settings_free(&pool2);
}

static void
test_sample_is_all_comments(void **state)
{
	struct buf out = {.data = NULL};
	struct str rest, line;

	(void)state;
	settings_sample(table, &out);
	rest = buf_str(&out);
	while (!str_empty(rest)) {
		str_split(rest, '\n', &line, &rest);
		assert_true(str_empty(line) || line.p[0] == '#');
	}
	buf_add_c(&out, 0);
	assert_non_null(strstr((const char *)out.data, "# A flag\n#flag = true\n"));
	buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_values_and_comments),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_where),
	    cmocka_unit_test(test_inv_28_print),
	    cmocka_unit_test(test_sample_is_all_comments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
