/* See tls_link.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_link.h"

struct test_ca link_root, link_middle, link_strange;
struct rig_key link_keys[LINK_KEYS + 1];

void
link_make_cas(void)
{
	assert_int_equal(tls_global_init(NULL), 0);
	test_ca_make(&link_root, "root", NULL);
	test_ca_make(&link_middle, "middle", &link_root);
	test_ca_make(&link_strange, "strange", NULL);
}

void
link_start_keyd(void)
{
	rig_keyd_start(rig_keyd_sign, link_keys);
}

int
link_tear_down(void **state)
{
	(void)state;
	rig_keyd_stop();
	for (struct rig_key *k = link_keys; k->key; k++)
		rig_key_free(k);
	test_ca_free(&link_root);
	test_ca_free(&link_middle);
	test_ca_free(&link_strange);
	tls_global_deinit();
	return 0;
}

struct tls_context *
link_context(const char *alpn, const char *domain, int key)
{
	struct tls_context *t = tls_context_new(alpn);
	struct err err = {0};

	if (key >= 0 &&
	    tls_context_set_chain(
		t, str_z(domain), str_z(link_keys[key].cert_pem), link_keys[key].id, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

bool
link_shake(struct link *l)
{
	struct buf to_server = {0}, to_client = {0};
	enum tls_state s = TLS_HANDSHAKE, c = TLS_HANDSHAKE;

	for (int i = 0; i < 10 && (s == TLS_HANDSHAKE || c == TLS_HANDSHAKE); i++) {
		c = tls_handshake(l->client, &to_client, &to_server, &l->err);
		s = tls_handshake(l->server, &to_server, &to_client, &l->err);
	}
	buf_deinit(&to_server);
	buf_deinit(&to_client);
	return s == TLS_OPEN && c == TLS_OPEN;
}

void
link_free(struct link *l)
{
	tls_free(&l->server);
	tls_free(&l->client);
	tls_context_free(&l->a);
	tls_context_free(&l->b);
	trust_unref(&l->trust);
}
