/* A stanza inside the suite: envelope and payload (DESIGN.md §2). The envelope is the only truth; the
 * payload is the children in canonical form and carries no from, to or id. All strings are borrowed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum stanza_kind {
	STANZA_MESSAGE,
	STANZA_PRESENCE,
	STANZA_IQ,
	STANZA_KIND_COUNT,
};

/* The type attribute; one numbering for all three kinds, stanza_type_parse knows which belongs where. */
enum stanza_type {
	TYPE_NORMAL, /* message: absent or "normal" */
	TYPE_CHAT,
	TYPE_GROUPCHAT,
	TYPE_HEADLINE,
	TYPE_ERROR,     /* all kinds */
	TYPE_AVAILABLE, /* presence without type */
	TYPE_UNAVAILABLE,
	TYPE_SUBSCRIBE,
	TYPE_SUBSCRIBED,
	TYPE_UNSUBSCRIBE,
	TYPE_UNSUBSCRIBED,
	TYPE_PROBE,
	TYPE_GET, /* iq */
	TYPE_SET,
	TYPE_RESULT,
	TYPE_COUNT,
};

/* Facts about the payload, found in the one pass of the parser (table in xml/facts.c). */
enum stanza_fact {
	FACT_BODY = 1 << 0,       /* has <body/> with text */
	FACT_CHAT_STATE = 1 << 1, /* XEP-0085 */
	FACT_RECEIPT = 1 << 2,    /* XEP-0184 <received/> */
	FACT_RECEIPT_REQUEST = 1 << 3,
	FACT_MARKER = 1 << 4,   /* XEP-0333 marker, not markable */
	FACT_NO_STORE = 1 << 5, /* XEP-0334 */
	FACT_NO_PERMANENT_STORE = 1 << 6,
	FACT_NO_COPY = 1 << 7,
	FACT_STORE = 1 << 8,
	FACT_PRIVATE = 1 << 9,    /* XEP-0280 <private/> */
	FACT_ENCRYPTED = 1 << 10, /* XEP-0380 / OMEMO: an <encrypted/> or <encryption/> child */
	FACT_SUBJECT = 1 << 11,
	FACT_DELAY = 1 << 12,      /* XEP-0203, XEP-0091: anywhere */
	FACT_MUC_USER = 1 << 13,   /* XEP-0045 muc#user */
	FACT_FORWARDED = 1 << 14,  /* XEP-0297 anywhere below */
	FACT_CARBON = 1 << 15,     /* XEP-0280 sent/received wrapper anywhere */
	FACT_STANZA_ID = 1 << 16,  /* XEP-0359 <stanza-id/> anywhere */
	FACT_PRIORITY = 1 << 17,   /* presence: has <priority/>; its value is in struct stanza */
	FACT_MAM_RESULT = 1 << 18, /* XEP-0313 <result/> */
	FACT_THREAD = 1 << 19,
	FACT_INVITE = 1 << 20,      /* XEP-0249 */
	FACT_OCCUPANT_ID = 1 << 21, /* XEP-0421: anywhere */
};

struct stanza {
	uint8_t kind;        /* enum stanza_kind */
	uint8_t type;        /* enum stanza_type */
	int8_t priority;     /* presence, 0 when absent */
	uint32_t facts;      /* enum stanza_fact, ored */
	struct str from, to; /* prepared JIDs, or empty */
	struct str id, lang;
	struct str payload; /* canonical bytes */
};

/* Whether an error may answer it: an error or a result is never answered (RFC 6120 §8.3.1), and of presence only what asks for
 * something (RFC 6121). */
bool stanza_may_bounce(const struct stanza *st);

/* One allocation with all its strings; freed with free(). */
struct stanza *stanza_copy(const struct stanza *st);
