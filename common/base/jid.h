/* XMPP addresses (RFC 7622): prepared once when they come in; behind that only this form exists (INV-27). */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define JID_PART_MAX 1023
#define JID_MAX (3 * JID_PART_MAX + 2)

/* An address as views of one prepared string. All parts are borrowed from it. */
struct jid {
	struct str full;     /* local@domain/resource */
	struct str bare;     /* local@domain */
	struct str local;    /* empty: none */
	struct str domain;   /* never empty in a valid JID */
	struct str resource; /* empty: none */
};

/* Storage for a prepared address. */
struct jid_buf {
	char text[JID_MAX + 1];
};

/* Checks and prepares `in` (UsernameCaseMapped, IDNA2008 or IP literal, OpaqueString; limits 1023 bytes
 * per part) into buf. False, with *out_r untouched, when it is no JID. ASCII is the fast path. */
bool jid_prepare(struct jid *out_r, struct jid_buf *buf, struct str in);

/* The same for one part; the result is in buf. */
bool jid_prepare_local(struct str *out_r, struct jid_buf *buf, struct str in);
bool jid_prepare_domain(struct str *out_r, struct jid_buf *buf, struct str in);
bool jid_prepare_resource(struct str *out_r, struct jid_buf *buf, struct str in);

/* Password or other secret by OpaqueString (RFC 8265): non-ASCII spaces to U+0020, NFC, not empty.
 * Appends to a malloc'ed string that the caller wipes and frees; NULL when it is refused. */
char *jid_prepare_password(struct str in, size_t *len_r);

/* Splits a string that is known to be prepared (from the bus or the store). No checks but the separators. */
struct jid jid_split(struct str prepared);

static inline bool
jid_is_bare(const struct jid *j)
{
	return str_empty(j->resource);
}

/* Writes bare + "/" + resource into buf and splits it. Both parts must be prepared. */
struct jid jid_join(struct jid_buf *buf, struct str bare, struct str resource);
