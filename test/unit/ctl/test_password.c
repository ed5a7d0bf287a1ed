/* ctl/password.c, ctl/archive.c: what operators type, and names in a backup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive.h"
#include "password.h"

static void
check_split(const char *line, const char *jid, const char *password)
{
	struct str j, p;

	assert_true(password_split_line(str_z(line), &j, &p));
	assert_true(str_is(j, jid));
	assert_true(str_is(p, password));
}

static void
test_import_lines(void **state)
{
	struct str j, p;

	(void)state;
	check_split("a@b secret", "a@b", "secret");
	check_split("  a@b secret\r", "a@b", "secret");
	check_split("a@b two words ", "a@b", "two words ");
	check_split("a@b\tsecret", "a@b", "secret");
	check_split("", "", "");
	check_split("   ", "", "");
	check_split("# a@b secret", "", "");
	assert_false(password_split_line(S("a@b"), &j, &p));
	assert_false(password_split_line(S("a@b "), &j, &p));
}

static void
test_any_text_is_a_password(void **state)
{
	char longest[PASSWORD_MAX + 1];
	struct err err;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(password_check(S("x"), &err), 0);
	assert_int_equal(password_check(S(" "), &err), 0);
	assert_int_equal(password_check(S("p\303\244ssw\303\266rd \342\230\203"), &err), 0);
	assert_int_equal(password_check(str_of(longest, PASSWORD_MAX), &err), 0);
	assert_int_equal(password_check(str_of(longest, PASSWORD_MAX + 1), &err), -1);
	assert_int_equal(password_check(S(""), &err), -1);
	assert_int_equal(password_check(S("\377"), &err), -1);
	assert_int_equal(password_check(S("a\001b"), &err), -1);
}

static void
test_members_stay_in_their_folders(void **state)
{
	static const char *const refused[] = {"", "etc", "etc/", "/etc/passwd", "etc/../x",
	    "etc/a/b", "etc/.hidden", "keys/..", "authd/x", "authd/data/", "other/x", "etcx/y",
	    "./etc/x"};
	const char *name;

	(void)state;
	assert_non_null(archive_find("etc/jackdaw.conf", &name));
	assert_string_equal(name, "jackdaw.conf");
	assert_non_null(archive_find("storaged/data/main.db-wal", &name));
	assert_string_equal(name, "main.db-wal");
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_null(archive_find(refused[i], &name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_import_lines),
	    cmocka_unit_test(test_any_text_is_a_password),
	    cmocka_unit_test(test_members_stay_in_their_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
