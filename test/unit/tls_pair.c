/* Two ends of one connection for the TLS tests; see the header. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tls_pair.h"

struct rig_key pair_keys[N_KEYS + 1];

int
pair_make_keys(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(tls_global_init(&err), 0);
	rig_key_make(&pair_keys[KEY_ECDSA], GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), "capulet.example", 11);
	rig_key_make(&pair_keys[KEY_RSA], GNUTLS_PK_RSA, 2048, "montague.example", 12);
	rig_key_make(&pair_keys[KEY_ED25519], GNUTLS_PK_EDDSA_ED25519, 256, "verona.example", 13);
	rig_key_make(&pair_keys[KEY_OTHER], GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), "capulet.example", 14);
	rig_keyd_start(rig_keyd_sign, pair_keys);
	return 0;
}

int
pair_free_keys(void **state)
{
	(void)state;
	rig_keyd_stop();
	for (int i = 0; i < N_KEYS; i++)
		rig_key_free(&pair_keys[i]);
	tls_global_deinit();
	return 0;
}

void
pair_set_chain(struct tls_context *t, const char *domain, int key)
{
	struct err err = {0};

	if (tls_context_set_chain(
		t, str_z(domain), str_z(pair_keys[key].cert_pem), pair_keys[key].id, &err) < 0)
		fail_msg("%s", err.text);
}

struct tls_context *
pair_context(void)
{
	struct tls_context *t = tls_context_new("xmpp-client");

	pair_set_chain(t, "capulet.example", KEY_ECDSA);
	pair_set_chain(t, "montague.example", KEY_RSA);
	pair_set_chain(t, "verona.example", KEY_ED25519);
	return t;
}

void
pair_start(struct tls_pair *p, const char *priority, const char *sni, const char *alpn,
    const gnutls_datum_t *resume)
{
	struct tls_context *t = p->context;

	*p = (struct tls_pair){.context = t != NULL ? t : pair_context()};
	rig_client_start(&p->client, priority, sni, alpn, resume);
	p->server = tls_new(p->context, (struct str){0});
}

void
pair_shake(struct tls_pair *p, const char *priority, const char *sni, const char *alpn)
{
	pair_start(p, priority, sni, alpn, NULL);
	p->state = rig_shake(&p->client, p->server, &p->err);
}

void
pair_finish(struct tls_pair *p)
{
	tls_free(&p->server);
	rig_client_stop(&p->client);
}

void
pair_stop(struct tls_pair *p)
{
	pair_finish(p);
	tls_context_free(&p->context);
}

void
pair_assert_open(const struct tls_pair *p)
{
	if (p->state != TLS_OPEN || p->client.status != 0)
		fail_msg("state %d, client %s, %s", p->state, gnutls_strerror(p->client.status),
		    p->err.text);
}

void
pair_assert_shown(const struct tls_pair *p, int key)
{
	unsigned n;
	const gnutls_datum_t *shown = gnutls_certificate_get_peers(p->client.session, &n);
	gnutls_datum_t pem;

	assert_non_null(shown);
	assert_int_equal(gnutls_pem_base64_encode2("CERTIFICATE", &shown[0], &pem), 0);
	assert_int_equal(pem.size, strlen(pair_keys[key].cert_pem));
	assert_memory_equal(pem.data, pair_keys[key].cert_pem, pem.size);
	gnutls_free(pem.data);
}

void
pair_assert_talks(struct tls_pair *p)
{
	static const char question[] = "<stream:stream>", answer[] = "<stream:features/>";
	struct buf plain = {0};
	char got[64];

	assert_int_equal(
	    gnutls_record_send(p->client.session, question, sizeof question), sizeof question);
	assert_int_equal(tls_read(p->server, &p->client.out, &plain, 100, &p->err), TLS_OPEN);
	assert_int_equal(buf_len(&plain), sizeof question);
	assert_memory_equal(buf_str(&plain).p, question, sizeof question);
	assert_int_equal(
	    tls_write(p->server, str_of(answer, sizeof answer), &p->client.in, &p->err), TLS_OPEN);
	assert_int_equal(rig_client_recv(&p->client, got, sizeof got), sizeof answer);
	assert_memory_equal(got, answer, sizeof answer);
	buf_deinit(&plain);
}
