/* Certificates of peers that end while their streams live (RFC 6120 §13.7.2.3): they expire, they are revoked, their CA is not
 * trusted any more. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "tls/dane.h"
#include "tls/verify.h"
#include "tls_ca.h"

#define DAY 86400

enum {
	KEY_SERVER,
	KEY_DIRECT, /* of the root */
	KEY_BELOW,  /* of the CA between, which ends first */
	KEY_SELF,   /* of nobody */
	N_KEYS
};

static const struct test_name NAME = {CERT_DNS, "a.example", 0}, OTHER = {CERT_DNS, "b.example", 0};

static struct test_ca root, middle, strange;
static struct rig_key keys[N_KEYS + 1];
static int64_t middle_end,
    root_end; /* of a root the first second is what it was made in, or the next */

static int
set_up(void **state)
{
	const struct test_wish server = {.names = &NAME, .n_names = 1};
	const struct test_wish client = {.names = &OTHER, .n_names = 1};

	(void)state;
	assert_int_equal(tls_global_init(NULL), 0);
	middle_end = time(NULL) + DAY;
	root_end = time(NULL) + 2 * DAY;
	test_ca_make(&root, "root", NULL);
	test_ca_ends(&root, NULL, root_end);
	test_ca_make(&middle, "middle", &root);
	test_ca_ends(&middle, &root, middle_end);
	test_ca_make(&strange, "strange", NULL);
	test_ca_issue(&root, &keys[KEY_SERVER], &server, 1);
	test_ca_issue(&root, &keys[KEY_DIRECT], &client, 2);
	test_ca_issue(&middle, &keys[KEY_BELOW], &client, 3);
	test_ca_issue(NULL, &keys[KEY_SELF], &client, 4);
	rig_keyd_start(rig_keyd_sign, keys);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_keyd_stop();
	for (int i = 0; i < N_KEYS; i++)
		rig_key_free(&keys[i]);
	test_ca_free(&root);
	test_ca_free(&middle);
	test_ca_free(&strange);
	tls_global_deinit();
	return 0;
}

/* ---- a server that watches its client ---- */

struct link {
	struct tls_context *a, *b;
	struct tls *server, *client;
	unsigned told;
	char why[200];
	struct err err;
};

static void
trusts(struct tls_context *t, struct str cas, struct str crls)
{
	struct trust *old = trust_from_pem(str_z(root.pem), NULL);
	struct trust *trust = trust_renew(old, cas, crls, NULL);

	assert_non_null(trust);
	tls_context_verify_peers(t, trust);
	trust_unref(&trust);
	trust_unref(&old);
}

static struct tls_context *
context(const char *domain, int key)
{
	struct tls_context *t = tls_context_new(NULL);
	struct err err = {0};

	trusts(t, str_z(root.pem), S(""));
	assert_int_equal(
	    tls_context_set_chain(t, str_z(domain), str_z(keys[key].cert_pem), keys[key].id, &err),
	    0);
	return t;
}

static void
shake(struct link *l)
{
	struct buf to_server = {0}, to_client = {0};
	enum tls_state s = TLS_HANDSHAKE, c = TLS_HANDSHAKE;

	for (int i = 0; i < 10 && (s == TLS_HANDSHAKE || c == TLS_HANDSHAKE); i++) {
		c = tls_handshake(l->client, &to_client, &to_server, &l->err);
		s = tls_handshake(l->server, &to_server, &to_client, &l->err);
	}
	buf_deinit(&to_server);
	buf_deinit(&to_client);
	if (s != TLS_OPEN || c != TLS_OPEN)
		fail_msg("%s", l->err.text);
}

static void
link_make(struct link *l, int client_key)
{
	const struct tls_client wanted = {.domain = S("a.example"), .own = S("b.example")};

	*l = (struct link){.a = context("a.example", KEY_SERVER)};
	l->b = context("b.example", client_key);
	l->server = tls_new(l->a, S(""));
	l->client = tls_new_client(l->b, &wanted);
	shake(l);
	tls_watch_peer(l->server, l);
}

static void
link_free(struct link *l)
{
	tls_free(&l->server);
	tls_free(&l->client);
	tls_context_free(&l->a);
	tls_context_free(&l->b);
}

static void
on_lapsed(void *owner, const char *why)
{
	struct link *l = owner;

	l->told++;
	str_copy(l->why, sizeof(l->why), str_z(why));
}

/* How often the owner has been told by then. */
static unsigned
told_at(struct link *l, int64_t now_s)
{
	tls_context_look_at_peers(l->a, now_s, on_lapsed);
	return l->told;
}

static unsigned
told_now(struct link *l)
{
	return told_at(l, time(NULL));
}

/* ---- the tests ---- */

/* The certificate of the root is the first to end of those on the way; then the one between. */
static void
test_what_it_rests_on_expires(void **state)
{
	static const int which[] = {KEY_DIRECT, KEY_BELOW};
	const int64_t ends[] = {root_end, middle_end};
	struct link l;

	(void)state;
	for (size_t i = 0; i < COUNT(which); i++) {
		link_make(&l, which[i]);
		assert_int_equal(told_now(&l), 0);
		assert_int_equal(told_at(&l, ends[i]), 0);
		assert_int_equal(told_at(&l, ends[i] + 1), 1);
		assert_non_null(strstr(l.why, "expired"));
		assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_UNTRUSTED);
		assert_int_equal(told_at(&l, ends[i] + 1), 1);
		link_free(&l);
	}
}

static void
test_it_is_revoked(void **state)
{
	char *crl = test_ca_revoke(&root, keys[KEY_DIRECT].cert_pem);
	struct link l;

	(void)state;
	link_make(&l, KEY_DIRECT);
	trusts(l.a, str_z(root.pem), S(""));
	assert_int_equal(told_now(&l), 0);
	assert_true(tls_peer_is(l.server, S("b.example"), &l.err));
	trusts(l.a, S(""), str_z(crl));
	assert_int_equal(told_now(&l), 1);
	assert_non_null(strstr(l.why, "revoked"));
	assert_false(tls_peer_is(l.server, S("b.example"), &l.err));
	assert_int_equal(told_now(&l), 1);
	link_free(&l);
	link_make(&l, KEY_BELOW); /* not that one */
	trusts(l.a, str_z(root.pem), str_z(crl));
	assert_int_equal(told_now(&l), 0);
	link_free(&l);
	free(crl);
}

static void
test_its_ca_is_not_trusted_any_more(void **state)
{
	struct link l;

	(void)state;
	link_make(&l, KEY_DIRECT);
	trusts(l.a, str_z(strange.pem), S(""));
	assert_int_equal(told_now(&l), 1);
	link_free(&l);
	link_make(&l, KEY_DIRECT);
	tls_context_set_trust(l.a, NULL);
	assert_int_equal(told_now(&l), 1);
	link_free(&l);
}

/* Who is not trusted has lost nothing; who has gone is not looked at. */
static void
test_who_is_not_watched(void **state)
{
	struct link l;

	(void)state;
	link_make(&l, KEY_SELF);
	assert_int_equal(told_at(&l, root_end + 20 * DAY), 0);
	link_free(&l);
	link_make(&l, KEY_DIRECT);
	tls_free(&l.server);
	assert_int_equal(told_at(&l, root_end + 1), 0);
	link_free(&l);
}

/* RFC 7671 §5.1: what DANE pins has no dates, and needs no CA. */
static void
test_what_dane_pins_does_not_end(void **state)
{
	gnutls_datum_t der = test_der(keys[KEY_SERVER].cert_pem);
	const struct tlsa tlsa = {.usage = TLSA_DANE_EE,
	    .selector = TLSA_CERT,
	    .matching = TLSA_EXACT,
	    .data = str_of(der.data, der.size)};
	const struct tls_client wanted = {.domain = S("a.example"),
	    .own = S("b.example"),
	    .host = S("host.example"),
	    .tlsa = &tlsa,
	    .n_tlsa = 1};
	struct link l = {.a = context("a.example", KEY_SERVER)};

	(void)state;
	l.b = context("b.example", KEY_DIRECT);
	l.server = tls_new(l.a, S(""));
	l.client = tls_new_client(l.b, &wanted);
	shake(&l);
	assert_int_equal(tls_peer(l.client, NULL), TLS_PEER_TRUSTED);
	tls_watch_peer(l.client, &l);
	trusts(l.b, str_z(strange.pem), S(""));
	tls_context_look_at_peers(l.b, root_end + 20 * DAY, on_lapsed);
	assert_int_equal(l.told, 0);
	gnutls_free(der.data);
	link_free(&l);
}

static void
test_files_that_are_wrong(void **state)
{
	char *crl = test_ca_revoke(&strange, strange.pem);
	struct err err = {0};

	(void)state;
	assert_null(trust_renew(NULL, S("nonsense"), S(""), &err));
	assert_null(trust_renew(NULL, str_z(root.pem), S("nonsense"), &err));
	assert_non_null(strstr(err.text, "revocation lists"));
	assert_null(trust_renew(NULL, str_z(root.pem), str_z(crl), &err)); /* of another CA */
	free(crl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_it_rests_on_expires),
	    cmocka_unit_test(test_it_is_revoked),
	    cmocka_unit_test(test_its_ca_is_not_trusted_any_more),
	    cmocka_unit_test(test_who_is_not_watched),
	    cmocka_unit_test(test_what_dane_pins_does_not_end),
	    cmocka_unit_test(test_files_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
