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
#include "tls_link.h"

#define DAY 86400

enum {
	KEY_SERVER,
	KEY_DIRECT, /* of the root */
	KEY_BELOW,  /* of the CA between, which ends first */
	KEY_SELF,   /* of nobody */
};

static const struct test_name NAME = {CERT_DNS, "a.example", 0}, OTHER = {CERT_DNS, "b.example", 0};

static int64_t middle_end,
    root_end; /* of a root the first second is what it was made in, or the next */

static int
set_up(void **state)
{
	const struct test_wish server = {.names = &NAME, .n_names = 1};
	const struct test_wish client = {.names = &OTHER, .n_names = 1};

	(void)state;
	middle_end = time(NULL) + DAY;
	root_end = time(NULL) + 2 * DAY;
	link_make_cas();
	test_ca_ends(&link_root, NULL, root_end);
	test_ca_ends(&link_middle, &link_root, middle_end);
	test_ca_issue(&link_root, &link_keys[KEY_SERVER], &server, 1);
	test_ca_issue(&link_root, &link_keys[KEY_DIRECT], &client, 2);
	test_ca_issue(&link_middle, &link_keys[KEY_BELOW], &client, 3);
	test_ca_issue(NULL, &link_keys[KEY_SELF], &client, 4);
	link_start_keyd();
	return 0;
}

/* ---- a connection of which one end is watched ---- */

struct watched {
	struct link link;
	unsigned told;
	char why[200];
};

static void
trusts(struct tls_context *t, struct str cas, struct str crls)
{
	struct trust *old = trust_from_pem(str_z(link_root.pem), NULL);
	struct trust *trust = trust_renew(old, cas, crls, NULL);

	assert_non_null(trust);
	tls_context_verify_peers(t, trust);
	trust_unref(&trust);
	trust_unref(&old);
}

static void
watched_open(struct watched *w, const struct tls_client *wanted, int client_key)
{
	struct link *l = &w->link;

	*w = (struct watched){.link.a = link_context(NULL, "a.example", KEY_SERVER)};
	l->b = link_context(NULL, "b.example", client_key);
	trusts(l->a, str_z(link_root.pem), S(""));
	trusts(l->b, str_z(link_root.pem), S(""));
	l->server = tls_new(l->a, S(""));
	l->client = tls_new_client(l->b, wanted);
	if (!link_shake(l))
		fail_msg("%s", l->err.text);
}

/* A server that watches its client. */
static void
watch_client(struct watched *w, int client_key)
{
	const struct tls_client wanted = {.domain = S("a.example"), .own = S("b.example")};

	watched_open(w, &wanted, client_key);
	tls_watch_peer(w->link.server, w);
}

static void
on_lapsed(void *owner, const char *why)
{
	struct watched *w = owner;

	w->told++;
	str_copy(w->why, sizeof(w->why), str_z(why));
}

/* How often the owner has been told by then. */
static unsigned
told_at(struct watched *w, int64_t now_s)
{
	tls_context_look_at_peers(w->link.a, now_s, on_lapsed);
	return w->told;
}

static unsigned
told_now(struct watched *w)
{
	return told_at(w, time(NULL));
}

/* ---- the tests ---- */

/* The certificate of the root is the first to end of those on the way; then the one between. */
static void
test_what_it_rests_on_expires(void **state)
{
	static const int which[] = {KEY_DIRECT, KEY_BELOW};
	const int64_t ends[] = {root_end, middle_end};
	struct watched w;

	(void)state;
	for (size_t i = 0; i < COUNT(which); i++) {
		watch_client(&w, which[i]);
		assert_int_equal(told_now(&w), 0);
		assert_int_equal(told_at(&w, ends[i]), 0);
		assert_int_equal(told_at(&w, ends[i] + 1), 1);
		assert_non_null(strstr(w.why, "expired"));
		assert_int_equal(tls_peer(w.link.server, NULL), TLS_PEER_UNTRUSTED);
		assert_int_equal(told_at(&w, ends[i] + 1), 1);
		link_free(&w.link);
	}
}

static void
test_it_is_revoked(void **state)
{
	char *crl = test_ca_revoke(&link_root, link_keys[KEY_DIRECT].cert_pem);
	struct watched w;

	(void)state;
	watch_client(&w, KEY_DIRECT);
	trusts(w.link.a, str_z(link_root.pem), S(""));
	assert_int_equal(told_now(&w), 0);
	assert_true(tls_peer_is(w.link.server, S("b.example"), &w.link.err));
	trusts(w.link.a, S(""), str_z(crl));
	assert_int_equal(told_now(&w), 1);
	assert_non_null(strstr(w.why, "revoked"));
	assert_false(tls_peer_is(w.link.server, S("b.example"), &w.link.err));
	assert_int_equal(told_now(&w), 1);
	link_free(&w.link);
	watch_client(&w, KEY_BELOW); /* not that one */
	trusts(w.link.a, str_z(link_root.pem), str_z(crl));
	assert_int_equal(told_now(&w), 0);
	link_free(&w.link);
	free(crl);
}

static void
test_its_ca_is_not_trusted_any_more(void **state)
{
	struct watched w;

	(void)state;
	watch_client(&w, KEY_DIRECT);
	trusts(w.link.a, str_z(link_strange.pem), S(""));
	assert_int_equal(told_now(&w), 1);
	link_free(&w.link);
	watch_client(&w, KEY_DIRECT);
	tls_context_set_trust(w.link.a, NULL);
	assert_int_equal(told_now(&w), 1);
	link_free(&w.link);
}

/* Who is not trusted has lost nothing; who has gone is not looked at. */
static void
test_who_is_not_watched(void **state)
{
	struct watched w;

	(void)state;
	watch_client(&w, KEY_SELF);
	assert_int_equal(told_at(&w, root_end + 20 * DAY), 0);
	link_free(&w.link);
	watch_client(&w, KEY_DIRECT);
	tls_free(&w.link.server);
	assert_int_equal(told_at(&w, root_end + 1), 0);
	link_free(&w.link);
}

/* RFC 7671 §5.1: what DANE pins has no dates, and needs no CA. */
static void
test_what_dane_pins_does_not_end(void **state)
{
	gnutls_datum_t der = test_der(link_keys[KEY_SERVER].cert_pem);
	const struct tlsa tlsa = {.usage = TLSA_DANE_EE,
	    .selector = TLSA_CERT,
	    .matching = TLSA_EXACT,
	    .data = str_of(der.data, der.size)};
	const struct tls_client wanted = {.domain = S("a.example"),
	    .own = S("b.example"),
	    .host = S("host.example"),
	    .tlsa = &tlsa,
	    .n_tlsa = 1};
	struct watched w;

	(void)state;
	watched_open(&w, &wanted, KEY_DIRECT);
	assert_int_equal(tls_peer(w.link.client, NULL), TLS_PEER_TRUSTED);
	tls_watch_peer(w.link.client, &w);
	trusts(w.link.b, str_z(link_strange.pem), S(""));
	tls_context_look_at_peers(w.link.b, root_end + 20 * DAY, on_lapsed);
	assert_int_equal(w.told, 0);
	gnutls_free(der.data);
	link_free(&w.link);
}

static void
test_files_that_are_wrong(void **state)
{
	char *crl = test_ca_revoke(&link_strange, link_strange.pem);
	struct err err = {0};

	(void)state;
	assert_null(trust_renew(NULL, S("nonsense"), S(""), &err));
	assert_null(trust_renew(NULL, str_z(link_root.pem), S("nonsense"), &err));
	assert_non_null(strstr(err.text, "revocation lists"));
	assert_null(trust_renew(NULL, str_z(link_root.pem), str_z(crl), &err)); /* of another CA */
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

	return cmocka_run_group_tests(tests, set_up, link_tear_down);
}
