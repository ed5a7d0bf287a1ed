/* What becomes of a message: one function, message_fate, and its two tables. Everything that may happen to a message is
 * said here: delivered, copied (XEP-0280), archived (XEP-0313), kept while its recipient is away (XEP-0160), held while
 * a client is inactive (XEP-0352), or sent back. */
#pragma once

#include "base/stanza.h"

#include <stdbool.h>

enum message_action {
	MESSAGE_IGNORE,  /* S */
	MESSAGE_BOUNCE,  /* E */
	MESSAGE_TELL,    /* S/E: the error only to those who may know (RFC 6121 §8.1) */
	MESSAGE_STORE,   /* O */
	MESSAGE_DELIVER, /* D: to the addressed session */
	MESSAGE_MOST,    /* M: to the most available sessions */
	MESSAGE_ALL,     /* A: to all that are not negative, and the addressed one */
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

/* What it carries that matters most; by the facts of its payload. */
enum message_content {
	CONTENT_TEXT,   /* text, a subject, something encrypted */
	CONTENT_SIGN,   /* a receipt or marker: XEP-0184, XEP-0333 */
	CONTENT_STATE,  /* no more than a chat state: XEP-0085 */
	CONTENT_INVITE, /* into a room: XEP-0045 §7.8, XEP-0249 */
	CONTENT_OTHER,
	CONTENT_NOTHING,
	MESSAGE_CONTENTS,
};

enum message_trait {
	TRAIT_COPY = 1 << 0,    /* carbons of it are made */
	TRAIT_ARCHIVE = 1 << 1, /* belongs into an archive, if the account has one */
	TRAIT_KEEP = 1 << 2,    /* is kept for a recipient who is away */
	TRAIT_HOLD = 1 << 3,    /* can wait until an inactive client is active again */
};

struct message_fate {
	enum message_action action;
	unsigned traits; /* enum message_trait */
};

/* RFC 6121 §8.5: the first table. */
enum message_action message_action(
    enum message_condition c, enum message_address a, enum stanza_type type);
enum message_content message_content(const struct stanza *st);
/* The second table, and the hints that overrule it. The same for the sender's side and the recipient's but for copies:
 * see message_copies_to_recipient. */
unsigned message_traits(const struct stanza *st);
/* Worth storing for who is not there (XEP-0160 §3). */
bool message_is_kept(const struct stanza *st);
/* XEP-0280 §6.1: rooms bring their private messages to each session themselves. */
bool message_copies_to_recipient(const struct stanza *st);

/* What else counts for a message on its way to an account. */
enum fate_case {
	FATE_TO_ALL = 1 << 0, /* setting deliver_to_all_resources */
	FATE_ANSWERS_COPIED =
	    1 << 1, /* an error about a message that the account's sessions have copies of */
};

/* Both for a message on its way to an account; cases: enum fate_case, ored. */
struct message_fate message_fate(
    enum message_condition c, enum message_address a, const struct stanza *st, unsigned cases);
/* XEP-0280 §6.1: is this error copied, in either direction? is_answer: it is about a message that was. */
bool message_copies_error(const struct stanza *st, bool is_answer);
