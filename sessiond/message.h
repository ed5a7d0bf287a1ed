/* Messages: RFC 6121 §8.5 as one table. */
#pragma once

#include "account.h"

void message_from_client(struct session *s, const struct act *act, struct stanza *st);
/* To an address of this shard. act->op is the id of the delivery. */
void message_to_user(const struct act *act, const struct stanza *st);
/* One that was sent to a session that ended before it was written: to another session, or kept. */
void message_again(struct account *a, const struct act *act, const struct stanza *st);

enum message_action {
	MESSAGE_IGNORE,  /* S */
	MESSAGE_BOUNCE,  /* E */
	MESSAGE_TELL,    /* S/E: the error only to those who may know (RFC 6121 §8.1) */
	MESSAGE_STORE,   /* O */
	MESSAGE_DELIVER, /* D: to the addressed session */
	MESSAGE_MOST,    /* M: to the most available sessions */
	MESSAGE_ALL,     /* A: to all that are not negative */
};

enum message_condition {
	NO_ACCOUNT,
	NO_RESOURCES,
	NEGATIVE_ONLY, /* available ones, but all with a negative priority */
	SOME_TAKERS,   /* at least one that is not negative */
	MESSAGE_CONDITIONS,
};

enum message_address {
	TO_BARE,
	TO_MATCH,    /* a full JID that is connected */
	TO_NO_MATCH, /* a full JID that is not */
	MESSAGE_ADDRESSES,
};

/* The table. */
enum message_action message_action(
    enum message_condition c, enum message_address a, enum stanza_type type);
