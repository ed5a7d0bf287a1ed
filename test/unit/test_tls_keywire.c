/* keywire.c and chains.c: the packets between edges and keyd. Every decoder is total (INV-29), and a list of
 * certificates takes effect as a whole. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "tls/chains.h"
#include "tls_rig.h"

static void
test_request_round_trip(void **state)
{
	struct keywire_request in = {KEYWIRE_SIGN, 7, 37, 0x1122334455667788, S("a digest")}, out;
	struct buf packet = {0};

	(void)state;
	keywire_put_request(&packet, &in);
	assert_int_equal(buf_len(&packet), KEYWIRE_REQUEST_SIZE);
	assert_memory_equal(
	    buf_str(&packet).p, "\x01\x01\x08\x00\x07\x00\x00\x00\x25\x00\x00\x00\x88\x77", 14);
	assert_true(keywire_get_request(buf_str(&packet), &out));
	assert_int_equal(out.type, KEYWIRE_SIGN);
	assert_int_equal(out.key_id, 7);
	assert_int_equal(out.algorithm, 37);
	assert_true(out.tag == 0x1122334455667788);
	assert_true(str_eq(out.data, in.data));
	buf_deinit(&packet);
}

static void
test_answer_round_trip(void **state)
{
	struct keywire_answer in = {KEYWIRE_OK, 99, S("a signature")}, out;
	struct buf packet = {0};

	(void)state;
	keywire_put_answer(&packet, &in);
	assert_int_equal(buf_len(&packet), KEYWIRE_ANSWER_SIZE);
	assert_true(keywire_get_answer(buf_str(&packet), &out));
	assert_int_equal(out.status, KEYWIRE_OK);
	assert_true(out.tag == 99);
	assert_true(str_eq(out.signature, in.signature));
	buf_deinit(&packet);
}

static void
test_push_round_trip(void **state)
{
	struct keywire_push in = {KEYWIRE_CHAIN, 5, S("capulet.example"), S("-----BEGIN")}, out;
	struct buf packet = {0};

	(void)state;
	keywire_put_push(&packet, &in);
	assert_true(keywire_get_push(buf_str(&packet), &out));
	assert_int_equal(out.type, KEYWIRE_CHAIN);
	assert_int_equal(out.key_id, 5);
	assert_true(str_eq(out.domain, in.domain) && str_eq(out.body, in.body));
	buf_deinit(&packet);
}

/* Changes one byte of a good packet; the outputs must be untouched when it is refused. */
static void
assert_request(struct buf *packet, size_t at, uint8_t value, bool good)
{
	struct keywire_request r = {.tag = 42};
	uint8_t *byte = packet->data + packet->start + at, was = *byte;

	*byte = value;
	assert_int_equal(keywire_get_request(buf_str(packet), &r), good);
	assert_true(good || r.tag == 42);
	*byte = was;
}

static void
test_inv_29_malformed_requests(void **state)
{
	struct buf packet = {0};
	struct keywire_request r = {.tag = 42};

	(void)state;
	keywire_put_request(&packet, &(struct keywire_request){KEYWIRE_SIGN, 1, 37, 3, S("x")});
	assert_request(&packet, 0, 2, false);
	assert_request(&packet, 1, 0, false);
	assert_request(&packet, 1, 3, false);
	assert_request(&packet, 1, 255, false);
	assert_request(&packet, 2, 255, true);
	assert_request(&packet, 3, 2, false); /* 513 bytes of data */
	for (size_t n = 0; n < buf_len(&packet); n++)
		assert_false(keywire_get_request(str_of(buf_str(&packet).p, n), &r));
	buf_add_c(&packet, 0);
	assert_false(keywire_get_request(buf_str(&packet), &r));
	assert_true(r.tag == 42);
	buf_deinit(&packet);
}

static void
test_inv_29_malformed_answers(void **state)
{
	struct keywire_answer a = {.tag = 42};
	struct buf packet = {0};

	(void)state;
	keywire_put_answer(&packet, &(struct keywire_answer){KEYWIRE_OK, 3, S("x")});
	for (size_t n = 0; n < buf_len(&packet); n++)
		assert_false(keywire_get_answer(str_of(buf_str(&packet).p, n), &a));
	packet.data[packet.start + 1] = KEYWIRE_STATUS_COUNT;
	assert_false(keywire_get_answer(buf_str(&packet), &a));
	packet.data[packet.start + 1] = KEYWIRE_BUSY; /* a refusal with a signature */
	assert_false(keywire_get_answer(buf_str(&packet), &a));
	packet.data[packet.start + 1] = KEYWIRE_OK;
	packet.data[packet.start + 2] = 0; /* an approval without */
	assert_false(keywire_get_answer(buf_str(&packet), &a));
	packet.data[packet.start + 3] = 3; /* 768 bytes */
	assert_false(keywire_get_answer(buf_str(&packet), &a));
	assert_true(a.tag == 42);
	buf_deinit(&packet);
}

static void
test_inv_29_malformed_pushes(void **state)
{
	static const struct keywire_push bad[] = {
	    {KEYWIRE_BEGIN, 0, S("x"), {0}},
	    {KEYWIRE_END, 0, {0}, S("x")},
	    {KEYWIRE_CHAIN, 0, {0}, S("x")},
	    {KEYWIRE_CHAIN, 0, S("x"), {0}},
	    {KEYWIRE_TICKET, 0, {0}, S("short")},
	    {0, 0, {0}, {0}},
	    {KEYWIRE_END + 1, 0, {0}, {0}},
	};
	struct keywire_push p = {.key_id = 42};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf packet = {0};
		keywire_put_push(&packet, &bad[i]);
		assert_false(keywire_get_push(buf_str(&packet), &p));
		buf_deinit(&packet);
	}
	assert_false(keywire_get_push(S("\x01\x02\xff\xff\x00\x00\x00\x00xy"), &p));
	assert_false(keywire_get_push(S("\x01\x02\x01"), &p));
	assert_false(keywire_get_push(S(""), &p));
	assert_int_equal(p.key_id, 42);
}

/* Noise, and good packets with noise in them. */
static void
test_inv_29_noise(void **state)
{
	uint8_t noise[KEYWIRE_ANSWER_SIZE];
	struct keywire_request r;
	struct keywire_answer a;
	struct keywire_push p;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		randombytes_buf(noise, sizeof noise);
		noise[0] = KEYWIRE_VERSION;
		noise[1] %= 8;
		noise[3] %= 3;
		if (keywire_get_request(str_of(noise, KEYWIRE_REQUEST_SIZE), &r))
			assert_true(r.data.n <= KEYWIRE_DATA_MAX);
		if (keywire_get_answer(str_of(noise, KEYWIRE_ANSWER_SIZE), &a))
			assert_true(a.signature.n <= KEYWIRE_SIGNATURE_MAX);
		if (keywire_get_push(str_of(noise, sizeof noise), &p))
			assert_true(p.domain.n + p.body.n + 8 == sizeof noise);
	}
}

static void
test_only_listed_algorithms(void **state)
{
	(void)state;
	assert_true(keywire_may_sign(GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256));
	assert_true(keywire_may_sign(GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256));
	assert_false(keywire_may_sign(GNUTLS_PK_RSA, GNUTLS_SIGN_ECDSA_SHA256));
	assert_false(keywire_may_sign(GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SHA1));
	assert_false(keywire_may_sign(GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_SHA1));
	assert_false(keywire_may_sign(GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_MD5));
	assert_false(keywire_may_sign(GNUTLS_PK_DSA, GNUTLS_SIGN_DSA_SHA256));
	assert_false(keywire_may_sign(GNUTLS_PK_ECDSA, 0));
	assert_false(keywire_may_sign(0, 0));
	assert_false(keywire_may_sign(GNUTLS_PK_ECDSA, 0xffffffff));
}

/* --- chains.c ------------------------------------------------------------------------------------------------ */

static struct rig_key key_a, key_b;

static int
make_keys(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(tls_global_init(&err), 0);
	rig_key_make(&key_a, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	    "a.example", 1);
	rig_key_make(&key_b, GNUTLS_PK_EDDSA_ED25519, 256, "b.example", 2);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	rig_key_free(&key_a);
	rig_key_free(&key_b);
	return 0;
}

struct list_under_test {
	struct tls_context *context;
	struct chains *chains;
	struct err err;
};

static void
setup(struct list_under_test *t)
{
	*t = (struct list_under_test){.context = tls_context_new(NULL)};
	t->chains = chains_new(t->context);
}

static void
teardown(struct list_under_test *t)
{
	chains_free(&t->chains);
	tls_context_free(&t->context);
}

/* The event, or -1 when the packet was refused. */
static int
apply(struct list_under_test *t, enum keywire_push_type type, const char *domain, const char *body)
{
	struct buf packet = {0};
	enum chains_event event;

	keywire_put_push(&packet, &(struct keywire_push){type, 1, str_z(domain), str_z(body)});
	int rc = chains_apply(t->chains, buf_str(&packet), &event, &t->err);
	buf_deinit(&packet);
	return rc < 0 ? -1 : (int)event;
}

static void
test_list_as_a_whole(void **state)
{
	struct list_under_test t;

	(void)state;
	setup(&t);
	assert_int_equal(apply(&t, KEYWIRE_BEGIN, NULL, NULL), CHAINS_NOTHING);
	assert_int_equal(apply(&t, KEYWIRE_CHAIN, "a.example", key_a.cert_pem), CHAINS_NOTHING);
	assert_int_equal(apply(&t, KEYWIRE_CHAIN, "b.example", key_b.cert_pem), CHAINS_NOTHING);
	assert_false(chains_complete(t.chains));
	assert_int_equal(apply(&t, KEYWIRE_END, NULL, NULL), CHAINS_UPDATED);
	assert_true(chains_complete(t.chains));
	assert_true(tls_context_has_chain(t.context, S("a.example")));
	assert_true(tls_context_has_chain(t.context, S("b.example")));

	/* b is gone, but not before the end of the list */
	apply(&t, KEYWIRE_BEGIN, NULL, NULL);
	apply(&t, KEYWIRE_CHAIN, "a.example", key_b.cert_pem);
	assert_true(tls_context_has_chain(t.context, S("b.example")));
	assert_int_equal(apply(&t, KEYWIRE_END, NULL, NULL), CHAINS_UPDATED);
	assert_true(tls_context_has_chain(t.context, S("a.example")));
	assert_false(tls_context_has_chain(t.context, S("b.example")));
	teardown(&t);
}

static void
test_bad_chain_is_skipped(void **state)
{
	struct list_under_test t;

	(void)state;
	setup(&t);
	apply(&t, KEYWIRE_BEGIN, NULL, NULL);
	assert_int_equal(apply(&t, KEYWIRE_CHAIN, "a.example", "no PEM"), CHAINS_NOTHING);
	assert_int_equal(apply(&t, KEYWIRE_CHAIN, "b.example", key_b.cert_pem), CHAINS_NOTHING);
	assert_int_equal(apply(&t, KEYWIRE_END, NULL, NULL), CHAINS_UPDATED);
	assert_false(tls_context_has_chain(t.context, S("a.example")));
	assert_true(tls_context_has_chain(t.context, S("b.example")));
	teardown(&t);
}

static void
test_out_of_order(void **state)
{
	struct list_under_test t;

	(void)state;
	setup(&t);
	assert_int_equal(apply(&t, KEYWIRE_END, NULL, NULL), -1);
	assert_int_equal(apply(&t, KEYWIRE_CHAIN, "a.example", key_a.cert_pem), -1);
	apply(&t, KEYWIRE_BEGIN, NULL, NULL);
	apply(&t, KEYWIRE_CHAIN, "a.example", key_a.cert_pem);
	assert_int_equal(
	    apply(&t, KEYWIRE_BEGIN, NULL, NULL), CHAINS_NOTHING); /* keyd changed its mind */
	assert_int_equal(apply(&t, KEYWIRE_END, NULL, NULL), CHAINS_UPDATED);
	assert_false(tls_context_has_chain(t.context, S("a.example")));
	teardown(&t);
}

static void
test_retry_backs_off(void **state)
{
	struct list_under_test t;
	uint64_t expected = 20;

	(void)state;
	setup(&t);
	assert_int_equal(chains_open(t.chains, "/nonexistent/keyd.sock", &t.err), -1);
	assert_non_null(strstr(t.err.text, "keyd"));
	assert_int_equal(chains_read(t.chains, &t.err), CHAINS_DOWN);
	for (int i = 0; i<10; i++, expected = expected * 2> 1000 ? 1000 : expected * 2)
		assert_int_equal(chains_retry_ms(t.chains), expected);
	apply(&t, KEYWIRE_BEGIN, NULL, NULL);
	apply(&t, KEYWIRE_END, NULL, NULL);
	assert_int_equal(chains_retry_ms(t.chains), 20);
	teardown(&t);
}

/* Over a socket: the question, the list, the end. */
static void
test_over_a_socket(void **state)
{
	char folder[] = "/tmp/jackdaw-chains-XXXXXX";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint8_t packet[KEYWIRE_REQUEST_SIZE];
	struct keywire_request r;
	struct list_under_test t;

	(void)state;
	setup(&t);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_true(str_copy(address.sun_path, sizeof address.sun_path, S(KEYWIRE_SOCKET)));
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 1), 0);

	assert_true(chains_open(t.chains, NULL, &t.err) >= 0);
	int keyd = accept(listener, NULL, NULL);
	assert_int_equal(recv(keyd, packet, sizeof packet, 0), KEYWIRE_REQUEST_SIZE);
	assert_true(keywire_get_request(str_of(packet, sizeof packet), &r));
	assert_int_equal(r.type, KEYWIRE_WATCH);
	assert_int_equal(chains_read(t.chains, &t.err), CHAINS_NOTHING);
	for (int type = KEYWIRE_BEGIN; type <= KEYWIRE_END; type++) {
		char ticket[KEYWIRE_TICKET_SIZE + 1] = "";
		struct buf out = {0};
		struct keywire_push p = {.type = (enum keywire_push_type)type};
		memset(ticket, 't', KEYWIRE_TICKET_SIZE);
		if (type == KEYWIRE_CHAIN)
			p = (struct keywire_push){
			    KEYWIRE_CHAIN, 1, S("a.example"), str_z(key_a.cert_pem)};
		if (type == KEYWIRE_TICKET)
			p.body = str_z(ticket);
		keywire_put_push(&out, &p);
		assert_true(send(keyd, buf_str(&out).p, buf_len(&out), 0) > 0);
		buf_deinit(&out);
	}
	assert_int_equal(chains_read(t.chains, &t.err), CHAINS_UPDATED);
	assert_int_equal(chains_read(t.chains, &t.err), CHAINS_NOTHING);
	assert_true(tls_context_has_chain(t.context, S("a.example")));
	close(keyd);
	assert_int_equal(chains_read(t.chains, &t.err), CHAINS_DOWN);
	assert_int_equal(chains_fd(t.chains), -1);
	assert_true(tls_context_has_chain(t.context, S("a.example"))); /* stays in force */
	close(listener);
	unlink(KEYWIRE_SOCKET);
	assert_int_equal(chdir("/"), 0);
	rmdir(folder);
	teardown(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_round_trip),
	    cmocka_unit_test(test_answer_round_trip),
	    cmocka_unit_test(test_push_round_trip),
	    cmocka_unit_test(test_inv_29_malformed_requests),
	    cmocka_unit_test(test_inv_29_malformed_answers),
	    cmocka_unit_test(test_inv_29_malformed_pushes),
	    cmocka_unit_test(test_inv_29_noise),
	    cmocka_unit_test(test_only_listed_algorithms),
	    cmocka_unit_test(test_list_as_a_whole),
	    cmocka_unit_test(test_bad_chain_is_skipped),
	    cmocka_unit_test(test_out_of_order),
	    cmocka_unit_test(test_retry_backs_off),
	    cmocka_unit_test(test_over_a_socket),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
