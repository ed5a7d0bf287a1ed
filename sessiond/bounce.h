/* Errors made from the envelope: RFC 6120 §8.3. */
#pragma once

#include "act.h"
#include "xml/writer.h"

struct account;

/* Answers the sender with this error; silently nothing when st may not be answered (errors, results) or when RFC 6121 wants
 * silence (presence, but for what a user asked for). */
void bounce(const struct act *act, const struct stanza *st, enum stanza_error e);
/* XEP-0016 §2.13, XEP-0191 §3.3: the user has denied this to whom it is for. */
void bounce_blocked(const struct account *a, const struct act *act, const struct stanza *st);
