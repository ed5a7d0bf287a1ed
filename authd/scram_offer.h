/* XEP-0474: what a stream was offered, as a hash that becomes part of what SCRAM signs. */
#pragma once

#include "sasl.h"

/* Appends base64(H(S)) to out; S is what §5.1 makes of the mechanisms and channel bindings in t. */
void scram_offer_hash(struct buf *out, enum digest d, const struct sasl_terms *t);
