/* tls.c, context.c, chain.c and signer.c together, against GnuTLS's own client: what is agreed on, by which
 * certificate, and how an open connection carries bytes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/crypto.h>

#include "base/mem.h"
#include "tls/signer.h"
#include "tls_pair.h"

/* --- what is agreed on --------------------------------------------------------------------------------------- */

static void
test_versions_and_keys(void **state)
{
	static const struct {
		const char *priority, *sni;
		int key;
	} cases[] = {
	    {RIG_TLS13, "capulet.example", KEY_ECDSA},
	    {RIG_TLS12, "capulet.example", KEY_ECDSA},
	    {RIG_TLS13, "montague.example", KEY_RSA},
	    {RIG_TLS12, "montague.example", KEY_RSA},
	    {RIG_TLS12
		":-SIGN-RSA-PSS-RSAE-SHA256:-SIGN-RSA-PSS-RSAE-SHA384:-SIGN-RSA-PSS-RSAE-SHA512",
		"montague.example", KEY_RSA},
	    {RIG_TLS13, "verona.example", KEY_ED25519},
	    {"NORMAL", "capulet.example", KEY_ECDSA},
	    {"NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", "capulet.example", KEY_ECDSA},
	    {"NORMAL:-GROUP-ALL:+GROUP-SECP384R1", "capulet.example", KEY_ECDSA},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tls_pair p = {0};
		pair_shake(&p, cases[i].priority, cases[i].sni, "xmpp-client");
		pair_assert_open(&p);
		pair_assert_shown(&p, cases[i].key);
		assert_string_equal(tls_sni(p.server).p, cases[i].sni);
		pair_assert_talks(&p);
		pair_stop(&p);
	}
}

static void
test_describe(void **state)
{
	struct tls_pair p = {0};

	(void)state;
	pair_shake(&p, RIG_TLS13 ":-GROUP-ALL:+GROUP-X25519:-CIPHER-ALL:+AES-256-GCM", NULL, NULL);
	pair_assert_open(&p);
	assert_string_equal(tls_describe(p.server), "TLS1.3 X25519 AES-256-GCM");
	assert_true(str_empty(tls_sni(p.server)));
	pair_stop(&p);
}

static void
test_inv_08_old_and_weak_refused(void **state)
{
	static const char *const cases[] = {
	    "NORMAL:-VERS-ALL:+VERS-TLS1.0",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.1",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT",
	    RIG_TLS12 ":-KX-ALL:+RSA",
	    RIG_TLS12 ":-KX-ALL:+DHE-RSA",
	    RIG_TLS12 ":-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",
	    "NORMAL:-GROUP-ALL:+GROUP-FFDHE2048",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tls_pair p = {0};
		pair_shake(&p, cases[i], "montague.example", NULL);
		assert_int_equal(p.state, TLS_FAILED);
		assert_int_not_equal(p.client.status, 0);
		assert_true(strlen(p.err.text) > 0);
		pair_stop(&p);
	}
}

/* Names: exact, in any case, as A-label for what was configured as U-label; unknown and none: the default. */
static void
test_sni(void **state)
{
	static const struct {
		const char *sni;
		int key;
	} cases[] = {
	    {"montague.example", KEY_RSA},
	    {"MontaGUE.example", KEY_RSA},
	    {"xn--mller-kva.example", KEY_OTHER},
	    {"nowhere.example", KEY_ECDSA},
	    {NULL, KEY_ECDSA},
	};
	struct tls_pair p = {.context = pair_context()};

	(void)state;
	pair_set_chain(p.context, "m\xc3\xbcller.example", KEY_OTHER);
	for (size_t i = 0; i < COUNT(cases); i++) {
		pair_shake(&p, "NORMAL", cases[i].sni, NULL);
		pair_assert_open(&p);
		pair_assert_shown(&p, cases[i].key);
		pair_finish(&p);
	}
	tls_context_free(&p.context);
}

/* STARTTLS: the stream's `to` counts where SNI says nothing. */
static void
test_domain_without_sni(void **state)
{
	static const struct {
		const char *sni, *to;
		int key;
	} cases[] = {
	    {NULL, "montague.example", KEY_RSA},
	    {NULL, "Montague.Example.", KEY_RSA},
	    {NULL, "nowhere.example", KEY_ECDSA},
	    {"capulet.example", "montague.example", KEY_ECDSA},
	    {"nowhere.example", "montague.example", KEY_RSA},
	};
	struct tls_pair p = {.context = pair_context()};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		pair_start(&p, "NORMAL", cases[i].sni, NULL, NULL);
		tls_free(&p.server);
		p.server = tls_new(p.context, str_z(cases[i].to));
		p.state = rig_shake(&p.client, p.server, &p.err);
		pair_assert_open(&p);
		pair_assert_shown(&p, cases[i].key);
		pair_finish(&p);
	}
	tls_context_free(&p.context);
}

static void
test_alpn(void **state)
{
	static const struct {
		const char *alpn;
		enum tls_state state;
	} cases[] = {
	    {"xmpp-client", TLS_OPEN},
	    {NULL, TLS_OPEN},
	    {"xmpp-server", TLS_FAILED},
	    {"http/1.1", TLS_FAILED},
	    {"xmpp-clien", TLS_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		struct tls_pair p = {0};
		pair_shake(&p, i % 2 ? RIG_TLS12 : RIG_TLS13, "capulet.example", cases[i / 2].alpn);
		assert_int_equal(p.state, cases[i / 2].state);
		if (p.state == TLS_FAILED)
			assert_int_equal(
			    gnutls_alert_get(p.client.session), GNUTLS_A_NO_APPLICATION_PROTOCOL);
		pair_stop(&p);
	}
}

/* --- certificates change ------------------------------------------------------------------------------------- */

static void
test_chain_replaced_and_removed(void **state)
{
	struct tls_pair old = {.context = pair_context()}, p = {.context = old.context};

	(void)state;
	pair_shake(&old, "NORMAL", NULL, NULL);
	pair_set_chain(p.context, "CAPULET.example", KEY_OTHER);
	pair_shake(&p, "NORMAL", NULL, NULL);
	pair_assert_open(&p);
	pair_assert_shown(&p, KEY_OTHER); /* still the default */
	pair_finish(&p);
	pair_assert_talks(&old); /* untouched */
	pair_finish(&old);

	tls_context_remove_chain(p.context, S("capulet.example"));
	assert_false(tls_context_has_chain(p.context, S("capulet.example")));
	assert_true(tls_context_has_chain(p.context, S("Montague.example")));
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	pair_assert_open(&p);
	pair_assert_shown(&p, KEY_RSA);
	pair_stop(&p);
}

static void
test_no_chain_yet(void **state)
{
	struct tls_pair p = {.context = tls_context_new(NULL)};

	(void)state;
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	assert_int_equal(p.state, TLS_FAILED);
	assert_non_null(strstr(p.err.text, "no certificate"));
	pair_stop(&p);
}

static void
test_bad_chain(void **state)
{
	struct tls_context *t = tls_context_new(NULL);
	struct err err = {0};

	(void)state;
	assert_int_equal(tls_context_set_chain(t, S("a.example"), S("no PEM"), 1, &err), -1);
	assert_true(strlen(err.text) > 0);
	assert_int_equal(tls_context_set_chain(t, S("a.example"), S(""), 1, &err), -1);
	assert_false(tls_context_has_chain(t, S("a.example")));
	tls_context_free(&t);
}

/* --- resumption and channel binding -------------------------------------------------------------------------- */

static void
assert_bindings_equal(struct tls_pair *p, bool tls13)
{
	gnutls_datum_t theirs;
	struct buf ours = {0};

	assert_int_equal(tls_channel_exporter(p->server, &ours), tls13);
	if (tls13) {
		assert_int_equal(gnutls_session_channel_binding(
				     p->client.session, GNUTLS_CB_TLS_EXPORTER, &theirs),
		    0);
		assert_int_equal(theirs.size, 32);
		assert_int_equal(buf_len(&ours), 32);
		assert_memory_equal(buf_str(&ours).p, theirs.data, 32);
		gnutls_free(theirs.data);
	}
	buf_clear(&ours);
	assert_true(tls_channel_end_point(p->server, &ours));
	assert_int_equal(gnutls_session_channel_binding(
			     p->client.session, GNUTLS_CB_TLS_SERVER_END_POINT, &theirs),
	    0);
	assert_int_equal(buf_len(&ours), theirs.size);
	assert_memory_equal(buf_str(&ours).p, theirs.data, theirs.size);
	gnutls_free(theirs.data);
	buf_deinit(&ours);
}

static void
test_inv_10_channel_bindings(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tls_pair p = {0};
		pair_shake(&p, i % 2 ? RIG_TLS12 : RIG_TLS13,
		    i < 2 ? "capulet.example" : "montague.example", NULL);
		pair_assert_open(&p);
		assert_bindings_equal(&p, i % 2 == 0);
		pair_stop(&p);
	}
}

static void
test_no_binding_before_handshake(void **state)
{
	struct tls_pair p = {0};
	struct buf out = {0};

	(void)state;
	pair_start(&p, "NORMAL", NULL, NULL, NULL);
	assert_false(tls_channel_exporter(p.server, &out));
	assert_false(tls_channel_end_point(p.server, &out));
	assert_int_equal(buf_len(&out), 0);
	pair_stop(&p);
}

/* Connects twice with a ticket; returns whether the second was a resumption. */
static bool
resumes(const char *priority, struct str first_key, struct str second_key)
{
	struct tls_pair p = {.context = pair_context()};
	gnutls_datum_t session = {0};
	char got[8];

	tls_context_set_ticket_key(p.context, first_key);
	pair_shake(&p, priority, "montague.example", NULL);
	pair_assert_open(&p);
	pair_assert_talks(&p);
	rig_client_recv(&p.client, got, sizeof got);
	assert_int_equal(gnutls_session_get_data2(p.client.session, &session), 0);
	pair_finish(&p);

	tls_context_set_ticket_key(p.context, second_key);
	pair_start(&p, priority, "montague.example", NULL, &session);
	p.state = rig_shake(&p.client, p.server, &p.err);
	pair_assert_open(&p);
	pair_assert_talks(&p);
	bool resumed = tls_resumed(p.server);
	assert_int_equal(gnutls_session_is_resumed(p.client.session) != 0, resumed);
	assert_string_equal(tls_sni(p.server).p, "montague.example");
	if (resumed) { /* with an ephemeral key exchange all the same */
		assert_bindings_equal(
		    &p, gnutls_protocol_get_version(p.client.session) == GNUTLS_TLS1_3);
		assert_non_null(strstr(tls_describe(p.server), "resumed"));
		if (gnutls_protocol_get_version(p.client.session) == GNUTLS_TLS1_3)
			assert_int_not_equal(
			    gnutls_group_get(p.client.session), GNUTLS_GROUP_INVALID);
	}
	gnutls_free(session.data);
	pair_stop(&p);
	return resumed;
}

static void
test_tickets(void **state)
{
	char a[64], b[64];

	(void)state;
	memset(a, 'a', sizeof a);
	memset(b, 'b', sizeof b);
	assert_true(resumes(RIG_TLS13, str_of(a, 64), str_of(a, 64)));
	assert_true(resumes(RIG_TLS12, str_of(a, 64), str_of(a, 64)));
	assert_false(resumes(RIG_TLS13, str_of(a, 64), str_of(b, 64)));
	assert_false(resumes(RIG_TLS12, str_of(a, 64), str_of(b, 64)));
	assert_false(resumes(RIG_TLS13, S(""), S("")));
	assert_false(resumes(RIG_TLS13, str_of(a, 64), S("")));
}

/* --- the open connection ------------------------------------------------------------------------------------- */

static void
test_large_and_piecemeal(void **state)
{
	struct tls_pair p = {0};
	struct buf sent = {0}, plain = {0}, in = {0};
	size_t got = 0;
	char chunk[5000];

	(void)state;
	pair_shake(&p, RIG_TLS13, "capulet.example", NULL);
	pair_assert_open(&p);
	memset(buf_reserve(&sent, 100000), 'x', 100000);
	buf_commit(&sent, 100000);
	assert_int_equal(tls_write(p.server, buf_str(&sent), &p.client.in, &p.err), TLS_OPEN);
	for (ssize_t n; got < 100000 && (n = rig_client_recv(&p.client, chunk, sizeof chunk)) > 0;)
		got += (size_t)n;
	assert_int_equal(got, 100000);

	for (int i = 0; i < 4; i++)
		gnutls_record_send(p.client.session, buf_str(&sent).p, 16000);
	for (size_t i = 0; buf_len(&p.client.out) > 0; i++) {
		size_t n = buf_len(&p.client.out) < 37 ? buf_len(&p.client.out) : 37;
		buf_add(&in, buf_str(&p.client.out).p, n);
		buf_consume(&p.client.out, n);
		assert_int_equal(tls_read(p.server, &in, &plain, 500, &p.err), TLS_OPEN);
		assert_true(buf_len(&plain) <= 500 * (i + 1));
	}
	while (tls_pending(p.server) > 0)
		assert_int_equal(tls_read(p.server, &in, &plain, 500, &p.err), TLS_OPEN);
	assert_int_equal(buf_len(&plain), 64000);
	buf_deinit(&sent);
	buf_deinit(&plain);
	buf_deinit(&in);
	pair_stop(&p);
}

static void
test_close(void **state)
{
	struct tls_pair p = {0};
	struct buf plain = {0};
	char got[64];

	(void)state;
	pair_shake(&p, RIG_TLS13, "capulet.example", NULL);
	pair_assert_open(&p);
	gnutls_record_send(p.client.session, "last", 4);
	gnutls_bye(p.client.session, GNUTLS_SHUT_WR);
	assert_int_equal(tls_read(p.server, &p.client.out, &plain, 1000, &p.err), TLS_CLOSED);
	assert_int_equal(buf_len(&plain), 4);
	assert_int_equal(
	    tls_write(p.server, S("</stream:stream>"), &p.client.in, &p.err), TLS_CLOSED);
	tls_bye(p.server, &p.client.in);
	assert_int_equal(rig_client_recv(&p.client, got, sizeof got), 16);
	assert_int_equal(rig_client_recv(&p.client, got, sizeof got), 0);
	buf_deinit(&plain);
	pair_stop(&p);
}

static void
test_corrupt_record(void **state)
{
	struct tls_pair p = {0};
	struct buf plain = {0};

	(void)state;
	pair_shake(&p, RIG_TLS13, "capulet.example", NULL);
	pair_assert_open(&p);
	gnutls_record_send(p.client.session, "abc", 3);
	p.client.out.data[p.client.out.end - 1] ^= 1;
	assert_int_equal(tls_read(p.server, &p.client.out, &plain, 1000, &p.err), TLS_FAILED);
	assert_int_equal(tls_write(p.server, S("x"), &p.client.in, &p.err), TLS_FAILED);
	buf_clear(&p.client.in);
	buf_deinit(&plain);
	pair_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_versions_and_keys),
	    cmocka_unit_test(test_describe),
	    cmocka_unit_test(test_inv_08_old_and_weak_refused),
	    cmocka_unit_test(test_sni),
	    cmocka_unit_test(test_domain_without_sni),
	    cmocka_unit_test(test_alpn),
	    cmocka_unit_test(test_chain_replaced_and_removed),
	    cmocka_unit_test(test_no_chain_yet),
	    cmocka_unit_test(test_bad_chain),
	    cmocka_unit_test(test_inv_10_channel_bindings),
	    cmocka_unit_test(test_no_binding_before_handshake),
	    cmocka_unit_test(test_tickets),
	    cmocka_unit_test(test_large_and_piecemeal),
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_corrupt_record),
	};
	return cmocka_run_group_tests(tests, pair_make_keys, pair_free_keys);
}
