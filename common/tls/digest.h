/* Digests that protocols prescribe; not for secrets. */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define DIGEST_SHA1_BYTES 20

/* For XEP-0115's verification string. */
void digest_sha1(struct str in, uint8_t out[DIGEST_SHA1_BYTES]);
