/* uthash with a keyed hash: what strangers choose (resources, names, ids) cannot be made to collide.
 * The only file that includes uthash; use the HASH_* macros with it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (libsodium) under a key drawn once per process. */
unsigned map_hash(const void *key, size_t n);

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = map_hash((keyptr), (keylen)))
#define uthash_fatal(msg) bug("uthash: %s", (msg))

#include "base/mem.h"

#include <uthash.h>
