/* ctl/edit.c: lists in a settings file change, nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edit.h"

static bool
same(struct str value, struct str wanted)
{
	return str_eq(value, wanted);
}

static void
check_add(const char *before, const char *after)
{
	struct buf b = {0};

	edit_list_add(str_z(before), "domains", S("new"), &b);
	buf_add_c(&b, '\0');
	assert_string_equal(buf_str(&b).p, after);
	buf_deinit(&b);
}

static void
check_del(const char *before, const char *after, unsigned n)
{
	struct buf b = {0};

	assert_int_equal(edit_list_del(str_z(before), "domains", S("old"), same, &b), n);
	buf_add_c(&b, '\0');
	assert_string_equal(buf_str(&b).p, after);
	buf_deinit(&b);
}

static void
test_adds_to_a_list(void **state)
{
	(void)state;
	check_add("domains = {\"a\"}\n", "domains = {\"a\", \"new\"}\n");
	check_add("domains={a, b}", "domains={a, b, \"new\"}");
	check_add("domains = {}\n", "domains = {\"new\"}\n");
	check_add(
	    "x = 1\ndomains = { 'a', }\ny = 2\n", "x = 1\ndomains = { 'a', \"new\" }\ny = 2\n");
	check_add("domains = a # one\n", "domains = {a, \"new\"} # one\n");
	check_add("domains = {a}\ndomains += {b}\n", "domains = {a}\ndomains += {b, \"new\"}\n");
}

static void
test_keeps_comments_and_layout(void **state)
{
	(void)state;
	check_add("domains = {\n\t\"a\", # ours\n\t\"b\" # theirs, too\n}\n",
	    "domains = {\n\t\"a\", # ours\n\t\"b\", \"new\" # theirs, too\n}\n");
	check_add("# domains = {x}\ndomains /* } */ = {a}\n",
	    "# domains = {x}\ndomains /* } */ = {a, \"new\"}\n");
	check_del("domains = {\n\t\"a\",\n\t\"old\", // gone\n\t\"b\"\n}\n",
	    "domains = {\n\t\"a\",\n\t// gone\n\t\"b\"\n}\n", 1);
}

static void
test_adds_a_statement(void **state)
{
	(void)state;
	check_add("", "domains = {\"new\"}\n");
	check_add("x = 1", "x = 1\ndomains = {\"new\"}\n");
	check_add("# help\n# domains = {}\n\nx = 1\n",
	    "# help\n# domains = {}\ndomains = {\"new\"}\n\nx = 1\n");
	check_add("#domains = {}", "#domains = {}\ndomains = {\"new\"}\n");
}

static void
test_only_the_named_list_at_the_top(void **state)
{
	(void)state;
	check_add("s { domains = {a} }\n", "s { domains = {a} }\ndomains = {\"new\"}\n");
	check_add("text = \"domains = {\"\n", "text = \"domains = {\"\ndomains = {\"new\"}\n");
	check_add("other = {domains, x}\n", "other = {domains, x}\ndomains = {\"new\"}\n");
	check_del("mydomains = {old}\ns { domains = {old} }\n",
	    "mydomains = {old}\ns { domains = {old} }\n", 0);
}

static void
test_deletes(void **state)
{
	(void)state;
	check_del("domains = {\"old\"}\n", "domains = {}\n", 1);
	check_del("domains = {old, a}\n", "domains = {a}\n", 1);
	check_del("domains = {a, 'old'}\n", "domains = {a}\n", 1);
	check_del("domains = {a, old, b}\n", "domains = {a, b}\n", 1);
	check_del("domains = {old, old}\n", "domains = {}\n", 2);
	check_del("domains = {a, old, old}\n", "domains = {a, }\n", 2);
	check_del("domains = old\n", "domains = {}\n", 1);
	check_del("domains = {a}\ndomains += {old}\n", "domains = {a}\ndomains += {}\n", 1);
	check_del("domains = {a}\n", "domains = {a}\n", 0);
}

static void
test_broken_files_do_no_harm(void **state)
{
	static const char *const broken[] = {"domains = {", "domains = {a", "domains = {\"a",
	    "domains =", "domains", "/*", "\"", "domains = {a,", "}}} domains = {a", "\"\\"};

	(void)state;
	for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct buf b = {0};

		edit_list_add(str_z(broken[i]), "domains", S("new"), &b);
		buf_clear(&b);
		edit_list_del(str_z(broken[i]), "domains", S("old"), same, &b);
		buf_deinit(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_adds_to_a_list),
	    cmocka_unit_test(test_keeps_comments_and_layout),
	    cmocka_unit_test(test_adds_a_statement),
	    cmocka_unit_test(test_only_the_named_list_at_the_top),
	    cmocka_unit_test(test_deletes),
	    cmocka_unit_test(test_broken_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
