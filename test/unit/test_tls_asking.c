/* A client that is asked for its certificate: whom it shows, and whose word counts (RFC 6120 §13.8.4). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tls_link.h"

enum {
	KEY_SERVER,  /* a.example, for any purpose */
	KEY_PERSON,  /* two people, as a client */
	KEY_SERVERS, /* one of them, as a server */
	KEY_STRANGE, /* from a CA that nobody trusts */
	KEY_SELF,    /* from nobody */
	KEY_EXPIRED,
};

static const struct test_name SERVER = {CERT_DNS, "a.example", 0},
			      ROMEO = {CERT_XMPP, "romeo@b.example", 0};
static const struct test_name PEOPLE[] = {{CERT_DNS, "b.example", 0},
    {CERT_XMPP, "romeo@b.example", 0}, {CERT_SRV, "_xmpp-server.b.example", 0},
    {CERT_XMPP, "nurse@b.example\0.far.example", 28}, {CERT_XMPP, "juliet@b.example", 0}};

static int
set_up(void **state)
{
	const struct test_wish romeo = {.names = &ROMEO, .n_names = 1};
	struct test_wish wish = romeo;

	(void)state;
	link_make_cas();
	test_ca_issue(&link_root, &link_keys[KEY_SERVER],
	    &(struct test_wish){.names = &SERVER, .n_names = 1}, 1);
	test_ca_issue(&link_root, &link_keys[KEY_PERSON],
	    &(struct test_wish){
		.names = PEOPLE, .n_names = COUNT(PEOPLE), .purpose = GNUTLS_KP_TLS_WWW_CLIENT},
	    2);
	wish.purpose = GNUTLS_KP_TLS_WWW_SERVER;
	test_ca_issue(&link_root, &link_keys[KEY_SERVERS], &wish, 3);
	test_ca_issue(&link_strange, &link_keys[KEY_STRANGE], &romeo, 4);
	test_ca_issue(NULL, &link_keys[KEY_SELF], &romeo, 5);
	wish = romeo;
	wish.is_expired = true;
	test_ca_issue(&link_root, &link_keys[KEY_EXPIRED], &wish, 6);
	link_start_keyd();
	return 0;
}

/* A server, and a client with one of the keys (-1: none). */
static void
link_make(struct link *l, int client_key, bool asks)
{
	const struct tls_client wanted = {.domain = S("a.example"), .own = S("b.example")};

	*l = (struct link){.trust = trust_from_pem(str_z(link_root.pem), NULL)};
	assert_non_null(l->trust);
	l->a = link_context(NULL, "a.example", KEY_SERVER);
	l->b = link_context(NULL, "b.example", client_key);
	tls_context_set_trust(l->a, l->trust);
	tls_context_set_trust(l->b, l->trust);
	l->server = asks ? tls_new_asking(l->a, S("")) : tls_new(l->a, S(""));
	l->client = tls_new_client(l->b, &wanted);
	if (!link_shake(l))
		fail_msg("%s", l->err.text);
}

static void
test_a_client_is_asked(void **state)
{
	struct str v[2];
	struct link l;

	(void)state;
	link_make(&l, KEY_PERSON, true);
	assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_TRUSTED);
	assert_int_equal(tls_peer_addresses(l.server, v, 1), 2);
	assert_true(str_is(v[0], "romeo@b.example"));
	assert_int_equal(tls_peer_addresses(l.server, v, 2), 2);
	assert_true(str_is(v[1], "juliet@b.example")); /* one with a NUL is none (CVE-2009-2408) */
	link_free(&l);
}

static void
test_inv_07_who_is_no_client(void **state)
{
	static const int bad[] = {KEY_SERVERS, KEY_STRANGE, KEY_SELF, KEY_EXPIRED, -1};
	struct str v[2];
	struct link l;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		link_make(&l, bad[i], true);
		assert_int_not_equal(tls_peer(l.server, NULL), TLS_PEER_TRUSTED);
		assert_int_equal(tls_peer_addresses(l.server, v, 2), 0);
		link_free(&l);
	}
}

static void
test_a_certificate_without_purpose_is_for_all(void **state)
{
	struct str v[2];
	struct link l;

	(void)state;
	link_make(&l, KEY_SERVER, true);
	assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_TRUSTED);
	assert_int_equal(tls_peer_addresses(l.server, v, 2), 0);
	link_free(&l);
}

static void
test_who_is_not_asked_shows_nothing(void **state)
{
	struct str v[2];
	struct link l;

	(void)state;
	link_make(&l, KEY_PERSON, false);
	assert_int_equal(tls_peer(l.server, NULL), TLS_PEER_UNKNOWN);
	assert_int_equal(tls_peer_addresses(l.server, v, 2), 0);
	link_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_client_is_asked),
	    cmocka_unit_test(test_inv_07_who_is_no_client),
	    cmocka_unit_test(test_a_certificate_without_purpose_is_for_all),
	    cmocka_unit_test(test_who_is_not_asked_shows_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, link_tear_down);
}
