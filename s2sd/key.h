/* Dialback keys (XEP-0185): a key proves that whoever made it has the secret of the originating domain. Pure. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define KEY_BYTES 32
#define KEY_HEX (2 * KEY_BYTES)

struct key_names {
	struct str receiving;   /* the server that is to be convinced */
	struct str originating; /* whose key it is */
	struct str id;          /* of the stream that the receiving server has opened its side of */
};

/* The key as it stands on the wire, with a NUL. */
void key_make(char out[KEY_HEX + 1], struct str secret, const struct key_names *names);
/* In constant time. */
bool key_is_right(struct str key, struct str secret, const struct key_names *names);
