/* sign.c and edge.c: what keyd signs and what it refuses, whoever asks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/mem.h"
#include "edge.h"
#include "sign.h"
#include "tls_rig.h"

static struct rig_key ecdsa, rsa, ed25519;

static int
make_keys(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(tls_global_init(&err), 0);
	rig_key_make(&ecdsa, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	    "a.example", 1);
	rig_key_make(&rsa, GNUTLS_PK_RSA, 2048, "b.example", 2);
	rig_key_make(&ed25519, GNUTLS_PK_EDDSA_ED25519, 256, "c.example", 3);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	rig_key_free(&ecdsa);
	rig_key_free(&rsa);
	rig_key_free(&ed25519);
	return 0;
}

/* The status, and that a signature is there exactly when it says so. */
static enum keywire_status
try(const struct rig_key *k, unsigned algorithm, const void *data, size_t n, struct buf *signature)
{
	struct keywire_request r = {
	    .type = KEYWIRE_SIGN, .algorithm = algorithm, .data = str_of(data, n)};
	struct buf out = {0};

	enum keywire_status status = sign_request(k->key, k->pk, &r, &out);
	assert_int_equal(status == KEYWIRE_OK, buf_len(&out) > 0);
	if (signature != NULL)
		*signature = out;
	else
		buf_deinit(&out);
	return status;
}

static void
assert_verifies(const struct rig_key *k, gnutls_sign_algorithm_t algorithm, const void *digest,
    size_t n, struct buf *signature)
{
	gnutls_datum_t data = {.data = (unsigned char *)digest, .size = (unsigned)n};
	gnutls_datum_t s = {
	    .data = signature->data + signature->start, .size = (unsigned)buf_len(signature)};
	gnutls_pubkey_t pub;

	gnutls_pubkey_init(&pub);
	assert_int_equal(gnutls_pubkey_import_privkey(pub, k->key, 0, 0), 0);
	assert_true(gnutls_pubkey_verify_hash2(pub, algorithm, 0, &data, &s) >= 0);
	gnutls_pubkey_deinit(pub);
	buf_deinit(signature);
}

static const uint8_t digest[64] = "a digest of sixty-four bytes, of which the shorter ones take le";

static void
test_signatures_verify(void **state)
{
	static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	uint8_t wrapped[sizeof info + 32];
	struct buf s;

	(void)state;
	assert_int_equal(
	    try(&ecdsa, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, digest, 32, &s), KEYWIRE_OK);
	assert_verifies(&ecdsa, GNUTLS_SIGN_ECDSA_SHA256, digest, 32, &s);
	assert_int_equal(try(&ecdsa, GNUTLS_SIGN_ECDSA_SHA384, digest, 48, &s), KEYWIRE_OK);
	assert_verifies(&ecdsa, GNUTLS_SIGN_ECDSA_SHA384, digest, 48, &s);
	assert_int_equal(try(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, digest, 32, &s), KEYWIRE_OK);
	assert_verifies(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, digest, 32, &s);
	memcpy(wrapped, info, sizeof info);
	memcpy(wrapped + sizeof info, digest, 32);
	assert_int_equal(try(&rsa, GNUTLS_SIGN_RSA_RAW, wrapped, sizeof wrapped, &s), KEYWIRE_OK);
	assert_verifies(&rsa, GNUTLS_SIGN_RSA_SHA256, digest, 32, &s);
}

static void
test_foreign_algorithms(void **state)
{
	(void)state;
	assert_int_equal(
	    try(&ecdsa, GNUTLS_SIGN_RSA_SHA256, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
	assert_int_equal(
	    try(&rsa, GNUTLS_SIGN_ECDSA_SHA256, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
	assert_int_equal(try(&rsa, GNUTLS_SIGN_RSA_SHA1, digest, 20, NULL), KEYWIRE_BAD_ALGORITHM);
	assert_int_equal(
	    try(&ed25519, GNUTLS_SIGN_RSA_RAW, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
	assert_int_equal(
	    try(&ecdsa, GNUTLS_SIGN_EDDSA_ED25519, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
	for (unsigned a = 0; a < 100; a++)
		if (!keywire_may_sign(ecdsa.pk, a))
			assert_int_equal(try(&ecdsa, a, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
	assert_int_equal(try(&ecdsa, 0xffffffff, digest, 32, NULL), KEYWIRE_BAD_ALGORITHM);
}

static void
test_digests_of_wrong_length(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof digest; n++) {
		assert_int_equal(
		    try(&ecdsa, GNUTLS_SIGN_ECDSA_SHA256, digest, n, NULL) == KEYWIRE_OK, n == 32);
		assert_int_equal(
		    try(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, digest, n, NULL) == KEYWIRE_OK,
		    n == 48);
	}
}

/* No raw RSA: only a DigestInfo, and all of it. */
static void
test_digest_info(void **state)
{
	static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	uint8_t wrapped[sizeof info + 33] = {0};

	(void)state;
	memcpy(wrapped, info, sizeof info);
	for (size_t n = 0; n <= sizeof wrapped; n++)
		assert_int_equal(try(&rsa, GNUTLS_SIGN_RSA_RAW, wrapped, n, NULL),
		    n == sizeof wrapped - 1 ? KEYWIRE_OK : KEYWIRE_BAD_DATA);
	for (size_t i = 0; i < sizeof info; i++) {
		wrapped[i] ^= 1;
		assert_int_equal(try(&rsa, GNUTLS_SIGN_RSA_RAW, wrapped, sizeof wrapped - 1, NULL),
		    KEYWIRE_BAD_DATA);
		wrapped[i] ^= 1;
	}
}

/* Ed25519 signs text, so the text must be a CertificateVerify of a server under TLS 1.3. */
static void
test_certificate_verify(void **state)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";
	char text[64 + sizeof context + 48];

	(void)state;
	memset(text, ' ', 64);
	memcpy(text + 64, context, sizeof context);
	memset(text + 64 + sizeof context, 'h', 48);
	size_t head = 64 + sizeof context;
	for (size_t n = 0; n <= sizeof text; n++)
		assert_int_equal(try(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, text, n, NULL),
		    n == head + 32 || n == head + 48 ? KEYWIRE_OK : KEYWIRE_BAD_DATA);
	for (size_t i = 0; i < head; i++) {
		text[i] ^= 1;
		assert_int_equal(try(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, text, head + 32, NULL),
		    KEYWIRE_BAD_DATA);
		text[i] ^= 1;
	}
	memcpy(text + 64, "TLS 1.3, client", 15);
	assert_int_equal(
	    try(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, text, head + 32, NULL), KEYWIRE_BAD_DATA);
}

/* --- edge.c -------------------------------------------------------------------------------------------------- */

struct fixture {
	struct store store;
	struct edge edge;
	uint32_t id;
};

static void
setup(struct fixture *f, enum edge_scope scope, uint32_t rate)
{
	struct pair pair;
	struct err err;

	store_init(&f->store);
	assert_int_equal(
	    pair_parse(&pair, str_z(ecdsa.cert_pem), str_z(ecdsa.key_pem), "a.crt", "a.key", &err),
	    0);
	store_put(&f->store, S("a.example"), &pair, 0);
	f->id = store_find(&f->store, S("a.example"))->key->id;
	edge_init(&f->edge, "c2sd", scope, rate, 1000);
}

static enum keywire_status
ask(struct fixture *f, uint32_t id, uint64_t now_ms)
{
	struct buf packet = {0}, out = {0};
	struct keywire_answer a;

	keywire_put_request(&packet,
	    &(struct keywire_request){
		KEYWIRE_SIGN, id, GNUTLS_SIGN_ECDSA_SHA256, 77, str_of(digest, 32)});
	assert_int_equal(
	    edge_handle(&f->edge, &f->store, buf_str(&packet), now_ms, &out), EDGE_ANSWER);
	assert_true(keywire_get_answer(buf_str(&out), &a));
	assert_true(a.tag == 77);
	buf_deinit(&packet);
	buf_deinit(&out);
	return a.status;
}

static void
test_unknown_key_is_one_refusal(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, EDGE_ALL, 1000);
	assert_int_equal(ask(&f, f.id + 1, 1000), KEYWIRE_UNKNOWN_KEY);
	assert_int_equal(ask(&f, f.id, 1000), KEYWIRE_OK);
	assert_int_equal(edge_refused(&f.edge), 1);
	assert_int_equal(f.edge.answered[KEYWIRE_OK], 1);
	store_deinit(&f.store);
}

static void
test_edge_without_the_right(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, EDGE_NOTHING, 1000);
	assert_int_equal(ask(&f, f.id, 1000), KEYWIRE_UNKNOWN_KEY);
	store_deinit(&f.store);
}

static void
test_rate(void **state)
{
	struct fixture f;
	int n = 0;

	(void)state;
	setup(&f, EDGE_ALL, 10);
	for (int i = 0; i < 50; i++)
		n += ask(&f, f.id, 1000) == KEYWIRE_OK;
	assert_int_equal(n, 20);
	assert_int_equal(ask(&f, f.id, 1099), KEYWIRE_BUSY);
	assert_int_equal(ask(&f, f.id, 1100), KEYWIRE_OK);
	for (uint64_t t = 1101, ok = 0; t <= 3100; t++) {
		ok += ask(&f, f.id, t) == KEYWIRE_OK;
		assert_true(ok <= 20);
		n = (int)ok;
	}
	assert_int_equal(n, 20);
	store_deinit(&f.store);
}

static void
test_inv_29_no_request_hangs_up(void **state)
{
	struct fixture f;
	struct buf out = {0};
	uint8_t noise[KEYWIRE_REQUEST_SIZE + 1] = {KEYWIRE_VERSION, KEYWIRE_SIGN, 0xff, 0xff};

	(void)state;
	setup(&f, EDGE_ALL, 1000);
	for (size_t n = 0; n <= sizeof noise; n++)
		assert_int_equal(
		    edge_handle(&f.edge, &f.store, str_of(noise, n), 1000, &out), EDGE_HANG_UP);
	assert_int_equal(f.edge.malformed, sizeof noise + 1);
	assert_int_equal(buf_len(&out), 0);
	for (int i = 0; i < 20000; i++) {
		randombytes_buf(noise, sizeof noise);
		noise[0] = KEYWIRE_VERSION;
		noise[1] = (uint8_t)(noise[1] % 4);
		noise[3] %= 2;
		memcpy(noise + 4, &f.id, 4 * (noise[5] % 2));
		edge_handle(&f.edge, &f.store, str_of(noise, KEYWIRE_REQUEST_SIZE), 1000, &out);
		buf_clear(&out);
	}
	buf_deinit(&out);
	store_deinit(&f.store);
}

/* The packets of a list, in order, as types. */
static size_t
collect(const struct fixture *f, struct push_cursor *c, int types[8])
{
	struct buf out = {0};
	struct keywire_push p;
	size_t n = 0;

	for (; n < 8 && push_next(&f->edge, &f->store, c, &out); n++) {
		assert_true(keywire_get_push(buf_str(&out), &p));
		types[n] = (int)p.type;
		buf_clear(&out);
	}
	buf_deinit(&out);
	return n;
}

static void
test_list(void **state)
{
	struct fixture f;
	struct push_cursor c = {0};
	struct buf out = {0};
	int types[8];

	(void)state;
	setup(&f, EDGE_ALL, 1000);
	assert_int_equal(collect(&f, &c, types), 4);
	assert_int_equal(types[0], KEYWIRE_BEGIN);
	assert_int_equal(types[1], KEYWIRE_CHAIN);
	assert_int_equal(types[2], KEYWIRE_TICKET);
	assert_int_equal(types[3], KEYWIRE_END);
	assert_int_equal(collect(&f, &c, types), 0);

	store_rotate_ticket(&f.store);
	assert_true(push_next(&f.edge, &f.store, &c, &out)); /* BEGIN */
	push_again(&c);                                      /* it did not fit */
	assert_int_equal(collect(&f, &c, types), 4);
	store_rotate_ticket(&f.store);
	assert_true(push_next(&f.edge, &f.store, &c, &out));
	assert_true(push_next(&f.edge, &f.store, &c, &out));
	store_remove(&f.store, S("a.example"), 0); /* overtaken: from the beginning */
	assert_int_equal(collect(&f, &c, types), 3);
	assert_int_equal(types[0], KEYWIRE_BEGIN);
	buf_deinit(&out);
	store_deinit(&f.store);
}

static void
put(struct fixture *f, const struct rig_key *k, const char *domain)
{
	struct pair pair;
	struct err err;

	assert_int_equal(
	    pair_parse(&pair, str_z(k->cert_pem), str_z(k->key_pem), "x.crt", "x.key", &err), 0);
	store_put(&f->store, str_z(domain), &pair, 0);
}

static uint32_t
id_of(const struct fixture *f, const char *domain)
{
	return store_find(&f->store, str_z(domain))->key->id;
}

/* The next packet that is a chain or the ticket key; false at the end. */
static bool
next_push(struct fixture *f, struct push_cursor *c, struct buf *packet, struct keywire_push *p)
{
	do {
		buf_clear(packet);
		if (!push_next(&f->edge, &f->store, c, packet))
			return false;
		assert_true(keywire_get_push(buf_str(packet), p));
	} while (p->type == KEYWIRE_BEGIN || p->type == KEYWIRE_END);
	return true;
}

/* The names of the chains that the edge gets, with a blank behind each. */
static const char *
names_of(struct fixture *f)
{
	static char names[200];
	struct push_cursor c = {0};
	struct buf packet = {0};
	struct keywire_push p;

	names[0] = '\0';
	while (next_push(f, &c, &packet, &p))
		if (p.type == KEYWIRE_CHAIN)
			snprintf(names + strlen(names), sizeof names - strlen(names), "%.*s ",
			    STR_ARG(p.domain));
	buf_deinit(&packet);
	return names;
}

/* Who takes componentd over can use no key of a domain that has no component. */
static void
test_inv_31_componentd_has_only_what_it_shows(void **state)
{
	static const char *const components[] = {"gate.b.example", "c.example"};
	struct fixture f;
	struct rig_key other;
	uint32_t below;

	(void)state;
	rig_key_make(&other, GNUTLS_PK_ECDSA, 256, "b.example", 0);
	setup(&f, EDGE_COMPONENTS, 1000);
	assert_string_equal(names_of(&f), "");
	assert_int_equal(ask(&f, f.id, 1000), KEYWIRE_UNKNOWN_KEY);
	put(&f, &other, "b.example");
	put(&f, &ed25519, "c.example");
	store_set_components(&f.store, components, 2);
	below = id_of(&f, "b.example");
	assert_string_equal(names_of(&f), "b.example c.example ");
	assert_int_equal(ask(&f, f.id, 1000), KEYWIRE_UNKNOWN_KEY);
	assert_int_equal(ask(&f, below, 1000), KEYWIRE_OK);

	/* A key that is replaced is for those who had it, as long as it signs. */
	put(&f, &rsa, "b.example");
	put(&f, &rsa, "a.example");
	assert_int_equal(ask(&f, f.id, 1000), KEYWIRE_UNKNOWN_KEY);
	assert_int_equal(ask(&f, below, 1000), KEYWIRE_OK);

	/* One that both use is componentd's as long as the domain above the component has it. */
	assert_int_equal(ask(&f, id_of(&f, "a.example"), 1000), KEYWIRE_BAD_ALGORITHM);
	store_set_components(&f.store, components + 1, 1);
	assert_string_equal(names_of(&f), "c.example ");
	assert_int_equal(ask(&f, id_of(&f, "a.example"), 1000), KEYWIRE_UNKNOWN_KEY);
	rig_key_free(&other);
	store_deinit(&f.store);
}

/* It would open the sessions of clients that another daemon recorded. */
static void
test_each_role_has_its_ticket_key(void **state)
{
	static const char *const roles[] = {"c2sd", "s2sd", "componentd", "c2sd"};
	uint8_t keys[COUNT(roles)][KEYWIRE_TICKET_SIZE];
	struct fixture f;
	struct buf packet = {0};
	struct keywire_push p;

	(void)state;
	setup(&f, EDGE_NOTHING, 1000);
	for (size_t i = 0; i < COUNT(roles); i++) {
		struct push_cursor c = {0};

		f.edge.name = roles[i];
		assert_true(next_push(&f, &c, &packet, &p));
		assert_int_equal(p.type, KEYWIRE_TICKET);
		memcpy(keys[i], p.body.p, sizeof keys[i]);
		assert_memory_not_equal(keys[i], f.store.ticket, sizeof keys[i]);
	}
	assert_memory_not_equal(keys[0], keys[1], sizeof keys[0]);
	assert_memory_not_equal(keys[0], keys[2], sizeof keys[0]);
	assert_memory_not_equal(keys[1], keys[2], sizeof keys[0]);
	assert_memory_equal(keys[0], keys[3], sizeof keys[0]);
	buf_deinit(&packet);
	store_deinit(&f.store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signatures_verify),
	    cmocka_unit_test(test_foreign_algorithms),
	    cmocka_unit_test(test_digests_of_wrong_length),
	    cmocka_unit_test(test_digest_info),
	    cmocka_unit_test(test_certificate_verify),
	    cmocka_unit_test(test_unknown_key_is_one_refusal),
	    cmocka_unit_test(test_edge_without_the_right),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_inv_29_no_request_hangs_up),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_inv_31_componentd_has_only_what_it_shows),
	    cmocka_unit_test(test_each_role_has_its_ticket_key),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
