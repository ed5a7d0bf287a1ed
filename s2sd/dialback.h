/* What verification.c tells dialback.c, and what they write. */
#pragma once

#include "proof.h"
#include "xml/writer.h"

struct proof_names {
	struct str local, remote, id; /* id: empty is left out */
	enum stanza_error error;      /* of type error; else SE_NONE */
};
/* <db:WHAT/> from local to remote. */
void dialback_write(
    struct stream *s, const char *what, const struct proof_names *n, const char *type);

struct verdict {
	bool is_valid;
	enum stanza_error error; /* SE_NONE: the authoritative server says that the key is not its own */
	const char *why;
};
/* Tells the peer of an incoming stream. p, or the stream, may end. */
void dialback_judge(struct stream *s, struct proof *p, const struct verdict *v);
