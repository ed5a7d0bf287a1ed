/* SCRAM: the RFCs' own examples, channel binding, downgrades, messages that are wrong, accounts
 * that don't exist. */
#include "sasl_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/id.h"
#include "base/mem.h"
#include "scram_parse.h"

struct vector {
	const char *mechanism;
	enum digest digest;
	const char *server_nonce, *salt;
	const char *client_first, *server_first, *client_final, *server_final;
};

/* RFC 5802 §5 and RFC 7677 §3: user "user", password "pencil" */
static const struct vector vectors[] = {
    {"SCRAM-SHA-1", DIGEST_SHA1, "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
	"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"SCRAM-SHA-256", DIGEST_SHA256, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	"W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static const struct vector *current;

static void
vector_nonce(char out[SASL_NONCE_MAX])
{
	assert_true(str_copy(out, SASL_NONCE_MAX, str_z(current->server_nonce)));
}

static void
vector_credentials(struct credentials *c)
{
	struct credential *one = &c->of[current->digest];
	struct buf salt = {0};

	memset(c, 0, sizeof(*c));
	assert_true(dec_base64(&salt, str_z(current->salt)));
	memcpy(one->salt, buf_str(&salt).p, buf_len(&salt));
	one->salt_n = (uint8_t)buf_len(&salt);
	one->iterations = 4096;
	credential_derive(one, current->digest, S("pencil"));
	buf_deinit(&salt);
}

static void
test_rfc_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct sasl_server server = rig_server;
		struct sasl s = {0};
		struct sasl_terms terms = rig_terms(vectors[i].mechanism);
		struct credentials c;

		current = &vectors[i];
		server.nonce = vector_nonce;
		vector_credentials(&c);
		assert_int_equal(
		    sasl_begin(&s, &server, &terms, true, str_z(current->client_first)), STEP_FIND);
		assert_true(str_is(s.jid, "user@example.org"));
		assert_int_equal(sasl_found(&s, &c, 7), STEP_CHALLENGE);
		assert_true(str_is(sasl_output(&s), current->server_first));
		assert_int_equal(sasl_answer(&s, str_z(current->client_final)), STEP_SUCCESS);
		assert_true(str_is(sasl_output(&s), current->server_final));
		assert_int_equal(s.generation, 7);
		sasl_deinit(&s);
	}
}

/* XEP-0474, example 1; whatever the order in which it was offered. */
static void
test_offer_is_signed(void **state)
{
	static const char *const offers[] = {
	    "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS SCRAM-SHA-1"};
	struct sasl_server server = rig_server;

	(void)state;
	server.signs_offer = true;
	for (size_t i = 0; i < COUNT(offers); i++) {
		struct sasl s = {0};
		struct sasl_terms terms = rig_terms("SCRAM-SHA-1");

		terms.offered = str_z(offers[i]);
		assert_int_equal(
		    rig_go(&s, sasl_begin(&s, &server, &terms, true, S("n,,n=alice,r=abcdefgh"))),
		    STEP_CHALLENGE);
		assert_true(str_ends(sasl_output(&s), S(",h=G6k/rBLDqgOhRRaCuuatSDFkJ08=")));
		sasl_deinit(&s);
	}
}

static void
test_every_mechanism_lets_in(void **state)
{
	static const char *const names[] = {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
	    "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS", "PLAIN"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct rig_client c = {
		    .mechanism = names[i], .authcid = "alice", .password = "wonderland"};
		struct sasl_terms terms = rig_terms(names[i]);
		struct sasl s;

		assert_int_equal(rig_login(&s, &c, &terms), STEP_SUCCESS);
		assert_true(str_is(s.jid, "alice@example.org"));
		sasl_deinit(&s);
		c.password = "Wonderland";
		assert_int_equal(rig_login(&s, &c, &terms), STEP_FAILURE);
		assert_int_equal(s.condition, SASL_NOT_AUTHORIZED);
		assert_true(str_empty(sasl_output(&s)));
		sasl_deinit(&s);
	}
}

static void
test_without_initial_response(void **state)
{
	struct sasl s = {0};
	struct sasl_terms terms = rig_terms("SCRAM-SHA-256");

	(void)state;
	assert_int_equal(
	    sasl_begin(&s, &rig_server, &terms, false, (struct str){0}), STEP_CHALLENGE);
	assert_false(s.has_output);
	assert_int_equal(rig_go(&s, sasl_answer(&s, S("n,,n=alice,r=abcdefgh"))), STEP_CHALLENGE);
	assert_true(str_starts(sasl_output(&s), S("r=abcdefgh")));
	sasl_deinit(&s);
}

struct binding_case {
	const char *mechanism, *gs2;
	struct str binding;               /* what the client puts into c=; empty: the stream's */
	const char *exporter, *end_point; /* what the stream has; NULL: the usual */
	const char *offered;              /* NULL: everything */
	enum sasl_condition expected;     /* SASL_NONE: success */
};

static const struct binding_case bindings[] = {
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter", {0}, NULL, NULL, NULL, SASL_NONE},
    {"SCRAM-SHA-256-PLUS", "p=tls-server-end-point", {0}, NULL, NULL, NULL, SASL_NONE},
    /* TLS 1.2 has no exporter of RFC 9266 */
    {"SCRAM-SHA-256-PLUS", "p=tls-server-end-point", {0}, "", NULL, NULL, SASL_NONE},
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter", {0}, "", NULL, NULL, SASL_NOT_AUTHORIZED},
    /* somebody in the middle: the client bound to another stream, or to another certificate */
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter", {"exporter data of another stream!!", 33}, NULL, NULL,
	NULL, SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256-PLUS", "p=tls-server-end-point", {"hash of some other's certificate", 32}, NULL,
	NULL, NULL, SASL_NOT_AUTHORIZED},
    /* the right data under the wrong name */
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter", {"hash of the server's certificate", 32}, NULL, NULL,
	NULL, SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256-PLUS", "p=tls-unique", {"x", 1}, NULL, NULL, NULL, SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256-PLUS", "p=", {"x", 1}, NULL, NULL, NULL, SASL_MALFORMED_REQUEST},
    {"SCRAM-SHA-256-PLUS", "p=tls_exporter", {"x", 1}, NULL, NULL, NULL, SASL_MALFORMED_REQUEST},
    /* flag and mechanism do not fit */
    {"SCRAM-SHA-256-PLUS", "n", {0}, NULL, NULL, NULL, SASL_MALFORMED_REQUEST},
    {"SCRAM-SHA-256-PLUS", "y", {0}, NULL, NULL, NULL, SASL_MALFORMED_REQUEST},
    {"SCRAM-SHA-256", "p=tls-exporter", {0}, NULL, NULL, NULL, SASL_MALFORMED_REQUEST},
    /* 'y' is right only where no -PLUS was offered (RFC 5802 §6) */
    {"SCRAM-SHA-256", "y", {0}, NULL, NULL, NULL, SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256", "y", {0}, NULL, NULL, "SCRAM-SHA-1-PLUS SCRAM-SHA-256", SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256", "y", {0}, NULL, NULL, "SCRAM-SHA-1 SCRAM-SHA-256", SASL_NONE},
    {"SCRAM-SHA-256", "n", {0}, NULL, NULL, NULL, SASL_NONE},
    /* data for c= without binding */
    {"SCRAM-SHA-256", "n", {"x", 1}, NULL, NULL, NULL, SASL_NOT_AUTHORIZED},
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter", {"x", 1}, "", "", NULL, SASL_INVALID_MECHANISM},
};

static void
test_inv_10_channel_binding(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bindings); i++) {
		const struct binding_case *b = &bindings[i];
		struct rig_client c = {.mechanism = b->mechanism,
		    .gs2 = b->gs2,
		    .binding = b->binding,
		    .authcid = "alice",
		    .password = "wonderland"};
		struct sasl_terms terms = rig_terms(b->mechanism);
		struct sasl s;

		if (b->exporter)
			terms.exporter = str_z(b->exporter);
		if (b->end_point)
			terms.end_point = str_z(b->end_point);
		if (b->offered)
			terms.offered = str_z(b->offered);
		enum sasl_step step = rig_login(&s, &c, &terms);
		if (step != (b->expected == SASL_NONE ? STEP_SUCCESS : STEP_FAILURE) ||
		    s.condition != b->expected)
			fail_msg("binding case %zu: step %d, condition %d", i, step, s.condition);
		sasl_deinit(&s);
	}
}

/* … or where the client has tried what the stream has not. */
static void
test_y_of_a_client_that_tried(void **state)
{
	struct rig_client c = {
	    .mechanism = "SCRAM-SHA-256", .gs2 = "y", .authcid = "alice", .password = "wonderland"};
	struct sasl_terms terms = rig_terms("SCRAM-SHA-256");
	struct sasl s;

	(void)state;
	terms.tried_other = true;
	assert_int_equal(rig_login(&s, &c, &terms), STEP_SUCCESS);
	sasl_deinit(&s);
}

/* client-first-messages that must not get a challenge */
static const struct {
	const char *message;
	enum sasl_condition expected;
} bad_first[] = {
    {"", SASL_MALFORMED_REQUEST},
    {"n", SASL_MALFORMED_REQUEST},
    {"n,", SASL_MALFORMED_REQUEST},
    {"n,,", SASL_MALFORMED_REQUEST},
    {"n,,n=alice", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=", SASL_MALFORMED_REQUEST},
    {"n,,n=,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,r=abc,n=alice", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=a c", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=a\x7f"
     "c",
	SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=\xc3\xa4", SASL_MALFORMED_REQUEST},
    {"n,,n=al\xff"
     "ce,r=abc",
	SASL_MALFORMED_REQUEST},
    {"n,,n=al=ce,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,n=al=2ce,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,n=alice=,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,m=ext,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,m=ext", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,n=bob", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,1=x", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,xx=x", SASL_MALFORMED_REQUEST},
    {"n,,n=alice,r=abc,x", SASL_MALFORMED_REQUEST},
    {"n,,N=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"N,,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"F,n,,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"x,,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"n,a=,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"n,alice,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"n,a=al=ice@example.org,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {" n,,n=alice,r=abc", SASL_MALFORMED_REQUEST},
    {"n,,n=al ice,r=abc", SASL_NOT_AUTHORIZED},
    {"n,,n=alice@example.org,r=abc", SASL_NOT_AUTHORIZED},
    {"n,,n=al=2Cice/x,r=abc", SASL_NOT_AUTHORIZED},
};

static void
test_malformed_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_first); i++) {
		struct sasl s = {0};
		struct sasl_terms terms = rig_terms("SCRAM-SHA-1");
		enum sasl_step step =
		    sasl_begin(&s, &rig_server, &terms, true, str_z(bad_first[i].message));

		if (step != STEP_FAILURE || s.condition != bad_first[i].expected)
			fail_msg("\"%s\": step %d, condition %d", bad_first[i].message, step,
			    s.condition);
		sasl_deinit(&s);
	}
}

static void
test_nul_and_length(void **state)
{
	static const char nul[] = "n,,n=ali\0ce,r=abc";
	char longer[SASL_MESSAGE_MAX + 2];
	struct sasl_terms terms = rig_terms("SCRAM-SHA-1");
	struct sasl s = {0};

	(void)state;
	assert_int_equal(
	    sasl_begin(&s, &rig_server, &terms, true, str_of(nul, sizeof(nul) - 1)), STEP_FAILURE);
	assert_int_equal(s.condition, SASL_MALFORMED_REQUEST);
	sasl_deinit(&s);
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "n,,n=alice,r=", 13);
	assert_int_equal(
	    sasl_begin(&s, &rig_server, &terms, true, str_of(longer, SASL_MESSAGE_MAX + 1)),
	    STEP_FAILURE);
	assert_int_equal(s.condition, SASL_MALFORMED_REQUEST);
	sasl_deinit(&s);
}

#define NONCE "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
#define PROOF "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="

/* client-final-messages after the first example's server-first: each differs from the right one in
 * one thing */
static const struct {
	const char *message;
	enum sasl_condition expected;
} bad_final[] = {
    {"", SASL_MALFORMED_REQUEST}, {"c=biws", SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE, SASL_MALFORMED_REQUEST}, {"c=biws," PROOF, SASL_MALFORMED_REQUEST},
    {NONCE ",c=biws," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws," PROOF "," NONCE, SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE "," PROOF ",x=y", SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE "," PROOF ",", SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE "," PROOF "," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE ",m=x," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE ",c=biws," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE ",p=", SASL_MALFORMED_REQUEST},
    {"c=biw," NONCE "," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws\n," NONCE "," PROOF, SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts", SASL_MALFORMED_REQUEST},
    {"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4T==", SASL_MALFORMED_REQUEST},
    {"c=eSws," NONCE "," PROOF, SASL_NOT_AUTHORIZED}, /* y,, though the first message said n,, */
    {"c=biws," NONCE "x," PROOF, SASL_NOT_AUTHORIZED},
    {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL," PROOF, SASL_NOT_AUTHORIZED},
    {"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tw=", SASL_NOT_AUTHORIZED},
    {"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI", SASL_NOT_AUTHORIZED},
    {"c=biws," NONCE ",x=unknown," PROOF,
	SASL_NOT_AUTHORIZED}, /* allowed, but then the proof is over it too */
};

static void
test_malformed_final(void **state)
{
	struct sasl_server server = rig_server;
	struct sasl_terms terms = rig_terms("SCRAM-SHA-1");
	struct credentials c;

	(void)state;
	current = &vectors[0];
	server.nonce = vector_nonce;
	vector_credentials(&c);
	for (size_t i = 0; i < COUNT(bad_final); i++) {
		struct sasl s = {0};

		assert_int_equal(
		    sasl_begin(&s, &server, &terms, true, str_z(current->client_first)), STEP_FIND);
		assert_int_equal(sasl_found(&s, &c, 1), STEP_CHALLENGE);
		if (sasl_answer(&s, str_z(bad_final[i].message)) != STEP_FAILURE ||
		    s.condition != bad_final[i].expected)
			fail_msg("\"%s\": condition %d", bad_final[i].message, s.condition);
		assert_true(str_empty(sasl_output(&s)));
		sasl_deinit(&s);
	}
}

/* No other bytes than the right ones let anybody in: every change of one byte, every cut, one byte
 * more. */
static void
check_final(const struct sasl_server *server, const struct credentials *c, struct str message)
{
	struct sasl_terms terms = rig_terms("SCRAM-SHA-1");
	struct sasl s = {0};

	assert_int_equal(
	    sasl_begin(&s, server, &terms, true, str_z(current->client_first)), STEP_FIND);
	assert_int_equal(sasl_found(&s, c, 1), STEP_CHALLENGE);
	if (sasl_answer(&s, message) != STEP_FAILURE)
		fail_msg("\"%.*s\" is let in", STR_ARG(message));
	sasl_deinit(&s);
}

static void
test_mutated_final(void **state)
{
	static const char others[] = {0, ' ', '=', ',', 'A', 'b', '0', '/', (char)0xc3, (char)0xff};
	struct sasl_server server = rig_server;
	struct credentials c;
	char text[256];

	(void)state;
	current = &vectors[0];
	server.nonce = vector_nonce;
	vector_credentials(&c);
	size_t n = strlen(current->client_final);
	for (size_t at = 0; at < n; at++) {
		check_final(&server, &c, str_of(current->client_final, at));
		for (size_t i = 0; i < sizeof(others); i++) {
			memcpy(text, current->client_final, n);
			if (text[at] == others[i])
				continue;
			text[at] = others[i];
			check_final(&server, &c, str_of(text, n));
		}
	}
	memcpy(text, current->client_final, n);
	for (size_t i = 0; i < sizeof(others); i++) {
		text[n] = others[i];
		check_final(&server, &c, str_of(text, n + 1));
	}
}

static void
test_optional_extension(void **state)
{
	struct scram_first first;
	struct scram_final final;

	(void)state;
	assert_true(scram_parse_first(S("y,a=a=2Cb,n=u,r=abc,x=1,y=2=3"), &first));
	assert_int_equal(first.flag, 'y');
	assert_true(str_is(first.authzid, "a=2Cb"));
	assert_true(str_is(first.gs2_header, "y,a=a=2Cb,"));
	assert_true(str_is(first.bare, "n=u,r=abc,x=1,y=2=3"));
	assert_true(scram_parse_final(S("c=biws,r=abc,x=1,p=YQ=="), &final));
	assert_true(str_is(final.without_proof, "c=biws,r=abc,x=1"));
	assert_true(str_is(final.proof, "YQ=="));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rfc_examples),
	    cmocka_unit_test(test_offer_is_signed),
	    cmocka_unit_test(test_every_mechanism_lets_in),
	    cmocka_unit_test(test_without_initial_response),
	    cmocka_unit_test(test_inv_10_channel_binding),
	    cmocka_unit_test(test_y_of_a_client_that_tried),
	    cmocka_unit_test(test_malformed_first),
	    cmocka_unit_test(test_nul_and_length),
	    cmocka_unit_test(test_malformed_final),
	    cmocka_unit_test(test_mutated_final),
	    cmocka_unit_test(test_optional_extension),
	};

	return cmocka_run_group_tests(tests, rig_setup, NULL);
}
