/* Sealing of secrets across the router. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/id.h"
#include "bus/seal.h"

static uint8_t server_public[SEAL_KEY_BYTES], server_secret[SEAL_KEY_BYTES];
static struct seal client, server;

static int
setup(void **state)
{
	uint8_t client_public[SEAL_KEY_BYTES];
	(void)state;
	id_init();
	crypto_kx_keypair(server_public, server_secret);
	assert_true(seal_start_client(&client, server_public, client_public));
	assert_true(seal_start_server(&server, server_public, server_secret, client_public));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	seal_deinit(&client);
	seal_deinit(&server);
	assert_false(client.ready);
	return 0;
}

static void
test_both_ways(void **state)
{
	(void)state;
	struct buf sealed = {0}, plain = {0};
	seal_close(&client, S("secret"), &sealed);
	assert_int_equal(buf_len(&sealed), 6 + SEAL_OVERHEAD);
	assert_null(memmem(sealed.data, sealed.end, "secret", 6));
	assert_true(seal_open(&server, buf_str(&sealed), &plain));
	assert_true(str_is(buf_str(&plain), "secret"));
	/* a replay of the bus is opened again */
	buf_clear(&plain);
	assert_true(seal_open(&server, buf_str(&sealed), &plain));
	buf_clear(&sealed);
	buf_clear(&plain);
	seal_close(&server, S(""), &sealed);
	assert_true(seal_open(&client, buf_str(&sealed), &plain));
	assert_int_equal(buf_len(&plain), 0);
	/* one's own box is not taken for the other's */
	assert_false(seal_open(&server, buf_str(&sealed), &plain));
	buf_deinit(&sealed);
	buf_deinit(&plain);
}

static void
test_equal_secrets_look_different(void **state)
{
	(void)state;
	struct buf a = {0}, b = {0};
	seal_close(&client, S("secret"), &a);
	seal_close(&client, S("secret"), &b);
	assert_memory_not_equal(a.data, b.data, a.end);
	buf_deinit(&a);
	buf_deinit(&b);
}

static void
test_every_changed_or_missing_byte_is_noticed(void **state)
{
	(void)state;
	struct buf sealed = {0}, plain = {0};
	seal_close(&client, S("secret"), &sealed);
	for (size_t i = 0; i < buf_len(&sealed); i++) {
		assert_false(seal_open(&server, str_of(sealed.data, i), &plain));
		sealed.data[i] ^= 1;
		assert_false(seal_open(&server, buf_str(&sealed), &plain));
		sealed.data[i] ^= 1;
	}
	assert_int_equal(buf_len(&plain), 0);
	assert_true(seal_open(&server, buf_str(&sealed), &plain));
	buf_deinit(&sealed);
	buf_deinit(&plain);
}

static void
test_other_keys_open_nothing(void **state)
{
	(void)state;
	struct seal other = {0}, none = {0};
	uint8_t public[SEAL_KEY_BYTES], bad[SEAL_KEY_BYTES] = {0};
	struct buf sealed = {0}, plain = {0};
	assert_true(seal_start_client(&other, server_public, public));
	seal_close(&other, S("secret"), &sealed);
	assert_false(seal_open(&server, buf_str(&sealed), &plain));
	assert_false(seal_open(&none, buf_str(&sealed), &plain));
	/* a public key of small order would give a known session key */
	assert_false(seal_start_client(&none, bad, public));
	assert_false(seal_start_server(&none, server_public, server_secret, bad));
	seal_deinit(&other);
	buf_deinit(&sealed);
	buf_deinit(&plain);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_both_ways),
	    TEST(test_equal_secrets_look_different),
	    TEST(test_every_changed_or_missing_byte_is_noticed),
	    TEST(test_other_keys_open_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
