/* The CAs. GnuTLS's list is only read once it is made, so workers verify with it without a lock. Without a purpose
 * GnuTLS does not ask for one. */
#include "tls/trust.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct trust {
	atomic_uint refs;
	gnutls_x509_trust_list_t list;
	unsigned n;
};

static struct trust *
trust_alloc(void)
{
	struct trust *t = NEW(struct trust);

	t->refs = 1;
	if (gnutls_x509_trust_list_init(&t->list, 0) < 0)
		bug("GnuTLS makes no list of CAs");
	return t;
}

/* rc: how many, or GnuTLS's error. */
static struct trust *
trust_filled(struct trust *t, int rc, const char *name, struct err *err)
{
	if (rc > 0) {
		t->n = (unsigned)rc;
		return t;
	}
	err_set(err, "%s: %s; it must have the certificates of CAs, in PEM", name,
	    rc < 0 ? gnutls_strerror(rc) : "no certificate is in it");
	trust_unref(&t);
	return NULL;
}

struct trust *
trust_new(const char *ca_file, struct err *err)
{
	struct trust *t = trust_alloc();

	if (ca_file && *ca_file)
		return trust_filled(t,
		    gnutls_x509_trust_list_add_trust_file(
			t->list, ca_file, NULL, GNUTLS_X509_FMT_PEM, 0, 0),
		    ca_file, err);
	int rc = gnutls_x509_trust_list_add_system_trust(t->list, 0, 0);
	t->n = rc > 0 ? (unsigned)rc : 0;
	return t;
}

int
trust_add_crls(struct trust *t, const char *crl_file, struct err *err)
{
	int rc = gnutls_x509_trust_list_add_trust_file(
	    t->list, NULL, crl_file, GNUTLS_X509_FMT_PEM, GNUTLS_TL_VERIFY_CRL, 0);

	return rc > 0 ? 0
		      : err_set(err, "%s: %s; it must have revocation lists of those CAs, in PEM",
			    crl_file, rc < 0 ? gnutls_strerror(rc) : "no list is in it");
}

struct trust *
trust_from_pem(struct str pem, struct err *err)
{
	struct trust *t = trust_alloc();
	gnutls_datum_t data = {.data = (unsigned char *)pem.p, .size = (unsigned)pem.n};

	return trust_filled(t,
	    gnutls_x509_trust_list_add_trust_mem(t->list, &data, NULL, GNUTLS_X509_FMT_PEM, 0, 0),
	    "CAs", err);
}

struct trust *
trust_ref(struct trust *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
trust_unref(struct trust **tp)
{
	struct trust *t = *tp;

	*tp = NULL;
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) > 1)
		return;
	gnutls_x509_trust_list_deinit(t->list, 1);
	free(t);
}

unsigned
trust_count(const struct trust *t)
{
	return t->n;
}

/* GnuTLS's sentences, without the blank at the end. */
static int
say_status(unsigned status, struct err *err)
{
	gnutls_datum_t text = {0};

	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
		return err_set(err, "the certificate is not trusted");
	struct str s = str_trim(str_z((const char *)text.data));
	err_set(err, "%.*s", STR_ARG(s));
	gnutls_free(text.data);
	return -1;
}

static int
verify_with(gnutls_x509_trust_list_t list, gnutls_x509_crt_t *chain, unsigned n,
    const char *purpose, struct err *err)
{
	gnutls_typed_vdata_st wanted = {
	    .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)purpose};
	unsigned status = 0;
	int rc = gnutls_x509_trust_list_verify_crt2(
	    list, chain, n, &wanted, purpose ? 1 : 0, 0, &status, NULL);

	if (rc < 0)
		return err_set(err, "the certificate cannot be verified: %s", gnutls_strerror(rc));
	return status == 0 ? 0 : say_status(status, err);
}

int
trust_verify(
    struct trust *t, gnutls_x509_crt_t *chain, unsigned n, const char *purpose, struct err *err)
{
	if (t == NULL || t->n == 0)
		return err_set(err, "there are no CAs to verify the certificate with");
	return verify_with(t->list, chain, n, purpose, err);
}

int
trust_verify_under(gnutls_x509_crt_t ca, gnutls_x509_crt_t *chain, unsigned n, struct err *err)
{
	gnutls_x509_trust_list_t list;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		return err_set(err, "the certificate cannot be verified: out of memory");
	int rc = gnutls_x509_trust_list_add_cas(list, &ca, 1, 0) == 1
	    ? verify_with(list, chain, n, NULL, err)
	    : err_set(err, "the certificate that DANE names is no CA's");
	gnutls_x509_trust_list_deinit(list, 0);
	return rc;
}
