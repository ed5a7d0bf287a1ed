/* A client that is asked for its certificate: whom it shows, and whose word counts (RFC 6120 §13.8.4). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tls/verify.h"
#include "tls_ca.h"

enum {
	KEY_SERVER,  /* a.example, for any purpose */
	KEY_PERSON,  /* two people, as a client */
	KEY_SERVERS, /* one of them, as a server */
	KEY_STRANGE, /* from a CA that nobody trusts */
	KEY_SELF,    /* from nobody */
	KEY_EXPIRED,
	N_KEYS
};

static const struct test_name SERVER = {CERT_DNS, "a.example", 0},
			      ROMEO = {CERT_XMPP, "romeo@b.example", 0};
static const struct test_name PEOPLE[] = {{CERT_DNS, "b.example", 0},
    {CERT_XMPP, "romeo@b.example", 0}, {CERT_SRV, "_xmpp-server.b.example", 0},
    {CERT_XMPP, "nurse@b.example\0.far.example", 28}, {CERT_XMPP, "juliet@b.example", 0}};

static struct test_ca root, strange;
static struct rig_key keys[N_KEYS + 1];

static int
set_up(void **state)
{
	const struct test_wish romeo = {.names = &ROMEO, .n_names = 1};
	struct test_wish wish = romeo;

	(void)state;
	assert_int_equal(tls_global_init(NULL), 0);
	test_ca_make(&root, "root", NULL);
	test_ca_make(&strange, "strange", NULL);
	test_ca_issue(
	    &root, &keys[KEY_SERVER], &(struct test_wish){.names = &SERVER, .n_names = 1}, 1);
	test_ca_issue(&root, &keys[KEY_PERSON],
	    &(struct test_wish){
		.names = PEOPLE, .n_names = COUNT(PEOPLE), .purpose = GNUTLS_KP_TLS_WWW_CLIENT},
	    2);
	wish.purpose = GNUTLS_KP_TLS_WWW_SERVER;
	test_ca_issue(&root, &keys[KEY_SERVERS], &wish, 3);
	test_ca_issue(&strange, &keys[KEY_STRANGE], &romeo, 4);
	test_ca_issue(NULL, &keys[KEY_SELF], &romeo, 5);
	wish = romeo;
	wish.is_expired = true;
	test_ca_issue(&root, &keys[KEY_EXPIRED], &wish, 6);
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
	test_ca_free(&strange);
	tls_global_deinit();
	return 0;
}

/* A server, and a client with one of the keys (-1: none). */
struct link {
	struct tls_context *a, *b;
	struct tls *server, *client;
	struct err err;
};

static struct tls_context *
context(const char *domain, int key)
{
	struct tls_context *t = tls_context_new(NULL);
	struct trust *trust = trust_from_pem(str_z(root.pem), NULL);
	struct err err = {0};

	assert_non_null(trust);
	tls_context_set_trust(t, trust);
	trust_unref(&trust);
	if (key >= 0 &&
	    tls_context_set_chain(t, str_z(domain), str_z(keys[key].cert_pem), keys[key].id, &err) <
		0)
		fail_msg("%s", err.text);
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
link_make(struct link *l, int client_key, bool asks)
{
	const struct tls_client wanted = {.domain = S("a.example"), .own = S("b.example")};

	*l = (struct link){.a = context("a.example", KEY_SERVER)};
	l->b = context("b.example", client_key);
	l->server = asks ? tls_new_asking(l->a, S("")) : tls_new(l->a, S(""));
	l->client = tls_new_client(l->b, &wanted);
	shake(l);
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

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
