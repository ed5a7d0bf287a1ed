/* Links between servers: both ends are ours, each shows a certificate, and each judges the other's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gnutls/crypto.h>

#include "base/mem.h"
#include "tls/dane.h"
#include "tls_link.h"

enum {
	KEY_GOOD,    /* a.example, from the CA below the root */
	KEY_CLIENT,  /* b.example; its purpose is that of servers only */
	KEY_STRANGE, /* a.example, from a CA that nobody trusts */
	KEY_SELF,    /* a.example, from nobody */
	KEY_EXPIRED, /* a.example */
	KEY_ALONE,   /* a.example, without the CA between */
};

static int
set_up(void **state)
{
	static const struct test_name a = {CERT_DNS, "a.example", 0}, b = {CERT_DNS, "b.example", 0};
	const struct test_wish wish_a = {.names = &a, .n_names = 1};

	(void)state;
	link_make_cas();
	test_ca_issue(&link_middle, &link_keys[KEY_GOOD], &wish_a, 1);
	test_ca_issue(&link_middle, &link_keys[KEY_CLIENT],
	    &(struct test_wish){.names = &b, .n_names = 1, .purpose = GNUTLS_KP_TLS_WWW_SERVER}, 2);
	test_ca_issue(&link_strange, &link_keys[KEY_STRANGE], &wish_a, 3);
	test_ca_issue(NULL, &link_keys[KEY_SELF], &wish_a, 4);
	test_ca_issue(&link_middle, &link_keys[KEY_EXPIRED],
	    &(struct test_wish){.names = &a, .n_names = 1, .is_expired = true}, 5);
	test_ca_issue(&link_middle, &link_keys[KEY_ALONE],
	    &(struct test_wish){.names = &a, .n_names = 1, .is_alone = true}, 6);
	link_start_keyd();
	return 0;
}

/* Of a server: it judges whom it talks with. */
static struct tls_context *
context(const char *domain, int key, struct trust *trust)
{
	struct tls_context *t = link_context("xmpp-server", domain, key);

	tls_context_verify_peers(t, trust);
	return t;
}

/* a.example takes the connection of b.example. */
static void
link_make(struct link *l, int server_key, int client_key, const struct tls_client *wanted)
{
	*l = (struct link){.trust = trust_from_pem(str_z(link_root.pem), NULL)};
	assert_non_null(l->trust);
	l->a = context("a.example", server_key, l->trust);
	l->b = context("b.example", client_key, l->trust);
	l->server = tls_new(l->a, (struct str){0});
	l->client = tls_new_client(l->b, wanted);
	if (!link_shake(l))
		fail_msg("%s", l->err.text);
}

static const struct tls_client WANTED = {
    .domain = {"a.example", 9}, .own = {"b.example", 9}, .alpn = "xmpp-server"};

static void
test_both_are_known(void **state)
{
	struct link l;
	struct buf in = {0}, plain = {0};

	(void)state;
	link_make(&l, KEY_GOOD, KEY_CLIENT, &WANTED);
	assert_true(tls_peer_is(l.client, S("a.example"), NULL));
	assert_false(tls_peer_is(l.client, S("b.example"), &l.err));
	assert_non_null(strstr(l.err.text, "not made for b.example"));
	/* The purpose of clients is not in it. */
	assert_true(tls_peer_is(l.server, S("b.example"), NULL));
	assert_false(tls_peer_is(l.server, S("a.example"), NULL));
	assert_true(str_is(tls_sni(l.server), "a.example"));
	assert_int_equal(tls_write(l.client, S("hello"), &in, &l.err), TLS_OPEN);
	assert_int_equal(tls_read(l.server, &in, &plain, 100, &l.err), TLS_OPEN);
	assert_true(str_is(buf_str(&plain), "hello"));
	buf_deinit(&in);
	buf_deinit(&plain);
	link_free(&l);
}

static void
test_who_shows_nothing(void **state)
{
	const char *why;
	struct link l;

	(void)state;
	link_make(&l, KEY_GOOD, -1, &WANTED);
	assert_int_equal(tls_peer(l.client, NULL), TLS_PEER_TRUSTED);
	assert_int_equal(tls_peer(l.server, &why), TLS_PEER_UNKNOWN);
	assert_string_equal(why, "no certificate was shown");
	assert_false(tls_peer_is(l.server, S("b.example"), NULL));
	link_free(&l);
}

/* A certificate of another of our domains is not shown. */
static void
test_only_the_own_domains_certificate_is_shown(void **state)
{
	struct tls_client other = WANTED;
	struct link l;

	(void)state;
	other.own = S("c.example");
	link_make(&l, KEY_GOOD, KEY_CLIENT, &other);
	assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_UNKNOWN);
	link_free(&l);
}

/* Of a name without one of its own that of the domain above it is shown, to who asks and when we are asked. */
static void
test_a_services_certificate_is_its_domains(void **state)
{
	struct tls_client other = WANTED;
	struct link l;

	(void)state;
	other.own = S("rooms.chat.b.example");
	other.domain = S("rooms.a.example");
	link_make(&l, KEY_GOOD, KEY_CLIENT, &other);
	assert_true(tls_peer_is(l.server, S("b.example"), NULL));
	assert_false(tls_peer_is(l.server, other.own, NULL));
	assert_true(tls_peer_is(l.client, S("a.example"), NULL));
	link_free(&l);
	other.own = S("xb.example");
	link_make(&l, KEY_GOOD, KEY_CLIENT, &other);
	assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_UNKNOWN);
	link_free(&l);
}

static void
test_inv_08_untrusted_chains(void **state)
{
	static const int bad[] = {KEY_STRANGE, KEY_SELF, KEY_EXPIRED, KEY_ALONE};
	const char *why;
	struct link l;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		link_make(&l, bad[i], bad[i], &WANTED);
		assert_int_equal(tls_peer(l.client, &why), TLS_PEER_UNTRUSTED);
		assert_true(*why != '\0');
		assert_false(tls_peer_is(l.client, S("a.example"), &l.err));
		assert_string_equal(l.err.text, why);
		assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_UNTRUSTED);
		assert_false(tls_peer_is(l.server, S("b.example"), NULL));
		link_free(&l);
	}
}

static void
test_without_cas_nobody_is_trusted(void **state)
{
	struct trust *none = trust_from_pem(str_z(link_strange.pem), NULL);
	struct link l = {.trust = trust_ref(none)};

	(void)state;
	assert_int_equal(trust_count(none), 1);
	l.a = context("a.example", KEY_GOOD, none);
	l.b = context("b.example", KEY_CLIENT, none);
	l.server = tls_new(l.a, (struct str){0});
	l.client = tls_new_client(l.b, &WANTED);
	assert_true(link_shake(&l));
	assert_int_equal(tls_peer(l.client, NULL), TLS_PEER_UNTRUSTED);
	link_free(&l);
	trust_unref(&none);
	assert_null(trust_from_pem(S("nonsense"), &l.err));
	assert_null(trust_new("/nowhere/ca.pem", "", &l.err));
	assert_non_null(strstr(l.err.text, "/nowhere/ca.pem"));
}

/* RFC 7301: a server of something else is not for us. */
static void
test_alpn(void **state)
{
	struct tls_client other = WANTED;
	struct link l = {.trust = trust_from_pem(str_z(link_root.pem), NULL)};

	(void)state;
	other.alpn = "xmpp-client";
	l.a = context("a.example", KEY_GOOD, l.trust);
	l.b = context("b.example", KEY_CLIENT, l.trust);
	l.server = tls_new(l.a, (struct str){0});
	l.client = tls_new_client(l.b, &other);
	assert_false(link_shake(&l));
	link_free(&l);
	other.alpn = NULL;
	link_make(&l, KEY_GOOD, KEY_CLIENT, &other);
	link_free(&l);
}

static void
test_an_address_is_no_server_name(void **state)
{
	struct tls_client other = WANTED;
	struct link l;

	(void)state;
	other.domain = S("192.0.2.1");
	link_make(&l, KEY_GOOD, KEY_CLIENT, &other);
	assert_true(str_empty(tls_sni(l.server)));
	assert_false(tls_peer_is(l.client, other.domain, NULL));
	link_free(&l);
}

/* ---- DANE ---- */

static uint8_t digest[64];

/* What a record says of the first certificate of a text in PEM. */
static struct tlsa
record(enum tlsa_usage usage, enum tlsa_matching matching, const char *pem)
{
	static gnutls_datum_t der; /* the last one's, for TLSA_EXACT */

	gnutls_free(der.data);
	der = test_der(pem);
	if (matching == TLSA_EXACT)
		return (struct tlsa){usage, TLSA_CERT, matching, str_of(der.data, der.size)};
	gnutls_digest_algorithm_t d =
	    matching == TLSA_SHA256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512;
	gnutls_hash_fast(d, der.data, der.size, digest);
	return (struct tlsa){
	    usage, TLSA_CERT, matching, str_of(digest, matching == TLSA_SHA256 ? 32 : 64)};
}

static bool
dane_accepts(int key, const struct tlsa *t, const char *host)
{
	struct tls_client wanted = WANTED;
	struct link l;

	wanted.tlsa = t;
	wanted.n_tlsa = 1;
	wanted.host = str_z(host);
	link_make(&l, key, KEY_CLIENT, &wanted);
	bool is = tls_peer_is(l.client, S("a.example"), NULL);
	/* One that is pinned for a domain is nobody else. */
	assert_false(tls_peer_is(l.client, S("other.example"), NULL));
	link_free(&l);
	return is;
}

static void
test_dane_names_the_certificate(void **state)
{
	static const enum tlsa_matching how[] = {TLSA_EXACT, TLSA_SHA256, TLSA_SHA512};

	(void)state;
	for (size_t i = 0; i < COUNT(how); i++) {
		struct tlsa t = record(TLSA_DANE_EE, how[i], link_keys[KEY_SELF].cert_pem);
		assert_true(dane_accepts(KEY_SELF, &t, "host.example"));
		/* No CA helps who is not the one. */
		assert_false(dane_accepts(KEY_GOOD, &t, "host.example"));
	}
	/* Neither names nor dates count. */
	struct tlsa t = record(TLSA_DANE_EE, TLSA_SHA256, link_keys[KEY_EXPIRED].cert_pem);
	assert_true(dane_accepts(KEY_EXPIRED, &t, "host.example"));
	t = record(TLSA_DANE_EE, TLSA_SHA256, link_keys[KEY_CLIENT].cert_pem);
	assert_true(dane_accepts(KEY_CLIENT, &t, "host.example"));
}

static void
test_dane_names_the_key(void **state)
{
	gnutls_datum_t pem = {.data = (unsigned char *)link_keys[KEY_SELF].cert_pem,
	    .size = (unsigned)strlen(link_keys[KEY_SELF].cert_pem)};
	gnutls_datum_t spki;
	gnutls_pubkey_t key;
	gnutls_pcert_st cert;

	(void)state;
	assert_int_equal(gnutls_pcert_import_x509_raw(&cert, &pem, GNUTLS_X509_FMT_PEM, 0), 0);
	key = cert.pubkey;
	assert_int_equal(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &spki), 0);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, digest);
	struct tlsa t = {TLSA_DANE_EE, TLSA_KEY, TLSA_SHA256, str_of(digest, 32)};
	assert_true(dane_accepts(KEY_SELF, &t, "host.example"));
	assert_false(dane_accepts(KEY_GOOD, &t, "host.example"));
	gnutls_free(spki.data);
	gnutls_pcert_deinit(&cert);
}

static void
test_dane_names_the_ca(void **state)
{
	struct tlsa t = record(TLSA_DANE_TA, TLSA_SHA256, link_middle.pem);

	(void)state;
	assert_true(dane_accepts(KEY_GOOD, &t, "host.example"));
	assert_false(dane_accepts(KEY_STRANGE, &t, "host.example"));
	assert_false(dane_accepts(KEY_EXPIRED, &t, "host.example"));
	/* Names count: the domain's, or the host's to which DNSSEC led. */
	assert_false(dane_accepts(KEY_CLIENT, &t, "host.example"));
	assert_true(dane_accepts(KEY_CLIENT, &t, "b.example"));
	/* One that is not shown, but stands in the record. */
	t = record(TLSA_DANE_TA, TLSA_EXACT, link_strange.pem);
	assert_true(dane_accepts(KEY_STRANGE, &t, "host.example"));
	assert_false(dane_accepts(KEY_GOOD, &t, "host.example"));
}

static void
test_dane_limits_the_cas(void **state)
{
	struct tlsa ee = record(TLSA_PKIX_EE, TLSA_SHA256, link_keys[KEY_GOOD].cert_pem), ta;

	(void)state;
	assert_true(dane_accepts(KEY_GOOD, &ee, "host.example"));
	ee = record(TLSA_PKIX_EE, TLSA_SHA256, link_keys[KEY_SELF].cert_pem);
	assert_false(dane_accepts(KEY_SELF, &ee, "host.example"));
	ta = record(TLSA_PKIX_TA, TLSA_SHA256, link_middle.pem);
	assert_true(dane_accepts(KEY_GOOD, &ta, "host.example"));
	ta = record(TLSA_PKIX_TA, TLSA_SHA256, link_strange.pem);
	assert_false(dane_accepts(KEY_GOOD, &ta, "host.example"));
}

static void
test_records_are_read(void **state)
{
	char rdata[3 + 64] = {3, 1, 1};
	struct tlsa t;

	(void)state;
	assert_true(tlsa_parse(&t, str_of(rdata, 3 + 32)));
	assert_int_equal(t.usage, TLSA_DANE_EE);
	assert_int_equal(t.selector, TLSA_KEY);
	assert_int_equal(t.matching, TLSA_SHA256);
	assert_int_equal(t.data.n, 32);
	for (size_t n = 0; n < sizeof(rdata); n++)
		assert_int_equal(tlsa_parse(&t, str_of(rdata, n)), n == 3 + 32);
	for (int i = 0; i < 3; i++) {
		rdata[i] = 4;
		assert_false(tlsa_parse(&t, str_of(rdata, 3 + 32)));
		rdata[i] = i == 0 ? 3 : 1;
	}
	rdata[2] = TLSA_EXACT;
	assert_true(tlsa_parse(&t, str_of(rdata, 4)));
	assert_false(tlsa_parse(&t, str_of(rdata, 3)));
}

static void
test_inv_02_no_more_records_than_allowed(void **state)
{
	struct tlsa good = record(TLSA_DANE_EE, TLSA_SHA256, link_keys[KEY_SELF].cert_pem);
	struct tlsa t[TLSA_MAX + 1];
	static char other[32];
	struct tls_client wanted = WANTED;
	struct link l;

	(void)state;
	wanted.host = S("host.example");
	wanted.tlsa = t;
	wanted.n_tlsa = COUNT(t);
	for (size_t at = TLSA_MAX - 1; at <= TLSA_MAX; at++) {
		for (size_t i = 0; i < COUNT(t); i++)
			t[i] =
			    (struct tlsa){TLSA_DANE_EE, TLSA_CERT, TLSA_SHA256, str_of(other, 32)};
		t[at] = good;
		link_make(&l, KEY_SELF, KEY_CLIENT, &wanted);
		assert_int_equal(tls_peer_is(l.client, S("a.example"), NULL), at < TLSA_MAX);
		link_free(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_are_known),
	    cmocka_unit_test(test_who_shows_nothing),
	    cmocka_unit_test(test_only_the_own_domains_certificate_is_shown),
	    cmocka_unit_test(test_a_services_certificate_is_its_domains),
	    cmocka_unit_test(test_inv_08_untrusted_chains),
	    cmocka_unit_test(test_without_cas_nobody_is_trusted),
	    cmocka_unit_test(test_alpn),
	    cmocka_unit_test(test_an_address_is_no_server_name),
	    cmocka_unit_test(test_dane_names_the_certificate),
	    cmocka_unit_test(test_dane_names_the_key),
	    cmocka_unit_test(test_dane_names_the_ca),
	    cmocka_unit_test(test_dane_limits_the_cas),
	    cmocka_unit_test(test_records_are_read),
	    cmocka_unit_test(test_inv_02_no_more_records_than_allowed),
	};

	return cmocka_run_group_tests(tests, set_up, link_tear_down);
}
