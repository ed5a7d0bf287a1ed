/* (namespace, name) to fact. To teach the suite a new marker, add its line here and its bit in
 * base/stanza.h. Body text is the one fact that is not an element's presence; the reader sees to it. */
#include "xml/facts.h"

#include "base/mem.h"
#include "base/stanza.h"

#define STREAM S("")
#define CARBONS S("urn:xmpp:carbons:2")
#define CHAT_STATES S("http://jabber.org/protocol/chatstates")
#define HINTS S("urn:xmpp:hints")
#define MARKERS S("urn:xmpp:chat-markers:0")
#define RECEIPTS S("urn:xmpp:receipts")

enum where {
	DIRECT,
	ANYWHERE,
};

static const struct {
	struct str name, ns;
	enum where where;
	uint32_t fact;
} facts[] = {
    {S("subject"), STREAM, DIRECT, FACT_SUBJECT},
    {S("thread"), STREAM, DIRECT, FACT_THREAD},
    {S("priority"), STREAM, DIRECT, FACT_PRIORITY},

    {S("active"), CHAT_STATES, DIRECT, FACT_CHAT_STATE},
    {S("composing"), CHAT_STATES, DIRECT, FACT_CHAT_STATE},
    {S("paused"), CHAT_STATES, DIRECT, FACT_CHAT_STATE},
    {S("inactive"), CHAT_STATES, DIRECT, FACT_CHAT_STATE},
    {S("gone"), CHAT_STATES, DIRECT, FACT_CHAT_STATE},

    {S("received"), RECEIPTS, DIRECT, FACT_RECEIPT},
    {S("request"), RECEIPTS, DIRECT, FACT_RECEIPT_REQUEST},

    {S("received"), MARKERS, DIRECT, FACT_MARKER},
    {S("displayed"), MARKERS, DIRECT, FACT_MARKER},
    {S("acknowledged"), MARKERS, DIRECT, FACT_MARKER},

    {S("no-store"), HINTS, DIRECT, FACT_NO_STORE},
    {S("no-permanent-store"), HINTS, DIRECT, FACT_NO_PERMANENT_STORE},
    {S("no-copy"), HINTS, DIRECT, FACT_NO_COPY},
    {S("store"), HINTS, DIRECT, FACT_STORE},

    {S("private"), CARBONS, DIRECT, FACT_PRIVATE},
    {S("sent"), CARBONS, ANYWHERE, FACT_CARBON},
    {S("received"), CARBONS, ANYWHERE, FACT_CARBON},

    {S("encryption"), S("urn:xmpp:eme:0"), DIRECT, FACT_ENCRYPTED},
    {S("encrypted"), S("eu.siacs.conversations.axolotl"), DIRECT, FACT_ENCRYPTED},
    {S("encrypted"), S("urn:xmpp:omemo:1"), DIRECT, FACT_ENCRYPTED},
    {S("encrypted"), S("urn:xmpp:omemo:2"), DIRECT, FACT_ENCRYPTED},
    {S("openpgp"), S("urn:xmpp:openpgp:0"), DIRECT, FACT_ENCRYPTED},
    {S("x"), S("jabber:x:encrypted"), DIRECT, FACT_ENCRYPTED},

    {S("delay"), S("urn:xmpp:delay"), ANYWHERE, FACT_DELAY},
    {S("x"), S("jabber:x:delay"), ANYWHERE, FACT_DELAY},
    {S("x"), S("http://jabber.org/protocol/muc#user"), DIRECT, FACT_MUC_USER},
    {S("forwarded"), S("urn:xmpp:forward:0"), ANYWHERE, FACT_FORWARDED},
    {S("stanza-id"), S("urn:xmpp:sid:0"), ANYWHERE, FACT_STANZA_ID},
    {S("occupant-id"), S("urn:xmpp:occupant-id:0"), ANYWHERE, FACT_OCCUPANT_ID},
    {S("x"), S("jabber:x:conference"), DIRECT, FACT_INVITE},
    {S("result"), S("urn:xmpp:mam:2"), ANYWHERE, FACT_MAM_RESULT},
};

uint32_t
facts_of_element(struct str ns, struct str name, bool direct)
{
	for (size_t i = 0; i < COUNT(facts); i++)
		if (str_eq(name, facts[i].name) && (direct || facts[i].where == ANYWHERE) &&
		    str_eq(ns, facts[i].ns))
			return facts[i].fact;
	return 0;
}
