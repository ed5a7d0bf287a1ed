/* The decision and the signature; no sockets. */
#pragma once

#include <gnutls/abstract.h>

#include "base/buf.h"
#include "tls/keywire.h"

/* Signs what the request asks for, if it is one of the things that a TLS server signs. The signature is appended. */
enum keywire_status sign_request(
    gnutls_privkey_t key, unsigned pk, const struct keywire_request *r, struct buf *signature);
