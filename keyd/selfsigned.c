/* Keys and self-signed certificates for domains that have none ("on first use"). Names (RFC 6120 §13.7.1.2): dNSName
 * in its A-label form, id-on-dnsSRV for both services, id-on-xmppAddr in UTF-8; an IP address where the domain is
 * one. Used before the sandbox for what is missing, and for `domain add`. */

#include "selfsigned.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"

#define VALID_DAYS 3650
#define SERIAL_BYTES 16
#define CN_MAX 64
#define DAY_S 86400

#define OID_XMPP_ADDR "1.3.6.1.5.5.7.8.5"
#define OID_SRV "1.3.6.1.5.5.7.8.7"

static void
add_pem(struct buf *out, gnutls_datum_t *pem)
{
	buf_add(out, pem->data, pem->size);
	gnutls_memset(pem->data, 0, pem->size);
	gnutls_free(pem->data);
}

int
selfsigned_make_key(struct buf *key_pem, struct err *err)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem = {0};

	if (gnutls_x509_privkey_init(&key) < 0)
		bug("gnutls: out of memory");
	int rc = gnutls_x509_privkey_generate(
	    key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc == 0)
		rc = gnutls_x509_privkey_export2_pkcs8(
		    key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
	gnutls_x509_privkey_deinit(key);
	if (rc < 0)
		return err_set(err, "making a key: %s", gnutls_strerror(rc));
	add_pem(key_pem, &pem);
	return 0;
}

/* The domain as DNS has it; for the caller to free. */
static char *
a_label(const char *domain)
{
	gnutls_datum_t out = {0};

	int rc = gnutls_idna_map(domain, (unsigned)strlen(domain), &out, 0);
	char *name = str_dup(rc < 0 ? str_z(domain) : str_of(out.data, out.size));
	gnutls_free(out.data);
	return name;
}

/* id-on-dnsSRV "_service.domain" as an IA5String. */
static int
add_srv_name(gnutls_x509_crt_t crt, const char *service, const char *name)
{
	char der[2 + 127 + 1];

	int n = snprintf(der + 2, sizeof der - 2, "%s.%s", service, name);
	if (n > 127)
		return 0; /* too long for the short form; dNSName says it too */
	der[0] = 0x16;
	der[1] = (char)n;
	return gnutls_x509_crt_set_subject_alt_othername(
	    crt, OID_SRV, der, (unsigned)n + 2, GNUTLS_FSAN_APPEND);
}

/* True when the domain is an IP address, IPv6 in brackets. */
static bool
parse_address(const char *domain, uint8_t address[16], unsigned *size_r)
{
	char text[INET6_ADDRSTRLEN];
	struct str s = str_z(domain);

	*size_r = 4;
	if (inet_pton(AF_INET, domain, address) == 1)
		return true;
	*size_r = 16;
	return str_starts(s, S("[")) && str_ends(s, S("]")) &&
	    str_copy(text, sizeof text, str_of(s.p + 1, s.n - 2)) &&
	    inet_pton(AF_INET6, text, address) == 1;
}

static int
add_names(gnutls_x509_crt_t crt, const char *domain, const char *name)
{
	uint8_t address[16];
	unsigned size;

	if (parse_address(domain, address, &size))
		return gnutls_x509_crt_set_subject_alt_name(
		    crt, GNUTLS_SAN_IPADDRESS, address, size, GNUTLS_FSAN_SET);
	int rc = strlen(name) > CN_MAX
	    ? 0
	    : gnutls_x509_crt_set_dn_by_oid(
		  crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (rc == 0)
		rc = gnutls_x509_crt_set_subject_alt_name(
		    crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET);
	if (rc == 0)
		rc = gnutls_x509_crt_set_subject_alt_othername(crt, OID_XMPP_ADDR, domain,
		    (unsigned)strlen(domain), GNUTLS_FSAN_APPEND | GNUTLS_FSAN_ENCODE_UTF8_STRING);
	if (rc == 0)
		rc = add_srv_name(crt, "_xmpp-client", name);
	if (rc == 0)
		rc = add_srv_name(crt, "_xmpp-server", name);
	return rc;
}

/* Not a CA: who pins it pins this server, and nothing that the key might sign beside. */
static int
fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *domain)
{
	int64_t now = clock_wall_us() / 1000000;
	uint8_t serial[SERIAL_BYTES];
	char *name = a_label(domain);

	id_random_bytes(serial, sizeof serial);
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and always as long */
	int rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc == 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	if (rc == 0)
		rc = gnutls_x509_crt_set_activation_time(crt, (time_t)(now - DAY_S));
	if (rc == 0)
		rc = gnutls_x509_crt_set_expiration_time(
		    crt, (time_t)(now + (int64_t)VALID_DAYS * DAY_S));
	if (rc == 0)
		rc = add_names(crt, domain, name);
	if (rc == 0)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key(crt, key);
	free(name);
	return rc;
}

/* The hash that goes with the key; GnuTLS knows by itself for Ed25519. */
static int
sign_itself(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	bool ed = gnutls_x509_privkey_get_pk_algorithm(key) == GNUTLS_PK_EDDSA_ED25519;

	return gnutls_x509_crt_sign2(crt, crt, key, ed ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0);
}

int
selfsigned_make_cert(struct buf *crt_pem, struct str key_pem, const char *domain, struct err *err)
{
	gnutls_datum_t data = {.data = (unsigned char *)key_pem.p, .size = (unsigned)key_pem.n},
		       pem = {0};
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;

	if (gnutls_x509_privkey_init(&key) < 0 || gnutls_x509_crt_init(&crt) < 0)
		bug("gnutls: out of memory");
	int rc = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == 0)
		rc = fill(crt, key, domain);
	if (rc == 0)
		rc = sign_itself(crt, key);
	if (rc == 0)
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	if (rc < 0)
		return err_set(err, "making a certificate for %s: %s", domain, gnutls_strerror(rc));
	add_pem(crt_pem, &pem);
	return 0;
}
