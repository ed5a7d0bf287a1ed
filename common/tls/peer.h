/* What is known of a peer once its handshake is over; inside common/tls only. */
#pragma once

#include <gnutls/gnutls.h>

#include "tls/dane.h"
#include "tls/names.h"
#include "tls/trust.h"

/* Whom a client wants: a copy of struct tls_client's part of it. */
struct peer_wanted {
	char *domain; /* prepared */
	char *host;   /* NULL: no DANE */
	struct tlsa tlsa[TLSA_MAX];
	size_t n_tlsa;
	struct arena arena; /* the records' data */
};

struct peer {
	enum tls_peer state;
	struct err why;
	const char *purpose; /* that its certificate must have if it names any; NULL: none */
	int64_t until;       /* of a trusted one: the last second in which it is */
	bool is_pinned;      /* by DANE-EE: names are not asked for (RFC 7671 §5.1) */
	bool is_anchored;    /* by DANE-TA: the host's name counts too (RFC 7673 §4.1) */
	struct cert_names names;
};

/* NULL: a server, which learns later who comes. */
struct peer_wanted *peer_wanted_new(const struct tls_client *c);
void peer_wanted_free(struct peer_wanted **w);

/* Verifies what the peer has shown. On the worker; `trust` may be NULL. */
void peer_verify(struct peer *p, gnutls_session_t session, struct trust *trust,
    const struct peer_wanted *wanted);
/* Again, with what is trusted by now. Its names are what they were. */
void peer_verify_again(struct peer *p, gnutls_session_t session, struct trust *trust,
    const struct peer_wanted *wanted);
void peer_deinit(struct peer *p);
size_t peer_addresses(const struct peer *p, struct str *v, size_t max);
bool peer_is(
    const struct peer *p, const struct peer_wanted *wanted, struct str domain, struct err *why);
