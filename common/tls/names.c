/* See names.h. What stands in a certificate was written by strangers: a name with a NUL or anything else that no name has is
 * compared as it is, byte by byte with its length, and so never equal (CVE-2009-2408). GnuTLS's own comparison is not used,
 * because it falls back to the CN. */
#include "tls/names.h"

#include <arpa/inet.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/jid.h"
#include "base/mem.h"
#include "tls/context.h"

#define SAN_OID "2.5.29.17"
#define SERVICE "_xmpp-server."

/* ---- reading ---- */

static void
add_name(struct cert_names *names, enum cert_name_kind kind, const gnutls_datum_t *text)
{
	names->v[names->n++] = (struct cert_name){
	    .kind = kind, .text = arena_str(&names->arena, str_of(text->data, text->size))};
}

/* otherName: the value is DER in DER. */
static void
add_other(struct cert_names *names, const gnutls_datum_t *oid, const gnutls_datum_t *value)
{
	gnutls_datum_t text = {0};
	unsigned kind = 0;

	if (!oid->data ||
	    gnutls_x509_othername_to_virtual((const char *)oid->data, value, &kind, &text) < 0)
		return;
	if (kind == GNUTLS_SAN_OTHERNAME_XMPP)
		add_name(names, CERT_XMPP, &text);
	else if (kind == GNUTLS_SAN_OTHERNAME_SRV)
		add_name(names, CERT_SRV, &text);
	gnutls_free(text.data);
}

static int
add_all(struct cert_names *names, gnutls_subject_alt_names_t sans, struct err *err)
{
	gnutls_datum_t san, oid;
	unsigned type;

	names->v = arena_alloc(&names->arena, CERT_NAMES_MAX * sizeof(*names->v));
	for (unsigned i = 0;; i++) {
		oid = (gnutls_datum_t){0};
		int rc = gnutls_subject_alt_names_get(sans, i, &type, &san, &oid);
		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (rc < 0)
			return err_set(err, "names of the certificate: %s", gnutls_strerror(rc));
		if (i >= CERT_NAMES_MAX)
			return err_set(err, "the certificate has over %d names", CERT_NAMES_MAX);
		if (type == GNUTLS_SAN_DNSNAME)
			add_name(names, CERT_DNS, &san);
		else if (type == GNUTLS_SAN_IPADDRESS)
			add_name(names, CERT_IP, &san);
		else if (type == GNUTLS_SAN_OTHERNAME)
			add_other(names, &oid, &san);
	}
}

static int
read_extension(struct cert_names *names, const gnutls_datum_t *extension, struct err *err)
{
	gnutls_subject_alt_names_t sans;

	int rc = gnutls_subject_alt_names_init(&sans);
	if (rc < 0)
		return err_set(err, "names of the certificate: %s", gnutls_strerror(rc));
	rc = gnutls_x509_ext_import_subject_alt_names(extension, sans, 0);
	if (rc < 0)
		err_set(err, "names of the certificate: %s", gnutls_strerror(rc));
	else
		rc = add_all(names, sans, err);
	gnutls_subject_alt_names_deinit(sans);
	return rc < 0 ? -1 : 0;
}

/* The extension in DER, to be freed; empty when there is none. */
static int
find_extension(struct str der, gnutls_datum_t *extension_r, struct err *err)
{
	gnutls_datum_t cert = {.data = (unsigned char *)der.p, .size = (unsigned)der.n};
	gnutls_x509_crt_t crt;

	*extension_r = (gnutls_datum_t){0};
	int rc = gnutls_x509_crt_init(&crt);
	if (rc < 0)
		return err_set(err, "certificate: %s", gnutls_strerror(rc));
	rc = gnutls_x509_crt_import(crt, &cert, GNUTLS_X509_FMT_DER);
	if (rc == 0)
		rc = gnutls_x509_crt_get_extension_by_oid2(crt, SAN_OID, 0, extension_r, NULL);
	gnutls_x509_crt_deinit(crt);
	if (rc < 0 && rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return err_set(err, "certificate: %s", gnutls_strerror(rc));
	return 0;
}

int
cert_names_read(struct cert_names *names, struct str der, struct err *err)
{
	gnutls_datum_t extension;
	int rc = 0;

	*names = (struct cert_names){.n = 0};
	if (find_extension(der, &extension, err) < 0)
		return -1;
	if (extension.data)
		rc = read_extension(names, &extension, err);
	gnutls_free(extension.data);
	if (rc < 0)
		cert_names_deinit(names);
	return rc;
}

void
cert_names_deinit(struct cert_names *names)
{
	arena_deinit(&names->arena);
	*names = (struct cert_names){.n = 0};
}

/* ---- comparing ---- */

/* Who is asked for, in the forms in which names are compared. */
struct reference {
	struct str domain; /* prepared: UTF-8 */
	struct str ascii;  /* A-labels */
	uint8_t ip[16];
	size_t ip_n; /* 0: a name */
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* b is in lower case already. */
static bool
same_name(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != b.p[i])
			return false;
	return true;
}

static bool
dns_id_is(struct str id, struct str name)
{
	struct str label, rest, under;

	if (same_name(id, name))
		return true;
	if (!str_starts(id, S("*.")))
		return false;
	under = str_from(id, 2);
	return str_split(name, '.', &label, &rest) && label.n > 0 &&
	    str_find(under, '.') < under.n && same_name(under, rest);
}

static bool
srv_id_is(struct str id, struct str name)
{
	size_t n = sizeof(SERVICE) - 1;

	return id.n > n && same_name(str_of(id.p, n), S(SERVICE)) &&
	    same_name(str_from(id, n), name);
}

/* The CA may have written it in a form of its own. */
static bool
xmpp_addr_is(struct str id, struct str domain)
{
	struct jid_buf buf;
	struct str prepared;

	return jid_prepare_domain(&prepared, &buf, id) && str_eq(prepared, domain);
}

static bool
name_is(const struct cert_name *name, const struct reference *r)
{
	switch (name->kind) {
	case CERT_DNS:
		return r->ip_n == 0 && dns_id_is(name->text, r->ascii);
	case CERT_SRV:
		return r->ip_n == 0 && srv_id_is(name->text, r->ascii);
	case CERT_XMPP:
		return xmpp_addr_is(name->text, r->domain);
	case CERT_IP:
		return r->ip_n > 0 && str_eq(name->text, str_of(r->ip, r->ip_n));
	}
	return false;
}

/* An address has no names of the DNS. */
static void
set_address(struct reference *r, struct str domain)
{
	char text[INET6_ADDRSTRLEN];

	if (domain.n > 2 && domain.p[0] == '[')
		domain = str_of(domain.p + 1, domain.n - 2);
	if (!str_copy(text, sizeof(text), domain))
		return;
	if (inet_pton(AF_INET, text, r->ip) == 1)
		r->ip_n = 4;
	else if (inet_pton(AF_INET6, text, r->ip) == 1)
		r->ip_n = 16;
}

bool
cert_names_have(const struct cert_names *names, struct str domain)
{
	struct reference r = {.domain = domain};
	bool found = false;

	if (str_empty(domain))
		return false;
	char *ascii = tls_name_new(domain);
	r.ascii = str_z(ascii);
	set_address(&r, domain);
	for (size_t i = 0; i < names->n && !found; i++)
		found = name_is(&names->v[i], &r);
	free(ascii);
	return found;
}
