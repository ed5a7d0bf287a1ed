/* Dialback keys (XEP-0185, INV-6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/id.h"
#include "key.h"

static void
expect_key(struct str secret, struct key_names names, const char *key)
{
	char out[KEY_HEX + 1];

	key_make(out, secret, &names);
	assert_string_equal(out, key);
	assert_true(key_is_right(str_z(key), secret, &names));
}

/* The example of XEP-0185 §3.1. */
static void
test_inv_06_the_key_is_that_of_the_specification(void **state)
{
	(void)state;
	expect_key(S("s3cr3tf0rd14lb4ck"),
	    (struct key_names){.receiving = S("xmpp.example.com"),
		.originating = S("example.org"),
		.id = S("D60000229F")},
	    "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643");
}

/* No other split of the same bytes has the same key. */
static void
test_inv_06_fields_do_not_run_into_each_other(void **state)
{
	static const struct key_names SPLITS[] = {
	    {S("a.example"), S("b.example"), S("c")},
	    {S("b.example"), S("a.example"), S("c")},
	    {S("a.exampleb"), S(".example"), S("c")},
	    {S("a.example"), S("b.examplec"), S("")},
	    {S(""), S("a.example"), S("b.example c")},
	};
	char keys[sizeof(SPLITS) / sizeof(SPLITS[0])][KEY_HEX + 1];
	size_t n = sizeof(SPLITS) / sizeof(SPLITS[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		key_make(keys[i], S("secret"), &SPLITS[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
	}
}

static void
test_m_05_another_secret_or_stream_makes_another_key(void **state)
{
	struct key_names names = {S("a.example"), S("b.example"), S("one")};
	char key[KEY_HEX + 1];

	(void)state;
	key_make(key, S("secret"), &names);
	assert_false(key_is_right(str_z(key), S("Secret"), &names));
	assert_false(key_is_right(str_of(key, KEY_HEX - 1), S("secret"), &names));
	assert_false(key_is_right(S(""), S("secret"), &names));
	names.id = S("two");
	assert_false(key_is_right(str_z(key), S("secret"), &names));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_06_the_key_is_that_of_the_specification),
	    cmocka_unit_test(test_inv_06_fields_do_not_run_into_each_other),
	    cmocka_unit_test(test_m_05_another_secret_or_stream_makes_another_key),
	};

	id_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
