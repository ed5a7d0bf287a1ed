/* The CAs, for peer.c; inside common/tls only. */
#pragma once

#include <gnutls/x509.h>

#include "tls/verify.h"

/* The chain, the peer's own first, must lead to one of `t` (NULL: none). purpose: an OID that it must have where it names any;
 * NULL: no matter. From any thread. 0, or -1 with *err. */
int trust_verify(
    struct trust *t, gnutls_x509_crt_t *chain, unsigned n, const char *purpose, struct err *err);
/* The same, but `ca` alone is trusted. */
int trust_verify_under(gnutls_x509_crt_t ca, gnutls_x509_crt_t *chain, unsigned n, struct err *err);
