/* A connection from inside: for tls.c, which moves its bytes, and about.c, which says what it is. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/list.h"
#include "tls/peer.h"
#include "tls/tls.h"

struct tls {
	struct tls_context *context; /* borrowed; outlives every connection */
	gnutls_session_t session;
	enum tls_state state;
	struct buf *in, *out; /* the caller's, during a call */
	struct buf late;
	size_t handshake_bytes;
	struct tls_chain *chain; /* what was shown; NULL before that and after a resumption */
	char *domain; /* whose chain is shown: the stream's `to`, a client's own; NULL if unknown */
	char *sni;    /* NULL if none */
	struct peer_wanted *wanted; /* of a client */
	struct peer peer;           /* when it is verified */
	unsigned trust_number;      /* what it was verified with: the context's then */
	struct list watched;        /* in the context's, or alone; the owner is told */
	void *owner;
	bool verifies;
	bool is_client;
	bool gives_ticket;
	bool resumed;
	char description[72];
};

/* watch.c: idempotent. */
void tls_unwatch(struct tls *s);

static inline bool
tls_is_13(const struct tls *s)
{
	return gnutls_protocol_get_version(s->session) == GNUTLS_TLS1_3;
}
