/* Base64 (RFC 4648 §4, padded, strict) and lower-case hex. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

void enc_base64(struct buf *out, struct str in);
/* False, with out untouched, when `in` is not exactly valid padded base64 (no blanks). */
bool dec_base64(struct buf *out, struct str in);
void enc_hex(struct buf *out, struct str in);
