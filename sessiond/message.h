/* Messages on their way: from a client to its addressee, to an account's sessions. What becomes of each says fate.h. */
#pragma once

#include "account.h"

void message_from_client(struct session *s, const struct act *act, struct stanza *st);
/* To an address of this shard. act->op is the id of the delivery. */
void message_to_user(const struct act *act, const struct stanza *st);
/* One that was sent to a session that ended before it was written: to another session, or kept. */
void message_again(struct account *a, const struct act *act, const struct stanza *st);
