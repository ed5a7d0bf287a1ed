/* Asking the authoritative server whether a dialback key is its own (XEP-0220 §2.3): a stream of its own for each question, found by the
 * same ways as any other, which carries nothing else. */
#pragma once

#include "stream.h"
#include "xml/writer.h"

struct proof;

/* For a proof that is asked for on stream s; the answer goes there. Ends by itself, or by verification_free. */
void verification_new(struct stream *s, struct proof *p, struct str key);
void verification_free(struct verification **v);
/* A <db:verify/> with a type came on its stream. False: stop reading. */
bool verification_answer(struct stream *out, const struct xml_element *e);
/* Its stream has ended without one. */
void verification_lost(struct verification *v, const char *why);
