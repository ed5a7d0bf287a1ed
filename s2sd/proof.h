/* For which pairs of domains stanzas are taken from a stream (INV-5: state for each pair, on each stream). A proof is asked for by the
 * peer's <db:result/> and found by a verification, or comes at once with a certificate. */
#pragma once

#include "stream.h"

#define PROOFS_MAX 64 /* of one stream, asked for or valid; over it: resource-constraint */

enum proof_state {
	PROOF_ASKED,
	PROOF_VALID,
};

struct proof {
	struct list link;
	enum proof_state state;
	char *local, *remote;
	struct verification *verification; /* while it is asked for */
};

struct proof *proof_find(const struct stream *s, struct str local, struct str remote);
/* NULL when there are PROOFS_MAX. */
struct proof *proof_new(struct stream *s, struct str local, struct str remote);
void proof_free(struct proof *p);
void proof_is_valid(struct stream *s, struct proof *p);
/* Whether there is one that is valid, for whatever pair. */
bool proof_any(const struct stream *s);
