/* Servers that prove themselves with far too many certificates. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/abstract.h>

#include "tls_link.h"

enum {
	KEY_SERVER, /* a.example */
	KEY_CLIENT, /* b.example, from the CA below the root */
};

static int
set_up(void **state)
{
	static const struct test_name a = {CERT_DNS, "a.example", 0}, b = {CERT_DNS, "b.example", 0};

	(void)state;
	link_make_cas();
	test_ca_issue(&link_middle, &link_keys[KEY_SERVER],
	    &(struct test_wish){.names = &a, .n_names = 1}, 1);
	test_ca_issue(&link_middle, &link_keys[KEY_CLIENT],
	    &(struct test_wish){.names = &b, .n_names = 1}, 2);
	link_start_keyd();
	return 0;
}

#define BOMB_MAX 64

static struct bomb {
	gnutls_pcert_st certs[BOMB_MAX];
	unsigned n;
} bomb;

static int
show_bomb(gnutls_session_t session, const gnutls_datum_t *cas, int n_cas,
    const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs_r,
    unsigned *n_r, gnutls_privkey_t *key_r)
{
	(void)session;
	(void)cas;
	(void)n_cas;
	(void)algorithms;
	(void)n_algorithms;
	*certs_r = bomb.certs;
	*n_r = bomb.n;
	*key_r = link_keys[KEY_CLIENT].key;
	return 0;
}

/* The client's own certificate, and behind it that of its CA, again and again. */
static void
bomb_make(unsigned n)
{
	gnutls_datum_t own = test_der(link_keys[KEY_CLIENT].cert_pem),
		       ca = test_der(link_middle.pem);

	for (bomb.n = 0; bomb.n < n; bomb.n++)
		assert_int_equal(gnutls_pcert_import_x509_raw(&bomb.certs[bomb.n],
				     bomb.n == 0 ? &own : &ca, GNUTLS_X509_FMT_DER, 0),
		    0);
	gnutls_free(own.data);
	gnutls_free(ca.data);
}

static void
bomb_free(void)
{
	while (bomb.n > 0)
		gnutls_pcert_deinit(&bomb.certs[--bomb.n]);
}

/* Shows it to a server of ours. */
static enum tls_state
throw_bomb(struct tls_context *context, unsigned n, enum tls_peer *peer_r, struct err *why)
{
	struct tls *server = tls_new(context, (struct str){0});
	struct rig_client client;
	const char *text = NULL;
	enum tls_state state;

	bomb_make(n);
	rig_client_start(&client, RIG_TLS13, "a.example", "xmpp-server", NULL);
	gnutls_certificate_set_retrieve_function2(client.credentials, show_bomb);
	state = rig_shake(&client, server, why);
	*peer_r = tls_peer(server, &text);
	if (state == TLS_OPEN && text)
		err_set(why, "%s", text);
	tls_free(&server);
	rig_client_stop(&client);
	bomb_free();
	return state;
}

/* A chain of more certificates than any has is not verified; one that is larger than a message may be is not even read. */
static void
test_inv_15_chain_bombs(void **state)
{
	struct trust *trust = trust_from_pem(str_z(link_root.pem), NULL);
	struct tls_context *t = link_context("xmpp-server", "a.example", KEY_SERVER);
	struct err why = {.text = ""};
	enum tls_peer peer;

	(void)state;
	tls_context_verify_peers(t, trust);
	assert_int_equal(throw_bomb(t, 2, &peer, &why), TLS_OPEN);
	assert_int_equal(peer, TLS_PEER_TRUSTED);
	assert_int_equal(throw_bomb(t, 11, &peer, &why), TLS_OPEN);
	assert_int_equal(peer, TLS_PEER_UNTRUSTED);
	assert_string_equal(why.text, "a chain of 11 certificates is too long");
	assert_int_equal(throw_bomb(t, BOMB_MAX, &peer, &why), TLS_FAILED);
	assert_int_equal(peer, TLS_PEER_UNKNOWN);
	assert_int_equal(throw_bomb(t, 2, &peer, &why), TLS_OPEN);
	assert_int_equal(peer, TLS_PEER_TRUSTED);
	tls_context_free(&t);
	trust_unref(&trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_15_chain_bombs),
	};
	return cmocka_run_group_tests(tests, set_up, link_tear_down);
}
