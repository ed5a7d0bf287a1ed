/* Makes what an operator has not provided. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* A new ECDSA P-256 key, as PEM (PKCS #8). */
int selfsigned_make_key(struct buf *key_pem, struct err *err);
/* A certificate for the domain, signed with its own key: ten years, with the names that XMPP looks for. */
int selfsigned_make_cert(
    struct buf *crt_pem, struct str key_pem, const char *domain, struct err *err);
