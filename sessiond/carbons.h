/* XEP-0280: copies of a conversation for a user's other sessions. Which messages: fate.h. */
#pragma once

#include "account.h"

/* Has this session asked for copies? */
bool carbons_wanted(const struct session *s);
/* A copy of what came for the account, for one session that did not get it. */
void carbons_received(struct session *s, const struct act *act, const struct stanza *st);
/* Copies of what one of the account's sessions sends, for the others. */
void carbons_sent(struct account *a, const struct act *act, const struct stanza *st);
