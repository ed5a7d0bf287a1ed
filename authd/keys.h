/* The secrets that authd holds for the whole suite, in locked memory that no core dump shows. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "bus/seal.h"
#include "store.h"

struct keys {
	uint8_t seal_public[SEAL_KEY_BYTES], seal_secret[SEAL_KEY_BYTES];
	struct store_secrets secrets;
};

struct keys *keys_new(void);
void keys_free(struct keys **k);

/* Reads the pair with which edges and ctl seal what they send us; makes it at the first start. The
 * public half is written to its own file too, for `jackdawctl init` to hand out. */
int keys_load_seal(struct keys *k, const char *path, const char *public_path, struct err *err);
