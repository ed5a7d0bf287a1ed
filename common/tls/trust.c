/* The CAs. GnuTLS's list is only read once it is made, so workers verify with it without a lock. Without a purpose
 * GnuTLS does not ask for one. */
#include "tls/trust.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

static struct trust *
trust_from_file(const char *ca_file, struct err *err)
{
	struct trust *t = trust_alloc();

	if (*ca_file)
		return trust_filled(t,
		    gnutls_x509_trust_list_add_trust_file(
			t->list, ca_file, NULL, GNUTLS_X509_FMT_PEM, 0, 0),
		    ca_file, err);
	int rc = gnutls_x509_trust_list_add_system_trust(t->list, 0, 0);
	t->n = rc > 0 ? (unsigned)rc : 0;
	return t;
}

/* rc: how many, or GnuTLS's error. */
static int
crls_added(int rc, const char *name, struct err *err)
{
	return rc > 0 ? 0
		      : err_set(err, "%s: %s; it must have revocation lists of those CAs, in PEM",
			    name, rc < 0 ? gnutls_strerror(rc) : "no list is in it");
}

struct trust *
trust_new(const char *ca_file, const char *crl_file, struct err *err)
{
	struct trust *t = trust_from_file(ca_file, err);

	if (t != NULL && *crl_file &&
	    crls_added(gnutls_x509_trust_list_add_trust_file(
			   t->list, NULL, crl_file, GNUTLS_X509_FMT_PEM, GNUTLS_TL_VERIFY_CRL, 0),
		crl_file, err) != 0)
		trust_unref(&t);
	return t;
}

static gnutls_datum_t
datum_of(struct str s)
{
	return (gnutls_datum_t){.data = (unsigned char *)s.p, .size = (unsigned)s.n};
}

struct trust *
trust_from_pem(struct str pem, struct err *err)
{
	struct trust *t = trust_alloc();
	gnutls_datum_t data = datum_of(pem);

	return trust_filled(t,
	    gnutls_x509_trust_list_add_trust_mem(t->list, &data, NULL, GNUTLS_X509_FMT_PEM, 0, 0),
	    "CAs", err);
}

static struct trust *
trust_copy(const struct trust *old)
{
	struct trust *t = trust_alloc();
	gnutls_x509_trust_list_iter_t it = NULL;
	gnutls_x509_crt_t ca;

	while (gnutls_x509_trust_list_iter_get_ca(old->list, &it, &ca) == 0) {
		if (gnutls_x509_trust_list_add_cas(t->list, &ca, 1, 0) == 1)
			t->n++;
		else
			gnutls_x509_crt_deinit(ca);
	}
	gnutls_x509_trust_list_iter_deinit(it);
	return t;
}

struct trust *
trust_renew(const struct trust *old, struct str cas, struct str crls, struct err *err)
{
	struct trust *t = str_empty(cas) ? trust_copy(old) : trust_from_pem(cas, err);
	gnutls_datum_t data = datum_of(crls);

	if (t != NULL && !str_empty(crls) &&
	    crls_added(gnutls_x509_trust_list_add_trust_mem(
			   t->list, NULL, &data, GNUTLS_X509_FMT_PEM, GNUTLS_TL_VERIFY_CRL, 0),
		"revocation lists", err) != 0)
		trust_unref(&t);
	return t;
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

/* One that has expired already has not been a part of what was found good: a CA may have another one by the same name. */
static int64_t
sooner(int64_t until, gnutls_x509_crt_t crt)
{
	int64_t end = gnutls_x509_crt_get_expiration_time(crt);

	return end >= clock_wall_us() / 1000000 && end < until ? end : until;
}

static gnutls_x509_crt_t
issuer_in(gnutls_x509_crt_t *chain, unsigned n, gnutls_x509_crt_t of)
{
	for (unsigned i = 1; i < n; i++)
		if (chain[i] != of && gnutls_x509_crt_check_issuer(of, chain[i]))
			return chain[i];
	return NULL;
}

/* GnuTLS does not say which way it has taken from the peer's own to a CA: so it is gone again. */
static int64_t
until_when(gnutls_x509_trust_list_t list, gnutls_x509_crt_t *chain, unsigned n)
{
	gnutls_x509_crt_t at = chain[0], ca;
	int64_t until = gnutls_x509_crt_get_expiration_time(at);

	for (unsigned i = 0; i < n && at; i++) {
		until = sooner(until, at);
		if (gnutls_x509_trust_list_get_issuer(list, at, &ca, GNUTLS_TL_GET_COPY) == 0) {
			until = sooner(until, ca);
			gnutls_x509_crt_deinit(ca);
			break;
		}
		at = issuer_in(chain, n, at);
	}
	return until;
}

static int
verify_with(gnutls_x509_trust_list_t list, gnutls_x509_crt_t *chain, unsigned n,
    const char *purpose, int64_t *until_r, struct err *err)
{
	gnutls_typed_vdata_st wanted = {
	    .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)purpose};
	unsigned status = 0;
	int rc = gnutls_x509_trust_list_verify_crt2(
	    list, chain, n, &wanted, purpose ? 1 : 0, 0, &status, NULL);

	if (rc < 0)
		return err_set(err, "the certificate cannot be verified: %s", gnutls_strerror(rc));
	if (status != 0)
		return say_status(status, err);
	*until_r = until_when(list, chain, n);
	return 0;
}

int
trust_verify(struct trust *t, gnutls_x509_crt_t *chain, unsigned n, const char *purpose,
    int64_t *until_r, struct err *err)
{
	if (t == NULL || t->n == 0)
		return err_set(err, "there are no CAs to verify the certificate with");
	return verify_with(t->list, chain, n, purpose, until_r, err);
}

int
trust_verify_under(
    gnutls_x509_crt_t ca, gnutls_x509_crt_t *chain, unsigned n, int64_t *until_r, struct err *err)
{
	gnutls_x509_trust_list_t list;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		return err_set(err, "the certificate cannot be verified: out of memory");
	int rc = gnutls_x509_trust_list_add_cas(list, &ca, 1, 0) == 1
	    ? verify_with(list, chain, n, NULL, until_r, err)
	    : err_set(err, "the certificate that DANE names is no CA's");
	gnutls_x509_trust_list_deinit(list, 0);
	return rc;
}
