/* The CAs, for peer.c; inside common/tls only. */
#pragma once

#include <gnutls/x509.h>

#include "tls/verify.h"

/* The chain, the peer's own first, must lead to one of `t` (NULL: none). purpose: an OID that it must have where it names any;
 * NULL: no matter. *until_r (filled if it does): the last second, since 1970, in which all that the verdict rests on is valid. From
 * any thread. 0, or -1 with *err. */
int trust_verify(struct trust *t, gnutls_x509_crt_t *chain, unsigned n, const char *purpose,
    int64_t *until_r, struct err *err);
/* The same, but `ca` alone is trusted. */
int trust_verify_under(
    gnutls_x509_crt_t ca, gnutls_x509_crt_t *chain, unsigned n, int64_t *until_r, struct err *err);
