/* For the tests of verification: CAs and certificates with any names, made on the spot. */
#pragma once

#include <gnutls/x509.h>

#include "tls/names.h"
#include "tls_rig.h"

struct test_ca {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char *pem;       /* its own certificate */
	char *chain_pem; /* with those above it but the root; "" of a root */
};

/* parent NULL: a root. Valid for ten days, as what it issues. */
void test_ca_make(struct test_ca *ca, const char *name, const struct test_ca *parent);
/* The same CA with another end. */
void test_ca_ends(struct test_ca *ca, const struct test_ca *parent, int64_t seconds);
/* A list in PEM with the first certificate of `pem`; the caller frees it. */
char *test_ca_revoke(const struct test_ca *ca, const char *pem);
void test_ca_free(struct test_ca *ca);

struct test_name {
	enum cert_name_kind kind;
	const char *text;
	size_t n; /* 0: up to the NUL */
};

/* A wish for a certificate. */
struct test_wish {
	const char *cn;
	const struct test_name *names;
	size_t n_names;
	const char *purpose; /* OID; NULL: none is named */
	bool is_expired;
	bool is_alone; /* without the CAs between it and the root */
};

/* A key and a chain for it, as keyd would have them. */
void test_ca_issue(
    const struct test_ca *ca, struct rig_key *k, const struct test_wish *w, uint32_t id);
/* The first certificate of a text in PEM, as DER; the caller frees .data by gnutls_free. */
gnutls_datum_t test_der(const char *pem);
