/* Values that storaged keeps for a user (enum blob_space), asked for on account of an IQ. */
#pragma once

#include "iq.h"

#define BLOB_DATA_MAX 262144
#define BLOB_KEY_MAX 2048

/* What is answered when the value is there, or with `none` instead of it. l is the callee's. */
typedef void blob_fn(struct iq_later *l, struct str data);

/* none: canonical bytes for when there is no value, copied. When storaged cannot say, the IQ is answered with an error. */
void blob_get(
    const struct iq *iq, enum blob_space space, struct str key, struct str none, blob_fn *fn);
struct blob_item {
	struct str key, data;
};
/* Answers the IQ when all of them (at least one, all keys different) are kept, or with the first error: then some may be. */
void blob_put(const struct iq *iq, enum blob_space space, const struct blob_item *items, unsigned n);
/* Keeps it without an IQ; what becomes of it is not asked. */
void blob_note(struct account *a, const struct act *act, enum blob_space space, struct str data);
