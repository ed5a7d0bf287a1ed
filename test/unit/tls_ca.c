/* See tls_ca.h. Everything here asserts. */
#include "tls_ca.h"

#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define OID_SRV "1.3.6.1.5.5.7.8.7"
#define OID_XMPP "1.3.6.1.5.5.7.8.5"
#define DAY 86400

#define MUST(call)                                                            \
	do {                                                                  \
		int rc_ = (int)(call);                                        \
		if (rc_ < 0)                                                  \
			bug("%s: %s (%d)", #call, gnutls_strerror(rc_), rc_); \
	} while (0)

static char *
pem_of(gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem;

	MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	char *text = str_dup(str_of(pem.data, pem.size));
	gnutls_free(pem.data);
	return text;
}

static char *
joined(const char *a, const char *b)
{
	struct buf out = {0};

	buf_add_z(&out, a);
	buf_add_z(&out, b);
	char *text = str_dup(buf_str(&out));
	buf_deinit(&out);
	return text;
}

static gnutls_x509_privkey_t
new_key(void)
{
	gnutls_x509_privkey_t key;

	MUST(gnutls_x509_privkey_init(&key));
	MUST(gnutls_x509_privkey_generate(
	    key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	return key;
}

static gnutls_x509_crt_t
new_cert(gnutls_x509_privkey_t key, const char *cn)
{
	static unsigned serial;
	unsigned char number[] = {1, (unsigned char)(serial / 256), (unsigned char)serial};
	gnutls_x509_crt_t crt;

	serial++;
	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_set_version(crt, 3));
	MUST(gnutls_x509_crt_set_serial(crt, number, sizeof(number)));
	MUST(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 10 * DAY));
	MUST(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 10 * DAY));
	MUST(gnutls_x509_crt_set_key(crt, key));
	if (cn)
		MUST(gnutls_x509_crt_set_dn_by_oid(
		    crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn)));
	return crt;
}

static void
ca_sign(struct test_ca *ca, const struct test_ca *parent)
{
	MUST(gnutls_x509_crt_sign2(ca->crt, parent ? parent->crt : ca->crt,
	    parent ? parent->key : ca->key, GNUTLS_DIG_SHA256, 0));
	ca->pem = pem_of(ca->crt);
	ca->chain_pem = parent ? joined(ca->pem, parent->chain_pem) : str_dup(S(""));
}

void
test_ca_make(struct test_ca *ca, const char *name, const struct test_ca *parent)
{
	ca->key = new_key();
	ca->crt = new_cert(ca->key, name);
	MUST(gnutls_x509_crt_set_basic_constraints(ca->crt, 1, -1));
	MUST(gnutls_x509_crt_set_key_usage(ca->crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
	ca_sign(ca, parent);
}

void
test_ca_ends(struct test_ca *ca, const struct test_ca *parent, int64_t seconds)
{
	free(ca->pem);
	free(ca->chain_pem);
	MUST(gnutls_x509_crt_set_expiration_time(ca->crt, seconds));
	ca_sign(ca, parent);
}

char *
test_ca_revoke(const struct test_ca *ca, const char *pem)
{
	gnutls_datum_t der = test_der(pem), out;
	gnutls_x509_crt_t crt;
	gnutls_x509_crl_t crl;
	char *text;

	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER));
	MUST(gnutls_x509_crl_init(&crl));
	MUST(gnutls_x509_crl_set_version(crl, 2));
	MUST(gnutls_x509_crl_set_this_update(crl, time(NULL) - DAY));
	MUST(gnutls_x509_crl_set_next_update(crl, time(NULL) + DAY));
	MUST(gnutls_x509_crl_set_number(crl, "\1", 1));
	MUST(gnutls_x509_crl_set_crt(crl, crt, time(NULL) - DAY));
	MUST(gnutls_x509_crl_sign2(crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0));
	MUST(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &out));
	text = str_dup(str_of(out.data, out.size));
	gnutls_free(out.data);
	gnutls_free(der.data);
	gnutls_x509_crl_deinit(crl);
	gnutls_x509_crt_deinit(crt);
	return text;
}

void
test_ca_free(struct test_ca *ca)
{
	gnutls_x509_privkey_deinit(ca->key);
	gnutls_x509_crt_deinit(ca->crt);
	free(ca->pem);
	free(ca->chain_pem);
}

/* IA5String, short form. */
static void
add_srv(gnutls_x509_crt_t crt, struct str text)
{
	unsigned char der[128] = {0x16, (unsigned char)text.n};

	if (text.n > sizeof(der) - 2)
		bug("too long");
	memcpy(der + 2, text.p, text.n);
	MUST(gnutls_x509_crt_set_subject_alt_othername(
	    crt, OID_SRV, der, (unsigned)text.n + 2, GNUTLS_FSAN_APPEND));
}

static void
add_name(gnutls_x509_crt_t crt, const struct test_name *name)
{
	struct str text = name->n ? str_of(name->text, name->n) : str_z(name->text);

	switch (name->kind) {
	case CERT_DNS:
		MUST(gnutls_x509_crt_set_subject_alt_name(
		    crt, GNUTLS_SAN_DNSNAME, text.p, (unsigned)text.n, GNUTLS_FSAN_APPEND));
		break;
	case CERT_IP:
		MUST(gnutls_x509_crt_set_subject_alt_name(
		    crt, GNUTLS_SAN_IPADDRESS, text.p, (unsigned)text.n, GNUTLS_FSAN_APPEND));
		break;
	case CERT_SRV:
		add_srv(crt, text);
		break;
	case CERT_XMPP:
		MUST(gnutls_x509_crt_set_subject_alt_othername(crt, OID_XMPP, text.p,
		    (unsigned)text.n, GNUTLS_FSAN_APPEND | GNUTLS_FSAN_ENCODE_UTF8_STRING));
		break;
	}
}

void
test_ca_issue(const struct test_ca *ca, struct rig_key *k, const struct test_wish *w, uint32_t id)
{
	gnutls_x509_privkey_t key = new_key();
	gnutls_x509_crt_t crt = new_cert(key, w->cn);

	*k = (struct rig_key){.pk = GNUTLS_PK_ECDSA, .id = id, .key_pem = str_dup(S(""))};
	for (size_t i = 0; i < w->n_names; i++)
		add_name(crt, &w->names[i]);
	if (w->purpose)
		MUST(gnutls_x509_crt_set_key_purpose_oid(crt, w->purpose, 0));
	if (w->is_expired)
		MUST(gnutls_x509_crt_set_expiration_time(crt, time(NULL) - DAY));
	MUST(gnutls_x509_crt_sign2(
	    crt, ca ? ca->crt : crt, ca ? ca->key : key, GNUTLS_DIG_SHA256, 0));
	char *own = pem_of(crt);
	k->cert_pem = joined(own, ca && !w->is_alone ? ca->chain_pem : "");
	free(own);
	gnutls_x509_crt_deinit(crt);
	MUST(gnutls_privkey_init(&k->key));
	MUST(gnutls_privkey_import_x509(k->key, key, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE));
}

gnutls_datum_t
test_der(const char *pem)
{
	gnutls_datum_t in = {.data = (unsigned char *)pem, .size = (unsigned)strlen(pem)}, out;

	MUST(gnutls_pem_base64_decode2("CERTIFICATE", &in, &out));
	return out;
}
