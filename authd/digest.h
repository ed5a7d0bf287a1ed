/* The hashes of SCRAM (RFC 5802 §2.2), over GnuTLS. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Numbers are stored in the database: append only. */
enum digest {
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA512,
	DIGEST_COUNT,
};

#define DIGEST_MAX 64 /* bytes of the longest */

size_t digest_size(enum digest d);

/* Each writes digest_size(d) bytes to out. */
void digest_hash(enum digest d, struct str data, uint8_t *out);
void digest_hmac(enum digest d, struct str key, struct str data, uint8_t *out);
/* Hi() of RFC 5802: PBKDF2. Takes milliseconds: not on the loop. */
void digest_pbkdf2(
    enum digest d, struct str password, struct str salt, uint32_t iterations, uint8_t *out);
