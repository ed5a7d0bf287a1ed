/* TLS for the edges over memory buffers: no socket is touched here. Keys never come near: signatures are
 * asked of keyd through tls/signer.h. GnuTLS as SECURITY.md §2.6 says. The only files that include GnuTLS's
 * session API are in this folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct tls_context; /* certificates by name, priorities, ticket keys: one per process */
struct tls;         /* one connection */
struct tlsa;        /* tls/dane.h */

/* Process-wide; before the sandbox, like tls_context_new. Reads the system's priority configuration, seeds the
 * generator. */
int tls_global_init(struct err *err);
void tls_global_deinit(void);

/* alpn: "xmpp-client"; a client that offers ALPN without it is refused, one without ALPN is not. NULL: no ALPN.
 * The context must outlive its connections. */
struct tls_context *tls_context_new(const char *alpn);
void tls_context_free(struct tls_context **t);

/* Adds or replaces the certificate chain (PEM) of a domain; key_id names the key at keyd. Sessions that
 * run keep theirs. The first one added is what a client without SNI gets before its stream's `to` is known. */
int tls_context_set_chain(struct tls_context *t, struct str domain, struct str chain_pem,
    uint32_t key_id, struct err *err);
void tls_context_remove_chain(struct tls_context *t, struct str domain);
/* Session ticket key from keyd (64 bytes); resumption is off without. */
void tls_context_set_ticket_key(struct tls_context *t, struct str key);
bool tls_context_has_chain(const struct tls_context *t, struct str domain);

/* domain: the certificate to use when the client sends no SNI (STARTTLS: the stream's `to`); may be empty. */
struct tls *tls_new(struct tls_context *t, struct str domain);
/* The same, but the client is asked for a certificate (none is required), which is verified for the purpose of a TLS client by
 * the CAs of tls_context_set_trust. It is not resumed. What came of it is asked by tls/verify.h. */
struct tls *tls_new_asking(struct tls_context *t, struct str domain);

/* Everything is borrowed for the call. */
struct tls_client {
	struct str domain; /* who is wanted (prepared): goes as SNI, unless it is an address */
	struct str own; /* whose chain is shown when the peer asks for one; empty, or without a chain: none is */
	const char *alpn; /* TLS from the first byte: "xmpp-server"; STARTTLS: NULL */
	/* DANE: only what DNSSEC vouches for; at most TLSA_MAX count. */
	struct str host; /* the name of the server, to which SRV led; empty without tlsa */
	const struct tlsa *tlsa;
	size_t n_tlsa;
};

/* The side that begins: the first tls_handshake needs no input. Who answered is asked by tls/verify.h; any certificate is taken. */
struct tls *tls_new_client(struct tls_context *t, const struct tls_client *c);
void tls_free(struct tls **s);

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_CLOSED, /* close_notify came */
	TLS_FAILED,
};

/* One step of the handshake with what is in `in`; what must go to the peer is appended to `out`. May block
 * for as long as keyd takes (2 s at the most): run it on the handshake pool (tls/pool.h), and on the loop only if it
 * is a light one.
 * TLS_FAILED leaves an alert for the peer in `out`. */
enum tls_state tls_handshake(struct tls *s, struct buf *in, struct buf *out, struct err *err);
/* Whether the next step neither asks keyd nor computes with public keys, so that the loop may do it: TLS 1.3 behind
 * our certificate, with none of the peer to come. */
bool tls_handshake_is_light(const struct tls *s);

/* Decrypts what is in `in` (consumed) to `plain`, at most max bytes of it; then the rest is still in `in`, or
 * tls_pending says how much is decrypted already. After TLS_FAILED tls_bye has the alert for the peer. */
enum tls_state tls_read(
    struct tls *s, struct buf *in, struct buf *plain, size_t max, struct err *err);
size_t tls_pending(const struct tls *s);
/* Encrypts all of `plain` to `out`. Also under TLS_CLOSED, which is the peer's end only. */
enum tls_state tls_write(struct tls *s, struct str plain, struct buf *out, struct err *err);
/* Appends close_notify, or the alert that a failed tls_read left. */
void tls_bye(struct tls *s, struct buf *out);

/* Channel binding data (RFC 9266 tls-exporter only under 1.3; RFC 5929 tls-server-end-point). False if not
 * to be had. */
bool tls_channel_exporter(struct tls *s, struct buf *out);
/* Whether tls-exporter is to be had: it takes some hashing to compute. */
bool tls_has_exporter(const struct tls *s);
bool tls_channel_end_point(struct tls *s, struct buf *out);

/* "TLS1.3 X25519 AES-256-GCM resumed", for logs. Borrowed from s. */
const char *tls_describe(const struct tls *s);
bool tls_resumed(const struct tls *s);
/* The name the client asked for by SNI (A-labels, lower case); empty if none. */
struct str tls_sni(const struct tls *s);
