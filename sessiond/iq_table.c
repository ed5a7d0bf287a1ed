/* Everything that is answered by IQ, and who may ask it. A new one is a line here, a declaration in answers.h and a file. */
#include "answers.h"
#include "delegation.h"
#include "grant.h"
#include "privilege.h"
#include "roster.h"

#define DISCO_INFO "http://jabber.org/protocol/disco#info"
#define DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define BLOCKING "urn:xmpp:blocking"
#define CARBONS "urn:xmpp:carbons:2"
#define MAM "urn:xmpp:mam:2"
#define REGISTER "jabber:iq:register"
#define SESSION "urn:ietf:params:xml:ns:xmpp-session"

const struct iq_entry iq_table[] = {
    {"jabber:iq:roster", "query", roster_iq_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, true},
    {"jabber:iq:roster", "query", roster_iq_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},

    {DISCO_INFO, "query", disco_info_server, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {DISCO_ITEMS, "query", disco_items_server, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {DISCO_INFO, "query", disco_info_account, TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, true},
    {DISCO_ITEMS, "query", disco_items_account, TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, true},
    {DISCO_ITEMS, "query", disco_items_none, TYPE_GET, IQ_NOBODY, IQ_ANYBODY, false},

    {"urn:xmpp:ping", "ping", ping_answer, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {"urn:xmpp:ping", "ping", ping_answer, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, false},
    {"jabber:iq:version", "query", version_get, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {"urn:xmpp:time", "time", time_get, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {REGISTER, "query", inband_get, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {REGISTER, "query", inband_set, TYPE_SET, IQ_SERVER, IQ_ANYBODY, false},
    {REGISTER, "query", inband_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, false},
    {REGISTER, "query", inband_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {"jabber:iq:last", "query", last_server, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},
    {"jabber:iq:last", "query", last_account, TYPE_GET, IQ_ACCOUNT, IQ_SUBSCRIBER, true},

    {"vcard-temp", "vCard", vcard_get, TYPE_GET, IQ_ACCOUNT, IQ_ANYBODY, true},
    {"vcard-temp", "vCard", vcard_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {"jabber:iq:private", "query", private_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, true},
    {"jabber:iq:private", "query", private_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},

    {BLOCKING, "blocklist", blocking_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, true},
    {BLOCKING, "block", blocking_block, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {BLOCKING, "unblock", blocking_unblock, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {"jabber:iq:privacy", "query", privacy_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, true},
    {"jabber:iq:privacy", "query", privacy_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {CARBONS, "enable", carbons_enable, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {CARBONS, "disable", carbons_disable, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},

    {MAM, "query", mam_query, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {MAM, "query", mam_form, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, false},
    {MAM, "metadata", mam_metadata, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, false},
    {MAM, "prefs", prefs_get, TYPE_GET, IQ_ACCOUNT, IQ_OWNER, false},
    {MAM, "prefs", prefs_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},

    {"urn:xmpp:privilege:2", "privileged_iq", privilege_iq, TYPE_GET, IQ_ACCOUNT, IQ_ANYBODY, false},
    {"urn:xmpp:privilege:2", "privileged_iq", privilege_iq, TYPE_SET, IQ_ACCOUNT, IQ_ANYBODY, false},

    {NS_DELEGATION, "query", grant_ask, TYPE_GET, IQ_SERVER, IQ_ANYBODY, true},

    /* RFC 3921 §3, which clients still ask for; RFC 6121 made it mean nothing. */
    {SESSION, "session", legacy_session_set, TYPE_SET, IQ_SERVER, IQ_ANYBODY, false},
    {SESSION, "session", legacy_session_set, TYPE_SET, IQ_ACCOUNT, IQ_OWNER, false},
    {.name = NULL},
};
