/* Who a peer is by its certificate. Of a link between servers: a chain to a CA that we trust (or DANE), and names by RFC 9525
 * with those of RFC 6120 §13.7.1: DNS-ID, SRV-ID (_xmpp-server), XmppAddr. Never the CN. The purposes of client and server are
 * not asked for: public CAs do not issue certificates for both any more.
 *
 * The chain is verified at the end of the handshake, on the worker that runs it; names are asked for later, on the loop. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "tls/tls.h"

/* The CAs. Immutable once made; references may be given up on any thread. */
struct trust;

/* Reads a file with CAs in PEM; "": the system's, and then none at all is no error. And one with their revocation lists, unless that is
 * "": what stands in one is not trusted. Before the sandbox. NULL with *err. */
struct trust *trust_new(const char *ca_file, const char *crl_file, struct err *err);
/* CAs from memory. */
struct trust *trust_from_pem(struct str pem, struct err *err);
/* Both anew, from what files have now. cas empty: those of `old`. crls empty: none. NULL with *err. */
struct trust *trust_renew(const struct trust *old, struct str cas, struct str crls, struct err *err);
struct trust *trust_ref(struct trust *t);
void trust_unref(struct trust **t);
/* How many CAs. */
unsigned trust_count(const struct trust *t);

/* From now on the context's connections ask their peers for a certificate (none is required), verify it against `trust` (a
 * reference is taken; replaces the one of before), and are not resumed. For contexts of links between servers; before the first
 * connection, and again when the CAs change. */
void tls_context_verify_peers(struct tls_context *t, struct trust *trust);

/* The same CAs (NULL: none any more), but only connections made with tls_new_asking ask: for contexts of clients' streams. */
void tls_context_set_trust(struct tls_context *t, struct trust *trust);

enum tls_peer {
	TLS_PEER_UNKNOWN, /* it showed no certificate, or the handshake is not over */
	TLS_PEER_UNTRUSTED, /* one that leads to none of our CAs, has expired, is not what DANE says … */
	TLS_PEER_TRUSTED,
};

/* The chain alone: says nothing about whose it is. *why_r (borrowed from s, may be NULL) says why not. */
enum tls_peer tls_peer(const struct tls *s, const char **why_r);

/* The chain is trusted and the certificate was made for `domain` (prepared, as XMPP has it). False with the reason in *why. */
bool tls_peer_is(const struct tls *s, struct str domain, struct err *why);

/* Streams are long, so what was verified is looked at again (RFC 6120 §13.7.2.3). From now on the context looks at this connection, if
 * its peer's chain is trusted, until that holds no more, or tls_free. On the loop. */
void tls_watch_peer(struct tls *s, void *owner);
/* Looks at some of those, in turn, on the loop: is one of the certificates between the peer and the CA not valid any more at now_s
 * (seconds since 1970)? Or is the chain not trusted by the CAs and revocation lists that the context has by now? Such an owner is
 * told, once, and may free it then. */
void tls_context_look_at_peers(
    struct tls_context *t, int64_t now_s, void (*lapsed)(void *owner, const char *why));

/* The XmppAddrs (RFC 6120 §13.7.1.4) of a certificate whose chain is trusted, in their order, the first max of them; they are
 * borrowed from s and any byte is possible. Returns how many there are. */
size_t tls_peer_addresses(const struct tls *s, struct str *v, size_t max);
