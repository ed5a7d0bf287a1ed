/* The edges' side of keyd: one blocking connection per handshake worker (SECURITY.md §2.6). */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Where keyd listens; set once before the workers start, copied. A name without a slash lies in the working
 * directory, which the skeleton sets to the daemon's own folder (there is no connectat(), and /proc is not in
 * the chroot). The default is KEYWIRE_SOCKET. Returns -1 when the name is too long for a socket address. */
int signer_set_path(const char *name, struct err *err);

/* Asks for one signature on this thread's connection (made at the first call, remade after a failure).
 * data: digest or, for EdDSA, the message. Deadline 2 s. 0, or -1 with *err filled; the signature is
 * appended. Blocks: on a worker only. */
int signer_sign(uint32_t key_id, unsigned gnutls_algorithm, struct str data, struct buf *signature,
    struct err *err);
