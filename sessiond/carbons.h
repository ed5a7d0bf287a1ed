/* XEP-0280: copies of a conversation for a user's other sessions. Which messages: fate.h. */
#pragma once

#include "account.h"

/* Messages of an account that were copied: so many of the last ones are remembered, by a hash of id and peer, since errors
 * that answer them are copied too (XEP-0280 §6.1). Lost with the account's cache: then such an error goes to one session. */
#define COPIED_MAX 64

struct copied {
	uint32_t marks[COPIED_MAX];
	unsigned n; /* of all so far */
};

/* Has this session asked for copies? */
bool carbons_wanted(const struct session *s);
/* A copy of what came for the account, for one session that did not get it. */
void carbons_received(struct session *s, const struct act *act, const struct stanza *st);
/* Is it an error about a message from or to this peer that was copied? */
bool carbons_answers(const struct account *a, const struct stanza *st, struct str peer);
/* Copies of what one of the account's sessions sends, for the others. */
void carbons_sent(struct account *a, const struct act *act, const struct stanza *st);
