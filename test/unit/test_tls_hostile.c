/* A connection whose peer means ill, and one whose keyd is: refused or cut, and the next one works. */

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

/* --- hostile peers ------------------------------------------------------------------------------------------- */

static void
test_inv_15_renegotiation_refused(void **state)
{
	struct tls_pair p = {0};
	struct buf plain = {0};
	char got[8];

	(void)state;
	pair_shake(&p, RIG_TLS12, "capulet.example", NULL);
	pair_assert_open(&p);
	assert_int_equal(gnutls_handshake(p.client.session), GNUTLS_E_AGAIN);
	assert_int_equal(tls_read(p.server, &p.client.out, &plain, 1000, &p.err), TLS_FAILED);
	assert_int_equal(buf_len(&plain), 0);
	tls_bye(p.server, &p.client.in);
	assert_true(buf_len(&p.client.in) > 0);
	assert_true(rig_client_recv(&p.client, got, sizeof got) < 0);
	assert_int_equal(gnutls_alert_get(p.client.session), GNUTLS_A_NO_RENEGOTIATION);
	buf_deinit(&plain);
	pair_stop(&p);
}

static void
test_inv_15_key_updates(void **state)
{
	struct tls_pair p = {0};
	struct buf plain = {0};
	enum tls_state s = TLS_OPEN;
	int n = 0;

	(void)state;
	pair_shake(&p, RIG_TLS13, "capulet.example", NULL);
	pair_assert_open(&p);
	gnutls_session_key_update(p.client.session, GNUTLS_KU_PEER);
	assert_int_equal(tls_read(p.server, &p.client.out, &plain, 1000, &p.err), TLS_OPEN);
	pair_assert_talks(&p); /* the answer came with it */
	while (s == TLS_OPEN && n++ < 1000) {
		gnutls_session_key_update(p.client.session, 0);
		s = tls_read(p.server, &p.client.out, &plain, 1000, &p.err);
	}
	assert_int_equal(s, TLS_FAILED);
	assert_true(n < 20);
	assert_int_equal(buf_len(&plain), 0);
	buf_deinit(&plain);
	pair_stop(&p);
}

/* A hello in records that never end it; and one that is legal in each part but does not stop. */
static void
test_inv_15_handshake_flood(void **state)
{
	static const uint8_t ccs[] = {20, 3, 3, 0, 1, 1};
	static const uint8_t record[] = {22, 3, 1, 0x20, 0};
	struct tls_pair p = {0};
	struct buf in = {0}, out = {0};
	enum tls_state s = TLS_HANDSHAKE;
	size_t sent = 0;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		p = (struct tls_pair){0};
		pair_start(&p, RIG_TLS13, NULL, NULL, NULL);
		if (kind == 1) {
			gnutls_handshake(p.client.session);
			buf_add_str(&in, buf_str(&p.client.out));
		}
		for (sent = 0, s = TLS_HANDSHAKE; s == TLS_HANDSHAKE && sent < 1000000;) {
			if (kind == 0) {
				buf_add(&in, record, sizeof record);
				uint8_t *body = buf_reserve(&in, 0x2000);
				memset(body, 0, 0x2000);
				memcpy(body, (uint8_t[]){1, 0, 0xff, 0xff}, 4);
				buf_commit(&in, 0x2000);
			} else {
				buf_add(&in, ccs, sizeof ccs);
			}
			sent += buf_len(&in);
			s = tls_handshake(p.server, &in, &out, &p.err);
		}
		assert_int_equal(s, TLS_FAILED);
		assert_true(sent <= 64 * 1024 + 0x2005);
		buf_deinit(&in);
		buf_deinit(&out);
		pair_stop(&p);
	}
}

static void
test_garbage(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct tls_pair p = {0};
		struct buf in = {0}, out = {0};
		pair_start(
		    &p, i % 2 ? RIG_TLS12 : RIG_TLS13, "capulet.example", "xmpp-client", NULL);
		gnutls_handshake(p.client.session);
		buf_add_str(&in, buf_str(&p.client.out));
		uint8_t noise[3];
		gnutls_rnd(GNUTLS_RND_NONCE, noise, sizeof noise);
		for (int k = 0; k < 3; k++)
			in.data[in.start + (noise[k] * 7919u) % buf_len(&in)] ^=
			    (uint8_t)(noise[k] | 1);
		tls_handshake(p.server, &in, &out, &p.err); /* anything but a crash */
		buf_deinit(&in);
		buf_deinit(&out);
		pair_stop(&p);
	}
}

/* --- keyd is ill --------------------------------------------------------------------------------------------- */

static void
test_signer_unavailable_then_back(void **state)
{
	struct tls_pair p = {.context = pair_context()};

	(void)state;
	signer_set_path("/nonexistent/keyd.sock", NULL);
	rig_keyd_stop(); /* also ends the connection that this thread has */
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	assert_int_equal(p.state, TLS_FAILED);
	assert_non_null(strstr(p.err.text, "keyd"));
	assert_int_not_equal(p.client.status, 0);
	pair_finish(&p);
	rig_keyd_start(rig_keyd_sign, pair_keys);
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	pair_assert_open(&p);
	pair_stop(&p);
}

static unsigned hang_ups;

static bool
hang_up_first(void *ctx, struct str request, struct buf *answer)
{
	if (hang_ups == 0)
		return rig_keyd_sign(ctx, request, answer);
	hang_ups--;
	return false;
}

/* A handshake that begins while keyd is being restarted only takes longer. */
static void
test_signer_away_for_a_moment(void **state)
{
	struct tls_pair p = {.context = pair_context()};

	(void)state;
	rig_keyd_stop();
	rig_keyd_start(hang_up_first, pair_keys);
	hang_ups = 5;
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	pair_assert_open(&p);
	assert_int_equal(hang_ups, 0);
	pair_stop(&p);
	rig_keyd_stop();
	rig_keyd_start(rig_keyd_sign, pair_keys);
}

static void
test_unknown_key(void **state)
{
	struct tls_pair p = {.context = pair_context()};
	struct err err;

	(void)state;
	assert_int_equal(tls_context_set_chain(p.context, S("capulet.example"),
			     str_z(pair_keys[KEY_ECDSA].cert_pem), 999, &err),
	    0);
	pair_shake(&p, "NORMAL", "capulet.example", NULL);
	assert_int_equal(p.state, TLS_FAILED);
	assert_non_null(strstr(p.err.text, "unknown key"));
	pair_finish(&p);
	pair_shake(&p, "NORMAL", "montague.example", NULL);
	pair_assert_open(&p);
	pair_stop(&p);
}

/* The wrong key's signature is the client's to find out. */
static void
test_wrong_key(void **state)
{
	struct tls_pair p = {.context = pair_context()};
	struct err err;

	(void)state;
	assert_int_equal(tls_context_set_chain(p.context, S("capulet.example"),
			     str_z(pair_keys[KEY_ECDSA].cert_pem), pair_keys[KEY_OTHER].id, &err),
	    0);
	pair_shake(&p, RIG_TLS13, "capulet.example", NULL);
	assert_int_equal(p.state, TLS_FAILED);
	assert_int_equal(p.client.status, GNUTLS_E_PK_SIG_VERIFY_FAILED);
	pair_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_15_renegotiation_refused),
	    cmocka_unit_test(test_inv_15_key_updates),
	    cmocka_unit_test(test_inv_15_handshake_flood),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_signer_unavailable_then_back),
	    cmocka_unit_test(test_signer_away_for_a_moment),
	    cmocka_unit_test(test_unknown_key),
	    cmocka_unit_test(test_wrong_key),
	};
	return cmocka_run_group_tests(tests, pair_make_keys, pair_free_keys);
}
