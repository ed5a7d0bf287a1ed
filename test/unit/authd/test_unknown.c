/* An account that does not exist looks like one with another password (INV-16); nonces are fresh
 * (INV-17). */
#include "sasl_rig.h"

#include <string.h>

#include "base/mem.h"

/* Everything that an observer sees of a login as `user`: the challenge with salt and nonce masked,
 * and the end. */
static void
transcript(struct buf *out, const char *mechanism, const char *user)
{
	struct rig_client c = {
	    .mechanism = mechanism, .authcid = user, .password = "no such password"};
	struct sasl_terms terms = rig_terms(mechanism);
	struct sasl s;
	struct str nonce, salt, rest;

	rig_server_first[0] = '\0';
	enum sasl_step step = rig_login(&s, &c, &terms);
	str_split(str_z(rig_server_first), ',', &nonce, &rest);
	str_split(rest, ',', &salt, &rest);
	buf_printf(out, "%zu %zu %.*s step %d condition %d output %zu", nonce.n, salt.n,
	    STR_ARG(rest), step, s.condition, sasl_output(&s).n);
	sasl_deinit(&s);
}

static void
test_inv_16_unknown_user_is_a_wrong_password(void **state)
{
	static const char *const names[] = {
	    "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", "PLAIN"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct buf known = {0}, unknown = {0};

		transcript(&known, names[i], "alice");
		transcript(&unknown, names[i], "nobody");
		assert_true(buf_len(&known) > 20);
		assert_true(str_eq(buf_str(&known), buf_str(&unknown)));
		buf_deinit(&known);
		buf_deinit(&unknown);
	}
}

/* Asked again, an account that does not exist has the same salt; another name, hash or server has
 * another. */
static void
test_inv_16_fake_salts_are_steady(void **state)
{
	struct credential a, b;
	uint8_t other_key[CREDENTIAL_FAKE_KEY_BYTES] = "another server";

	(void)state;
	credential_fake(&a, DIGEST_SHA1, rig_server.fake_key, S("nobody@example.org"), 4096);
	credential_fake(&b, DIGEST_SHA1, rig_server.fake_key, S("nobody@example.org"), 4096);
	assert_memory_equal(&a, &b, sizeof(a));
	credential_fake(&b, DIGEST_SHA1, rig_server.fake_key, S("nobody2@example.org"), 4096);
	assert_memory_not_equal(a.salt, b.salt, a.salt_n);
	credential_fake(&b, DIGEST_SHA256, rig_server.fake_key, S("nobody@example.org"), 4096);
	assert_memory_not_equal(a.salt, b.salt, a.salt_n);
	credential_fake(&b, DIGEST_SHA1, other_key, S("nobody@example.org"), 4096);
	assert_memory_not_equal(a.salt, b.salt, a.salt_n);
	assert_memory_not_equal(a.stored_key, a.server_key, digest_size(DIGEST_SHA1));
}

/* The work that PLAIN asks the worker for is the same in kind and amount. */
static void
test_inv_16_plain_does_the_same_work(void **state)
{
	static const char *const messages[] = {"\0alice\0wrong one", "\0nobody\0wrong one"};
	struct credential work[2];

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct sasl s = {0};
		struct sasl_terms terms = rig_terms("PLAIN");
		size_t n = 1 + strlen(messages[i] + 1) + 1 + strlen("wrong one");

		assert_int_equal(
		    sasl_begin(&s, &rig_server, &terms, true, str_of(messages[i], n)), STEP_FIND);
		assert_int_equal(sasl_found(&s, rig_find(s.jid), 1), STEP_DERIVE);
		work[i] = s.derived;
		sasl_derive(&s);
		assert_int_equal(sasl_derived(&s), STEP_FAILURE);
		assert_int_equal(s.condition, SASL_NOT_AUTHORIZED);
		sasl_deinit(&s);
	}
	assert_int_equal(work[0].iterations, work[1].iterations);
	assert_int_equal(work[0].salt_n, work[1].salt_n);
}

static void
test_inv_17_nonces_differ(void **state)
{
	char before[SASL_MESSAGE_MAX];
	struct rig_client c = {
	    .mechanism = "SCRAM-SHA-1", .authcid = "alice", .password = "wonderland"};
	struct sasl_terms terms = rig_terms(c.mechanism);
	struct sasl s;

	(void)state;
	rig_login(&s, &c, &terms);
	sasl_deinit(&s);
	memcpy(before, rig_server_first, sizeof(before));
	rig_login(&s, &c, &terms);
	sasl_deinit(&s);
	assert_string_not_equal(before, rig_server_first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_16_unknown_user_is_a_wrong_password),
	    cmocka_unit_test(test_inv_16_fake_salts_are_steady),
	    cmocka_unit_test(test_inv_16_plain_does_the_same_work),
	    cmocka_unit_test(test_inv_17_nonces_differ),
	};

	return cmocka_run_group_tests(tests, rig_setup, NULL);
}
