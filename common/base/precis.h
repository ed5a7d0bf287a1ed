/* Internationalised strings (RFC 8264, RFC 8265, RFC 5891), the slow path of base/jid.c. Not for others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Code points of a string that is being prepared; longer ones are refused. */
#define PRECIS_MAX 4096

struct precis_work {
	uint32_t cp[PRECIS_MAX];
	size_t n;
};

enum precis_class {
	PRECIS_IDENTIFIER,
	PRECIS_FREEFORM,
};

/* Each writes the prepared string to dst (no NUL) and its length to *n_r. False when it is refused or
 * longer than cap. `in` may be any bytes. */
bool precis_username(char *dst, size_t cap, size_t *n_r, struct str in);
bool precis_opaque(char *dst, size_t cap, size_t *n_r, struct str in);
/* Also the fast path for ASCII domains and IP literals. */
bool precis_domain(char *dst, size_t cap, size_t *n_r, struct str in);

enum precis_case {
	PRECIS_LOWER,
	/* Only what changes when it is folded: Cherokee folds to upper case, and IDNA2008 allows just that. */
	PRECIS_LOWER_IF_FOLDED,
};

/* Width, case and NFC mapping, repeated until it changes nothing. */
bool precis_map(struct precis_work *w, struct str in, enum precis_case which);
bool precis_store(const struct precis_work *w, char *dst, size_t cap, size_t *n_r);

/* Is every code point of the string in the class, contextual rules included? */
bool precis_in_class(const struct precis_work *w, enum precis_class which);
/* The rule of RFC 5893 §2; strings without right-to-left characters always pass. */
bool precis_bidi_ok(const struct precis_work *w);
