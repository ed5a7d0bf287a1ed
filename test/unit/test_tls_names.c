/* Whose a certificate is (RFC 9525, RFC 6120 §13.7.1): a table of names in real certificates, hostile ones too. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tls_ca.h"

static struct test_ca root;

/* GnuTLS writes no name with a NUL: it is put in afterwards, where a '!' stands. */
static void
put_nul(gnutls_datum_t *der, const struct test_name *name)
{
	char *at = memmem(der->data, der->size, name->text, name->n);

	if (!at && memchr(name->text, '!', name->n))
		fail_msg("%s is not in the certificate", name->text);
	for (size_t i = 0; at && i < name->n; i++)
		if (at[i] == '!')
			at[i] = '\0';
}

static bool
cert_has(const struct test_wish *w, const char *domain)
{
	struct cert_names names;
	struct rig_key k;
	struct err err = {0};

	test_ca_issue(&root, &k, w, 1);
	gnutls_datum_t der = test_der(k.cert_pem);
	for (size_t i = 0; i < w->n_names; i++)
		put_nul(&der, &w->names[i]);
	if (cert_names_read(&names, str_of(der.data, der.size), &err) < 0)
		fail_msg("%s", err.text);
	bool has = cert_names_have(&names, str_z(domain));
	cert_names_deinit(&names);
	gnutls_free(der.data);
	rig_key_free(&k);
	return has;
}

#define DNS(t)                             \
	{                                  \
		CERT_DNS, t, sizeof(t) - 1 \
	}
#define SRV(t)                             \
	{                                  \
		CERT_SRV, t, sizeof(t) - 1 \
	}
#define XMPP(t)                             \
	{                                   \
		CERT_XMPP, t, sizeof(t) - 1 \
	}
#define IP(t)                             \
	{                                 \
		CERT_IP, t, sizeof(t) - 1 \
	}

static const struct {
	struct test_name name;
	const char *domain;
	bool has;
} CASES[] = {
    {DNS("example.org"), "example.org", true},
    {DNS("EXAMPLE.org"), "example.org", true},
    {DNS("example.org"), "chat.example.org", false},
    {DNS("chat.example.org"), "example.org", false},
    {DNS("example.org."), "example.org", false},
    {DNS(".example.org"), "example.org", false},
    {DNS("example.or"), "example.org", false},
    {DNS("xexample.org"), "example.org", false},
    /* wildcards: the whole left-most label, two more behind it */
    {DNS("*.example.org"), "chat.example.org", true},
    {DNS("*.example.org"), "example.org", false},
    {DNS("*.example.org"), ".example.org", false},
    {DNS("*.example.org"), "a.chat.example.org", false},
    {DNS("c*.example.org"), "chat.example.org", false},
    {DNS("*t.example.org"), "chat.example.org", false},
    {DNS("ch*t.example.org"), "chat.example.org", false},
    {DNS("chat.*.org"), "chat.example.org", false},
    {DNS("*.*.org"), "chat.example.org", false},
    {DNS("*.org"), "example.org", false},
    {DNS("*"), "example.org", false},
    {DNS("*."), "example.org", false},
    {DNS("**.example.org"), "chat.example.org", false},
    {DNS("*.example.org"), "*.example.org", true}, /* no such domain can be prepared */
    /* what is behind a NUL, here a ! */
    {DNS("example.org!.evil.example"), "example.org", false},
    {DNS("example.org!"), "example.org", false},
    {DNS("*!.example.org"), "chat.example.org", false},
    {XMPP("example.org!.evil.example"), "example.org", false},
    {SRV("_xmpp-server.example.org!.evil.example"), "example.org", false},
    /* SRV-ID */
    {SRV("_xmpp-server.example.org"), "example.org", true},
    {SRV("_XMPP-Server.Example.org"), "example.org", true},
    {SRV("_xmpp-client.example.org"), "example.org", false},
    {SRV("_imap.example.org"), "example.org", false},
    {SRV("example.org"), "example.org", false},
    {SRV("_xmpp-server."), "example.org", false},
    {SRV("_xmpp-server.*.example.org"), "chat.example.org", false},
    {DNS("_xmpp-server.example.org"), "example.org", false},
    /* XmppAddr */
    {XMPP("example.org"), "example.org", true},
    {XMPP("Example.ORG"), "example.org", true},
    {XMPP("juliet@example.org"), "example.org", false},
    {XMPP("example.org/balcony"), "example.org", false},
    {XMPP("*.example.org"), "chat.example.org", false},
    {XMPP("b\xc3\xbc"
	  "cher.example"),
	"b\xc3\xbc"
	"cher.example",
	true},
    {XMPP("xn--bcher-kva.example"),
	"b\xc3\xbc"
	"cher.example",
	true},
    /* A-labels */
    {DNS("xn--bcher-kva.example"),
	"b\xc3\xbc"
	"cher.example",
	true},
    {DNS("*.xn--bcher-kva.example"),
	"chat.b\xc3\xbc"
	"cher.example",
	true},
    /* addresses */
    {IP("\xc0\x00\x02\x01"), "192.0.2.1", true},
    {IP("\xc0\x00\x02\x02"), "192.0.2.1", false},
    {IP("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), "[2001:db8::1]", true},
    {IP("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"), "[2001:db8::1]", false},
    {IP("\xc0\x00\x02\x01"), "example.org", false},
    {DNS("192.0.2.1"), "192.0.2.1", false},
    {DNS("*.0.2.1"), "192.0.2.1", false},
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct test_wish w = {.names = &CASES[i].name, .n_names = 1};

		if (cert_has(&w, CASES[i].domain) != CASES[i].has)
			fail_msg("case %zu: %s for %s", i, CASES[i].name.text, CASES[i].domain);
	}
}

/* CVE-2026-42012 and -42013: other names, or too many, and the CN counted. */
static void
test_inv_08_the_common_name_never_counts(void **state)
{
	static const struct test_name others[] = {
	    DNS("other.example"), SRV("_imap.example.org"), XMPP("other.example")};

	(void)state;
	assert_false(cert_has(&(struct test_wish){.cn = "example.org"}, "example.org"));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(cert_has(
		    &(struct test_wish){.cn = "example.org", .names = &others[i], .n_names = 1},
		    "example.org"));
}

static void
test_any_of_many(void **state)
{
	static const struct test_name many[] = {DNS("a.example"), SRV("_xmpp-server.b.example"),
	    XMPP("c.example"), DNS("*.d.example"), IP("\x7f\0\0\1")};
	static const char *const has[] = {
	    "a.example", "b.example", "c.example", "x.d.example", "127.0.0.1"};
	struct test_wish w = {.names = many, .n_names = COUNT(many)};

	(void)state;
	for (size_t i = 0; i < COUNT(has); i++)
		assert_true(cert_has(&w, has[i]));
	assert_false(cert_has(&w, "e.example"));
	assert_false(cert_has(&w, ""));
}

static void
test_inv_02_too_many_names(void **state)
{
	struct test_name *names = mem_new_array(CERT_NAMES_MAX + 1, sizeof(*names));
	char(*texts)[32] = mem_new_array(CERT_NAMES_MAX + 1, sizeof(*texts));
	struct cert_names read;
	struct rig_key k;
	struct err err = {0};

	(void)state;
	for (unsigned i = 0; i <= CERT_NAMES_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "n%u.example", i);
		names[i] = (struct test_name){.kind = CERT_DNS, .text = texts[i]};
	}
	for (unsigned n = CERT_NAMES_MAX; n <= CERT_NAMES_MAX + 1; n++) {
		test_ca_issue(&root, &k, &(struct test_wish){.names = names, .n_names = n}, 1);
		gnutls_datum_t der = test_der(k.cert_pem);
		int rc = cert_names_read(&read, str_of(der.data, der.size), &err);
		assert_int_equal(rc, n <= CERT_NAMES_MAX ? 0 : -1);
		assert_int_equal(read.n, n <= CERT_NAMES_MAX ? n : 0);
		cert_names_deinit(&read);
		gnutls_free(der.data);
		rig_key_free(&k);
	}
	free(names);
	free(texts);
}

/* Every cut of a certificate, and each of its bytes changed: no crash, and never another name than one that stands there. */
static void
test_inv_29_damaged_certificates(void **state)
{
	static const struct test_name names[] = {
	    DNS("a.example"), XMPP("b.example"), SRV("_xmpp-server.c.example")};
	struct cert_names read;
	struct rig_key k;

	(void)state;
	test_ca_issue(&root, &k, &(struct test_wish){.names = names, .n_names = COUNT(names)}, 1);
	gnutls_datum_t der = test_der(k.cert_pem);
	for (unsigned n = 0; n < der.size; n++) {
		if (cert_names_read(&read, str_of(der.data, n), NULL) == 0)
			cert_names_deinit(&read);
		der.data[n] ^= 0x55;
		if (cert_names_read(&read, str_of(der.data, der.size), NULL) == 0) {
			assert_false(cert_names_have(&read, S("example.org")));
			cert_names_deinit(&read);
		}
		der.data[n] ^= 0x55;
	}
	gnutls_free(der.data);
	rig_key_free(&k);
}

static int
set_up(void **state)
{
	(void)state;
	assert_int_equal(tls_global_init(NULL), 0);
	test_ca_make(&root, "root", NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	test_ca_free(&root);
	tls_global_deinit();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_inv_08_the_common_name_never_counts),
	    cmocka_unit_test(test_any_of_many),
	    cmocka_unit_test(test_inv_02_too_many_names),
	    cmocka_unit_test(test_inv_29_damaged_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
