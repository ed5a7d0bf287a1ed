/* Namespaces of client streams. */
#pragma once

#include "edge/header.h" /* NS_STREAMS, NS_STREAM_ERRORS */

#define NS_CLIENT "jabber:client"
#define NS_SERVER "jabber:server" /* of whoever is handed over */
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL_CB "urn:xmpp:sasl-cb:0"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_LIMITS "urn:xmpp:stream-limits:0"
#define NS_CSI "urn:xmpp:csi:0"
#define NS_SM "urn:xmpp:sm:3"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_PING "urn:xmpp:ping"
#define NS_REGISTER "jabber:iq:register"
#define NS_REGISTER_FEATURE "http://jabber.org/features/iq-register"
#define NS_SEAL "urn:jackdaw:seal" /* between us and authd */
#define NS_CAPS "http://jabber.org/protocol/caps"
