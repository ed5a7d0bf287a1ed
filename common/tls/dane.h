/* What the DNS says about a server's certificate (RFC 6698, 7671; for XMPP RFC 7673). Only records that came with a valid
 * signature of DNSSEC, as did the way to the server, may be used. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TLSA_MAX 16        /* records of a server; more are not looked at */
#define TLSA_DATA_MAX 4096 /* bytes of one */

enum tlsa_usage {
	TLSA_PKIX_TA = 0,
	TLSA_PKIX_EE = 1,
	TLSA_DANE_TA = 2,
	TLSA_DANE_EE = 3,
};

enum tlsa_selector {
	TLSA_CERT = 0, /* the whole certificate */
	TLSA_KEY = 1,  /* its SubjectPublicKeyInfo */
};

enum tlsa_matching {
	TLSA_EXACT = 0,
	TLSA_SHA256 = 1,
	TLSA_SHA512 = 2,
};

struct tlsa {
	enum tlsa_usage usage;
	enum tlsa_selector selector;
	enum tlsa_matching matching;
	struct str data; /* borrowed */
};

/* False when it is malformed, or of a kind that is not known: such a record is as if it were not there (RFC 7671 §4.1). */
bool tlsa_parse(struct tlsa *t_r, struct str rdata);
/* Whether a certificate, in DER, is the one meant. */
bool tlsa_matches(const struct tlsa *t, struct str cert_der);
