/* XEP-0012: when, and with what words, a user was last here. */
#pragma once

#include "account.h"

/* The user has said so (st: the unavailable presence). Kept when no other session is available. */
void last_seen(struct account *a, const struct act *act, const struct stanza *st);
/* A session that was available has just left its account without a word. */
void last_session_ended(struct session *s, const struct act *act);
