/* Errors made from the envelope: RFC 6120 §8.3. */
#pragma once

#include "act.h"
#include "xml/writer.h"

/* Answers the sender with this error; silently nothing when st may not be answered (errors, results) or when RFC 6121 wants
 * silence (presence, but for what a user asked for). */
void bounce(const struct act *act, const struct stanza *st, enum stanza_error e);
/* XEP-0191 §3.2: the user has blocked whom this is for. */
void bounce_blocked(const struct act *act, const struct stanza *st);
