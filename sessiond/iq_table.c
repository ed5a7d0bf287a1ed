/* Everything that is answered by IQ, and who may ask it. A new one is a line here, a declaration in answers.h and a file. */
#include "answers.h"
#include "roster.h"

#define DISCO_INFO "http://jabber.org/protocol/disco#info"
#define DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define SESSION "urn:ietf:params:xml:ns:xmpp-session"

const struct iq_entry iq_table[] = {
    {"jabber:iq:roster", "query", TYPE_GET, IQ_ACCOUNT, IQ_OWNER, roster_iq_get, true},
    {"jabber:iq:roster", "query", TYPE_SET, IQ_ACCOUNT, IQ_OWNER, roster_iq_set, false},

    {DISCO_INFO, "query", TYPE_GET, IQ_SERVER, IQ_ANYBODY, disco_info_server, true},
    {DISCO_ITEMS, "query", TYPE_GET, IQ_SERVER, IQ_ANYBODY, disco_items_server, true},
    {DISCO_INFO, "query", TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, disco_info_account, true},
    {DISCO_ITEMS, "query", TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, disco_items_account, true},

    {"urn:xmpp:ping", "ping", TYPE_GET, IQ_SERVER, IQ_ANYBODY, ping_answer, true},
    {"urn:xmpp:ping", "ping", TYPE_GET, IQ_ACCOUNT, IQ_OWNER, ping_answer, false},
    {"jabber:iq:version", "query", TYPE_GET, IQ_SERVER, IQ_ANYBODY, version_get, true},
    {"urn:xmpp:time", "time", TYPE_GET, IQ_SERVER, IQ_ANYBODY, time_get, true},
    {"jabber:iq:last", "query", TYPE_GET, IQ_SERVER, IQ_ANYBODY, last_server, true},
    {"jabber:iq:last", "query", TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, last_account, true},

    {"vcard-temp", "vCard", TYPE_GET, IQ_ACCOUNT, IQ_ANYBODY, vcard_get, true},
    {"vcard-temp", "vCard", TYPE_SET, IQ_ACCOUNT, IQ_OWNER, vcard_set, false},
    {"jabber:iq:private", "query", TYPE_GET, IQ_ACCOUNT, IQ_OWNER, private_get, true},
    {"jabber:iq:private", "query", TYPE_SET, IQ_ACCOUNT, IQ_OWNER, private_set, false},

    /* RFC 3921 §3, which clients still ask for; RFC 6121 made it mean nothing. */
    {SESSION, "session", TYPE_SET, IQ_SERVER, IQ_ANYBODY, legacy_session_set, false},
    {SESSION, "session", TYPE_SET, IQ_ACCOUNT, IQ_OWNER, legacy_session_set, false},
    {.name = NULL},
};
